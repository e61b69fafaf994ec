/* What runs in each of the page's web workers: modules of its own that weigh what the real page's do, and answers to what
 * it is asked. */

/* Scripts of modules, and how many of what they make is kept: some 10 MB with the worker's own. */
const FILES = [56, 57];
const KEPT = 15_000;

/* For whoever wants to know which workers run: held until this one ends. */
navigator.locks?.request(`worker ${self.name}`, () => new Promise(() => {}));

const kept = [];
const modules = [];
self.__d = (id, dependencies, factory) => {
  const module = { exports: {} };
  factory(self, null, null, null, module, module.exports);
  modules.push(module.exports);
};

const TASKS = {
  process: (chunk) => chunk,
  hash: (buffer) => crypto.subtle.digest('SHA-256', buffer),
  'start-indexer': () => true,
  find: ({ query, texts }) => texts.flatMap((text, index) => (text.includes(query) ? [index] : [])),
};

async function answer({ id, action, data, message }) {
  const task = TASKS[action ?? message.command.operation];
  try {
    const result = await task(message ? message.command : data);
    self.postMessage({ type: 'answer', id, result });
  } catch (error) {
    self.postMessage({ type: 'answer', id, error: String(error) });
  }
}

self.onmessage = ({ data }) => {
  if (data.type === 'init') {
    importScripts(...FILES.map((file) => `/sim/weight/${file}`));
    for (let index = 0; index < KEPT; index++) kept.push(modules[index % modules.length].make(index));
    self.postMessage({ type: 'up' });
  } else if (data.type === 'ask' || data.type === 'message') answer(data);
};
