/* Owns the browser profile's IndexedDB: what survives a restart of the browser.
 * Writes are gathered into one transaction; flush() resolves when they are committed. */

const NAME = 'model-storage';
const STORES = ['account', 'contacts', 'chats', 'groups', 'messages', 'lids'];
const VERSION = 2;

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opened;
function open() {
  return (opened ||= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const there = request.result.objectStoreNames;
      for (const store of STORES.filter((name) => !there.contains(name))) {
        const made = request.result.createObjectStore(store, { keyPath: 'id' });
        if (store === 'messages') made.createIndex('chat', ['chat', 'rowId']);
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }));
}

async function read(store, ask) {
  const database = await open();
  return settled(ask(database.transaction(store, 'readonly').objectStore(store)));
}

export const get = (store, id) => read(store, (rows) => rows.get(id));
export const all = (store) => read(store, (rows) => rows.getAll());

/* The `count` newest messages of a chat whose row is below `below`, oldest first. */
export async function messagesBefore(chat, below, count) {
  return scan(chat, IDBKeyRange.bound([chat, -Infinity], [chat, below], false, true), 'prev', count).then(
    (rows) => rows.reverse(),
  );
}

/* The `count` oldest messages of a chat whose row is above `above`, oldest first. */
export const messagesAfter = (chat, above, count) =>
  scan(chat, IDBKeyRange.bound([chat, above], [chat, Infinity], true, false), 'next', count);

async function scan(chat, range, direction, count) {
  const database = await open();
  const request = database
    .transaction('messages', 'readonly')
    .objectStore('messages')
    .index('chat')
    .openCursor(range, direction);
  const rows = [];
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor || rows.length >= count) return resolve(rows);
      rows.push(cursor.value);
      cursor.continue();
    };
  });
}

/* Writes that wait for the next transaction: the last value of a row wins, null deletes it. */
let pending = new Map();
let writing = Promise.resolve();
let closed = false;

export function put(store, row) {
  if (!closed) pending.set(`${store}/${row.id}`, [store, row.id, row]);
}
export function remove(store, id) {
  if (!closed) pending.set(`${store}/${id}`, [store, id, null]);
}

export function flush() {
  writing = writing.then(async () => {
    if (!pending.size) return;
    const writes = [...pending.values()];
    pending = new Map();
    await transact((transaction) => {
      for (const [store, id, row] of writes) {
        const rows = transaction.objectStore(store);
        if (row) rows.put(row);
        else rows.delete(id);
      }
    });
  });
  return writing;
}

/* Forgets everything; nothing is written after it until `reopen`, or the page loads anew. */
export function wipe() {
  closed = true;
  pending = new Map();
  writing = writing.then(() =>
    transact((transaction) => {
      for (const store of STORES) transaction.objectStore(store).clear();
    }),
  );
  return writing;
}
export function reopen() {
  closed = false;
}

async function transact(write) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORES, 'readwrite');
    transaction.oncomplete = resolve;
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
    write(transaction);
  });
}
