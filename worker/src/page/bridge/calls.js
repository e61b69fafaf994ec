/* The way in. Owns the calls that are under way, their files - which the browser keeps, so that no large one is in the
 * page's memory -, and the moment at which each can no longer be
 * called off. Answers come over the outlet, so that no call of the debugger waits for the network. */

const OPERATIONS = {
  send_text: sendText,
  send_media: sendMedia,
  chats: listChats,
  messages: listMessages,
  contacts: listContacts,
  groups: listGroups,
  check_exists: checkExists,
  download_media: downloadMedia,
  mark_seen: markSeen,
  typing,
  pairing_code: pairingCode,
  passkey_answer: passkeyAnswer,
  passkey_confirm: passkeyConfirm,
  passkey_cancel: passkeyCancelled,
  logout,
  operate,
};

/* Newer browsers do this natively, and many times faster. */
const fromBase64 = (text) =>
  isFunction(Uint8Array.fromBase64) ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function toBase64(bytes) {
  if (isFunction(bytes.toBase64)) return bytes.toBase64();
  let text = '';
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
}

/* As they are before the page's own scripts run. */
const { fetch: fetchAtFirst, Response: ResponseAtFirst, URL: { createObjectURL, revokeObjectURL } } = window;
const createElement = document.createElement.bind(document);

/* Whether the page's own rules (CSP) allow it to read a Blob by an address. */
let hasAddresses = true;

/* A copy of a file of the disk, which will be gone. By its address the browser makes it alone; as a stream the bytes pass
 * through the page's memory, though not its script's. */
async function copyOf(file) {
  if (hasAddresses) {
    const address = createObjectURL.call(URL, file);
    try {
      return await (await fetchAtFirst.call(window, address)).blob();
    } catch {
      /* Either that is not allowed here, or the file cannot be read: then it cannot the other way either. */
    } finally {
      revokeObjectURL.call(URL, address);
    }
  }
  const copy = await new ResponseAtFirst(file.stream()).blob();
  hasAddresses = false;
  return copy;
}

class Call {
  #parts = [];
  #result = null;
  /* Until when the worker waits for the answer. */
  ends_at = Infinity;
  handed = false;
  handed_ms = 0;
  cancelled = false;
  atEnd = () => {};

  #begun = 0;

  constructor(id) {
    this.id = id;
  }

  put(base64) {
    this.#parts.push(new Blob([fromBase64(base64)]));
  }

  /* How many bytes it has now. The last of them are asked for, because a copy that could not be made is not told. */
  async take(input) {
    const copy = await copyOf(input.files[0]);
    input.value = '';
    if (copy.size) await copy.slice(-1).arrayBuffer();
    this.#parts.push(copy);
    return copy.size;
  }

  get parts() {
    return this.#parts.length;
  }

  takeParts() {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  giveBack(blob) {
    this.#result = blob;
  }

  get size() {
    return this.#result?.size ?? 0;
  }

  get result() {
    return this.#result;
  }

  check() {
    if (this.cancelled) throw new Failure('not_ready', 'the call was called off');
  }

  /* From here on the other side may hear of it. */
  hand() {
    this.check();
    this.handed = true;
    this.handed_ms = this.since_ms();
  }

  begin(left_ms) {
    this.ends_at = Date.now() + left_ms;
    this.#begun = performance.now();
  }

  since_ms() {
    return performance.now() - this.#begun;
  }
}

const calls = new Map();

async function run(call, request) {
  try {
    if (!settled && request.op !== 'logout') throw new Failure('not_ready', 'the page is still loading');
    if (request.op !== 'logout') await untilJudged();
    const operation = OPERATIONS[request.op];
    if (!operation) throw new Failure('unsupported', 'the page does not know this operation');
    await equip(request.op);
    const reply = await operation(call, request);
    const took = { handed_ms: call.handed_ms, done_ms: call.since_ms() };
    emit('reply', { call: call.id, reply, size: call.size, took });
  } catch (error) {
    /* The page's own errors may carry numbers or texts; their class is enough for people to look further. */
    const own = error instanceof Failure ? error : refusalOf(error);
    const kind = own ? own.kind : call.handed ? 'outcome_unknown' : 'refused';
    const text = own ? own.message : `the page failed with ${error?.name ?? 'an error'}`;
    const explains = own && kind === 'refused' && call.handed && !own.restriction;
    const restriction = explains ? await restrictionFor(call, own) : (own?.restriction ?? null);
    emit('failure', { call: call.id, kind, text, restriction });
  } finally {
    call.atEnd();
    if (!call.size) calls.delete(call.id);
  }
}

const callOf = (id) => {
  if (!calls.has(id)) calls.set(id, new Call(id));
  return calls.get(id);
};

/* What the worker can ask. Each answers at once. */
const inlet = {
  view: async () => stringify(await view()),
  put: (id, base64) => callOf(id).put(base64),
  /* In no document, so that nothing of the page sees it. */
  receiver: () => Object.assign(createElement('input'), { type: 'file' }),
  take: (id, input) => callOf(id).take(input),
  /* In two steps, one right behind the other: a document may be replaced between them, and the new one, which knows
   * nothing of the call, begins nothing; nor does one that has not the parts of its file. */
  open: (id, parts) => (parts ? calls.get(id)?.parts === parts : callOf(id)) && DOCUMENT,
  begin(id, request, left_ms) {
    if (!calls.has(id)) return false;
    const call = calls.get(id);
    call.begin(left_ms);
    run(call, request);
    return true;
  },
  result: (id) => calls.get(id)?.result ?? null,
  /* Whether it is too late: the message was handed to the page, or the call has ended. Forgets the call. */
  cancel(id) {
    const call = calls.get(id);
    if (!call) return true;
    call.cancelled = true;
    calls.delete(id);
    return call.handed;
  },
  marks(told, presence) {
    giveMarks(told);
    keepPresence(presence);
  },
  standIn: (there) => standInAnswered(there),
  /* What comes with wa-js: a function that makes the wide operations of the shared ones. */
  extend(make) {
    wide = make(shared);
  },
  look,
  lookAway,
  refreshQr: () => refreshQr(qrElement()?.querySelector('button')),
  passkeyContinue,
  passkeyCancel: () => void passkeyCancel(),
  /* Tries again at once instead of at the page's next turn. */
  reconnect: () => found.socket?.reconnect?.(),
};
