/* Owns the weight of the real page, for measurements: scripts full of modules that nobody asks for, live models,
 * and a database. Nothing else of the page uses any of it. The scripts' text is made by the server. */

const FILES = 60;
const MODELS = 45_000;
const ROWS = 20_000;
const ROW_CHARACTERS = 1000;
const DATABASE = 'weight-storage';

const load = (file) =>
  new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = `/sim/weight/${file}`;
    script.async = false;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`script ${file} of the weight is missing`));
    document.head.append(script);
  });

/* Text that neither the database nor the kernel can make smaller. */
const noise = (length) => {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return String.fromCharCode(...bytes.map((byte) => 32 + (byte % 95)));
};

/* Registers the modules; window.__d must be there. */
export const loadModules = () => Promise.all(Array.from({ length: FILES }, (_, file) => load(file)));

/* About 60 MB of what a real session keeps alive: models with texts, tables and listeners. */
const models = [];
export function fillMemory() {
  for (let index = models.length; index < MODELS; index++) {
    const model = {
      id: `false_${index}@c.us_${noise(20)}`,
      body: noise(400),
      mediaKey: noise(44),
      t: index,
      ack: index % 4,
      listeners: new Map([['change', new Set([() => model.t])]]),
      mentions: [noise(12), noise(12)],
      attributes: { from: noise(18), to: noise(18), star: false, labels: [index] },
    };
    models.push(model);
  }
}

/* About 20 MB on disk, written once in a profile's life. */
export async function fillDatabase() {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('rows', { keyPath: 'id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const there = await settled(database.transaction('rows').objectStore('rows').count());
  for (let start = there; start < ROWS; start += 1000) {
    const transaction = database.transaction('rows', 'readwrite');
    const rows = transaction.objectStore('rows');
    for (let id = start; id < Math.min(start + 1000, ROWS); id++) rows.put({ id, text: noise(ROW_CHARACTERS) });
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
  }
  database.close();
}
