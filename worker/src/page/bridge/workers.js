/* The page's web workers. The page starts them with itself and mostly asks nothing of them; with `workers` "on_demand" each
 * that is known here is held back until the page asks for what it does. Owns how that is noticed: a function of the
 * module through which the page asks, or a message that is more than a greeting. A worker that is not known, or whose
 * module did not show what it should, starts at once.
 *
 *   held ── asked, or too much waits for it ──▶ running ── idle, and can begin anew ──▶ held
 *
 * Whatever the page says to a worker that is held is kept and said to it in the same order. One ends only where all that it
 * was told before the first request can be told again: what carried a port or a buffer cannot. */

const BACKEND_CLIENT = 'WAWebBackendWorkerClient';

const MEDIA_CLIENT = 'WAWebMediaWorkerProxy';

/* `module`, and which of its functions ask; `ends`: whether it ends when idle. */
const HELD_BACK = {
  /* Who asks waits for a bridge that the page makes once, so it stays when it is there. */
  WAWebBackendWorker: { module: BACKEND_CLIENT, asks: (exported) => [[exported, 'getBackendWorkerBridge']] },
  WAWebFtsWorker: { module: 'WAWebFtsClient', asks: ({ ftsClient }) => [[ftsClient, 'search']] },
  WAWebMediaWasmWorker: {
    module: MEDIA_CLIENT,
    asks: (exported) => Object.keys(exported).filter((name) => /InWorker$/.test(name)).map((name) => [exported, name]),
    ends: true,
  },
};

/* More than so much is not held back. */
const MOST_KEPT = 200;
/* How often it is looked whether one is idle, in parts of the time that makes it so. */
const CHECKS = 10;

const OwnWorker = window.Worker;

/* What a worker is for is asked for now: by name, those who wait to start. */
const wanted = new Set();
const waiting = new Map();
function want(name) {
  wanted.add(name);
  waiting.get(name)?.forEach((worker) => worker.ask());
}

/* The names whose module has shown its functions. */
const noticed = new Set();

class HeldWorker extends EventTarget {
  #given;
  #kind;
  #real = null;
  #ended = false;
  #asked = false;
  /* What it was told before the first request, with which it begins again, and whether all of that can be told again. */
  #opening = [];
  #repeatable = true;
  /* What has waited since it ended. */
  #kept = [];
  /* The page's last word and the worker's: as long as one has no answer, it is at work. */
  #spokeAt = 0;
  #heardAt = 0;
  #idle = null;
  #handlers = {};

  constructor(given, kind) {
    super();
    [this.#given, this.#kind] = [given, kind];
  }

  postMessage(message, transfer) {
    if (this.#ended) return;
    const options = Array.isArray(transfer) ? { transfer } : (transfer ?? {});
    if (this.#real) {
      this.#spokeAt = performance.now();
      this.#real.postMessage(message, options);
      return;
    }
    const moved = options.transfer?.length > 0;
    if (moved) this.#repeatable = false;
    /* As it is now; what moves is the worker's from now on. */
    (this.#asked ? this.#kept : this.#opening).push([moved ? message : structuredClone(message), options]);
    if (this.#opening.length + this.#kept.length > MOST_KEPT) this.ask();
  }

  /* Somebody needs it. */
  ask() {
    this.#asked = true;
    if (!this.#ended && !this.#real) this.#start();
  }

  #start() {
    const real = (this.#real = Reflect.construct(OwnWorker, this.#given));
    for (const type of ['message', 'messageerror']) {
      real.addEventListener(type, ({ data, ports, origin, lastEventId }) => {
        if (this.#real !== real) return;
        this.#heardAt = performance.now();
        this.dispatchEvent(new MessageEvent(type, { data, ports: [...ports], origin, lastEventId }));
      });
    }
    real.addEventListener('error', (event) => {
      const { message, filename, lineno, colno, error } = event;
      const same = { message, filename, lineno, colno, error, cancelable: true };
      if (!this.dispatchEvent(new ErrorEvent('error', same))) event.preventDefault();
    });
    this.#spokeAt = performance.now();
    for (const [message, options] of [...this.#opening, ...this.#kept.splice(0)]) real.postMessage(message, options);
    /* One that was asked before it was told anything is told how to begin only now, and by whom nobody knows. */
    const canBeginAgain = this.#repeatable && this.#opening.length > 0;
    if (!canBeginAgain) this.#opening = [];
    else if (this.#kind.ends) this.#idle = setInterval(() => this.#endWhenIdle(), settings.worker_idle_ms / CHECKS);
  }

  #endWhenIdle() {
    if (this.#spokeAt <= this.#heardAt && this.#heardAt < performance.now() - settings.worker_idle_ms) this.#stop();
  }

  #stop() {
    clearInterval(this.#idle);
    this.#real?.terminate();
    this.#real = null;
  }

  terminate() {
    this.#ended = true;
    this.#stop();
    this.#opening = [];
    this.#kept = [];
  }

  #handler(type, handler) {
    const before = this.#handlers[type];
    if (before) this.removeEventListener(type, before);
    this.#handlers[type] = isFunction(handler) ? handler : null;
    if (this.#handlers[type]) this.addEventListener(type, handler);
  }
  get onmessage() {
    return this.#handlers.message ?? null;
  }
  set onmessage(handler) {
    this.#handler('message', handler);
  }
  get onmessageerror() {
    return this.#handlers.messageerror ?? null;
  }
  set onmessageerror(handler) {
    this.#handler('messageerror', handler);
  }
  get onerror() {
    return this.#handlers.error ?? null;
  }
  set onerror(handler) {
    this.#handler('error', handler);
  }
}

/* Whether the page's own start of the worker was found and called: its main part would call it, and where that is left
 * out, we do. */
function startBackendWorker() {
  try {
    const map = registered();
    if (map && !isClosed(map, BACKEND_CLIENT)) return false;
    const { startBackendWorker: start } = window.require(BACKEND_CLIENT);
    start();
    return true;
  } catch {
    return false;
  }
}

/* The main part calls it again when it begins after all. */
function startBackendWorkerOnce() {
  amend(BACKEND_CLIENT, (exported) => {
    const start = exported.startBackendWorker;
    let started = null;
    if (isFunction(start)) exported.startBackendWorker = (...given) => (started ??= { result: start(...given) }).result;
  });
}

function noticeAsks(name, { module, asks }) {
  amend(module, (exported) => {
    for (const [holder, member] of asks(exported)) {
      const ask = holder[member];
      if (!isFunction(ask)) continue;
      noticed.add(name);
      holder[member] = function (...given) {
        want(name);
        return Reflect.apply(ask, this, given);
      };
    }
  });
}

function holdWorkersBack() {
  for (const [name, kind] of Object.entries(HELD_BACK)) noticeAsks(name, kind);
  /* So that it is one to whoever asks for its class. */
  Object.setPrototypeOf(HeldWorker.prototype, OwnWorker.prototype);
  window.Worker = new Proxy(OwnWorker, {
    construct(target, given, newTarget) {
      const name = given[1]?.name;
      if (!noticed.has(name) || newTarget !== window.Worker) return Reflect.construct(target, given, newTarget);
      const worker = new HeldWorker(given, HELD_BACK[name]);
      waiting.set(name, [...(waiting.get(name) ?? []), worker]);
      if (wanted.has(name)) worker.ask();
      return worker;
    },
  });
}
