/* Owns the page's web workers, as the page itself deals with them: one that decodes what phones tell of the past and hashes
 * files (`WAWebBackendWorker`), one that searches texts, one that draws pictures. Each is awaited by whoever needs it, and
 * what it does is done here where the page has none (switch `workers`). */

import { encodeBase64, sha256Base64 } from './bytes.js';
import { options } from './options.js';
import { exportsOf } from './registry.js';

const SCRIPT = '/sim/page/worker.js';

/* Until a worker has told that it is up; whoever needs it then gets an error. */
const START_MS = 60_000;

/* A worker that answers requests by their number. */
class Client {
  #worker;
  #waiting = new Map();
  #last = 0;
  #up;

  constructor(name) {
    this.#worker = new Worker(SCRIPT, { name });
    this.#up = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${name} did not start`)), START_MS);
      this.#worker.addEventListener('message', ({ data }) => {
        if (data.type === 'up') {
          clearTimeout(late);
          resolve();
        }
        if (data.type === 'answer') this.#settle(data);
      });
    });
    this.#up.catch(() => {});
    this.post({ type: 'init', version: options.version });
  }
  get up() {
    return this.#up;
  }
  post(message, transfer = []) {
    this.#worker.postMessage(message, transfer);
  }
  ask(message) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.post({ ...message, id });
    });
  }
  #settle({ id, result, error }) {
    const asked = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) asked?.reject(new Error(error));
    else asked?.resolve(result);
  }
}

/* ---- decoding, hashing ---- */

/* Started by the main screen's module; who needs it waits for a bridge that comes once in the document's life. */
let bridgeCame;
const bridge = new Promise((resolve) => (bridgeCame = resolve));
let bridgeThere = false;
export const BackendWorker = {
  async start() {
    if (!options.workers) return;
    const client = new Client('WAWebBackendWorker');
    await client.up;
    bridgeThere = true;
    bridgeCame({
      sendAndReceive: (namespace, action, data) => client.ask({ type: 'ask', namespace, action, data }),
      fireAndForget: (namespace, action, data) => client.post({ type: 'ask', namespace, action, data }),
    });
  },
  bridge: () => bridge,
  isReady: () => bridgeThere,
};

async function askBackend(namespace, action, data) {
  const there = await exportsOf('WAWebBackendWorkerClient').getBackendWorkerBridge();
  return there.sendAndReceive(namespace, action, data);
}

/* What a phone tells of the past, read. */
export const decode = async (chunk) => (options.workers ? askBackend('historySync', 'process', chunk) : chunk);

/* ---- searching ---- */

/* Told at once how it can be reached, by a port of its own, and to begin with its index. */
let searching = null;
function searcher() {
  if (searching) return searching;
  searching = new Client('WAWebFtsWorker');
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {};
  searching.post({ type: 'connect', port: port2 }, [port2]);
  return searching;
}
export const ftsClient = {
  async startIndexer() {
    if (options.workers) await searcher().ask({ type: 'message', message: { command: { operation: 'start-indexer' } } });
  },
  /* Which of these texts have that one. */
  async search(query, texts) {
    const command = { operation: 'find', query, texts };
    return searcher().ask({ type: 'message', message: { command } });
  },
};
export const find = (query, texts) =>
  options.workers
    ? exportsOf('WAWebFtsClient').ftsClient.search(query, texts)
    : texts.flatMap((text, index) => (text.includes(query) ? [index] : []));

/* ---- pictures ---- */

let drawing = null;
const media = () => (drawing ??= new Client('WAWebMediaWasmWorker'));
export const MediaWorker = {
  prewarm() {
    if (options.workers) media().post({ type: 'prewarm' });
  },
  async hash(buffer) {
    return media().ask({ type: 'ask', namespace: 'media', action: 'hash', data: buffer });
  },
};
export const hashOf = async (blob) =>
  options.workers
    ? encodeBase64(await exportsOf('WAWebMediaWorkerProxy').calculateFilehashInWorker(await blob.arrayBuffer()))
    : sha256Base64(blob);
