/* Changes what single modules of the page export, in the moment in which the page has run them. Owns the loader's `__d`,
 * through which each module comes; what it does with all others is the page's. Never runs a module itself. */

/* By module, what is done with its exports. */
const amendments = {};
const amend = (module, change) => (amendments[module] ??= []).push(change);

const ours = new WeakSet();

/* Of a factory's arguments, the module, on which its exports are. */
const moduleAmong = (given) => given.slice(1).find((one) => one && typeof one === 'object' && typeof one.exports === 'object');

function amendedFactory(name, factory) {
  if (ours.has(factory)) return factory;
  /* A proxy looks like what it stands for. */
  const amended = new Proxy(factory, {
    apply(target, self, given) {
      const result = Reflect.apply(target, self, given);
      const exported = moduleAmong(given)?.exports;
      if (exported) for (const change of amendments[name]) change(exported);
      return result;
    },
  });
  ours.add(amended);
  return amended;
}

function amending(define) {
  if (!isFunction(define) || ours.has(define)) return define;
  const amended = new Proxy(define, {
    apply(target, self, [name, dependencies, factory, ...rest]) {
      const own = Object.hasOwn(amendments, name) && isFunction(factory) ? amendedFactory(name, factory) : factory;
      return Reflect.apply(target, self, [name, dependencies, own, ...rest]);
    },
  });
  ours.add(amended);
  return amended;
}

/* From the document's first moment: the loader puts it there, perhaps first a stand-in that only takes notes. */
function watchLoader() {
  let define = amending(window.__d);
  Object.defineProperty(window, '__d', {
    configurable: true,
    enumerable: true,
    get: () => define,
    set: (value) => (define = amending(value)),
  });
}

/* Where the page has declared it past that, and for what had come before. */
function catchUpWithLoader() {
  const here = Object.getOwnPropertyDescriptor(window, '__d');
  if (here?.writable && isFunction(here.value) && !ours.has(here.value)) window.__d = amending(here.value);
  const map = registered();
  for (const name of Object.keys(amendments)) {
    const entry = map?.[name];
    if (entry && isFunction(entry.factory)) entry.factory = amendedFactory(name, entry.factory);
  }
}
