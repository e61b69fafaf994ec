/* Owns the module registry that page-driving libraries search: __d, require, importNamespace, and how modules arrive.
 * The simulator's own code never requires through it, so renaming or delaying a module breaks
 * only those who look for it by name. */

import { pause } from './bytes.js';
import { options } from './options.js';

/* How often late modules arrive. */
const SLICE_MS = 50;

const modulesMap = Object.create(null);
const unwrapDefault = (exports) =>
  exports && typeof exports === 'object' && 'default' in exports ? exports.default : exports;

function define(id, dependencies, factory, special = 98) {
  modulesMap[id] = { id, dependencies, factory, special, exports: {}, state: 'new', error: null };
}

/* Names that begin so come with the page's data, not as modules: they stand in no registry, and lead to nothing here. */
const isOfPageData = (id) => id.startsWith('cr:');

/* A module whose own dependencies have not arrived is not run and can be tried again later. One whose factory threw
 * stays broken for the life of the document, also where it threw for want of what its dependencies need. */
function load(id) {
  const record = modulesMap[id];
  if (!record) throw new Error(`Requiring unknown module "${id}"`);
  if (record.error) throw record.error;
  if (record.state !== 'new') return record;
  const missing = record.dependencies.filter((dependency) => !isOfPageData(dependency) && !modulesMap[dependency]);
  if (missing.length)
    throw new Error(`Requiring module "${id}" with missing dependencies: ${missing.join(', ')}`);
  record.state = 'loading';
  try {
    for (const dependency of record.dependencies) if (!isOfPageData(dependency)) load(dependency);
    const module = { exports: record.exports };
    record.factory.call(
      module.exports,
      window,
      requireModule,
      importDefault,
      importNamespace,
      module,
      module.exports,
      ...record.dependencies.map((dependency) => modulesMap[dependency]?.exports ?? null),
    );
    record.exports = module.exports;
    record.state = 'loaded';
  } catch (error) {
    record.state = 'broken';
    record.error = error;
    throw error;
  }
  return record;
}

const requireModule = (id) => unwrapDefault(load(id).exports);
const importDefault = requireModule;
function importNamespace(id) {
  const { exports } = load(id);
  return exports && typeof exports === 'object' ? exports : { default: exports };
}

const nameOf = (id) => (options.renamed.has(id) ? `${id}Renamed` : id);

function register({ id, dependencies = [], exports }) {
  /* As the page's scripts do: whoever has put something in its place hears of each. */
  window.__d(nameOf(id), dependencies.map(nameOf), (global, require, importDefault, importNamespace, module) => {
    module.exports = exports();
  });
}

/* Modules that nobody asks for, with source text: what makes the real page heavy. */
function registerBallast(count) {
  const filler = Array.from(
    { length: 12 },
    (_, line) =>
      `function part${line}(list){return list.map(function(entry){return entry.value*${line}+entry.weight;}).filter(Boolean);}`,
  ).join('');
  for (let index = 0; index < count; index++) {
    const id = `WABallast${String(index).padStart(6, '0')}`;
    const factory = new Function(
      'g',
      'r',
      'd',
      'n',
      'module',
      'exports',
      `${filler}exports.ballast${index}=[part0,part1];`,
    );
    define(id, [], factory);
  }
}

/* ---- how they arrive ----
 *
 * Three waves over one line, then bundles that are asked for by component. Any pause
 * may lie between two of them. */
const WAVES = { start: 400, app: 4000, main: 1000, bundle: 100 };

/* Time on the line, which all pages of this server share, for so many kB. */
async function transfer(kilobytes) {
  if (options.lineKbit) await fetch(`/sim/line?kilobytes=${kilobytes}`);
}

/* Publishes the registry and fills it. `start` modules come first; then, after a pause, `app` in two halves with a
 * pause between them. With `late` the second wave is spread over that time, backwards, so that dependents come before
 * what they need. `mount` is called when the second wave is there. */
export async function publish({ start, app, bundles, weight, mount }) {
  define(
    '__debug',
    [],
    (global, require, importDefault, importNamespace, module) => {
      module.exports = { modulesMap };
    },
    66,
  );
  Object.assign(window, {
    __d: define,
    require: requireModule,
    importDefault,
    importNamespace,
    requireLazy: (ids, use) => setTimeout(() => use(...ids.map(requireModule)), 0),
    ErrorGuard: { skipGuardGlobal() {} },
  });
  lazyBundles = bundles;
  await transfer(WAVES.start);
  start.forEach(register);
  await pause(options.gapMs);
  const half = Math.ceil(app.length / 2);
  const backwards = [...app].reverse();
  await transfer(WAVES.app / 2);
  await spread(backwards.slice(0, half), options.lateMs / 2);
  registerBallast(options.ballastModules);
  await weight?.();
  await pause(options.gapMs);
  await transfer(WAVES.app / 2);
  await spread(backwards.slice(half), options.lateMs / 2);
  announceComplete();
  mount();
}

/* The page cannot be usable before all its modules are there. */
let announceComplete;
export const complete = new Promise((resolve) => (announceComplete = resolve));

async function spread(entries, totalMs) {
  if (!totalMs) return entries.forEach(register);
  const slices = Math.max(1, Math.floor(totalMs / SLICE_MS));
  const perSlice = Math.ceil(entries.length / slices);
  for (let first = 0; first < entries.length; first += perSlice) {
    await pause(SLICE_MS);
    entries.slice(first, first + perSlice).forEach(register);
  }
}

/* ---- what is asked for ---- */

let lazyBundles = [];
const underWay = new Map();

const bundleOf = (component) => lazyBundles.find(({ components }) => components.includes(component));

/* The ready-made request tries up to ten times, with 1, 2, 3 … s between. The first tries of each can be made to fail. */
const TRIES = 10;
const triesLeft = new Map();
async function askAgain(bundle) {
  for (let tries = 1; ; tries++) {
    const failures = triesLeft.get(bundle) ?? options.bundleFailures;
    if (failures === 0) return fetchBundle(bundle);
    triesLeft.set(bundle, failures - 1);
    if (tries === TRIES) throw new Error('the bundle could not be loaded');
    await pause(tries * 1000);
  }
}

/* Asks for a bundle, once. */
function fetchBundle(bundle) {
  if (!underWay.has(bundle)) {
    const arrived = transfer(WAVES.bundle).then(() => bundle.modules.forEach(register));
    underWay.set(bundle, arrived);
  }
  return underWay.get(bundle);
}

/* Knows components only, and refuses inner modules. */
export const Bootloader = {
  loadModules(names, use) {
    const wanted = names.map((name) => {
      const bundle = bundleOf(name);
      if (!bundle) throw new Error(`Bootloader: no component ${name}`);
      return bundle;
    });
    Promise.all(wanted.map(fetchBundle)).then(() => use?.(...names.map(componentModule)));
  },
  get __debug() {
    return { componentMap: new Map(lazyBundles.flatMap(({ components }) => components.map((one) => [one, {}]))) };
  },
};
const componentModule = (name) => (modulesMap[nameOf(name)] ? requireModule(nameOf(name)) : undefined);

/* The ready-made request of a bundle, as the page's own screens have it. */
export const requestOf = (component) => ({ requireBundle: () => askAgain(bundleOf(component)) });

/* A reference to something that is asked for by its first `load`. */
export const reference = (component) => ({
  load: () => fetchBundle(bundleOf(component)).then(() => componentModule(component)),
  getModuleIfRequireable: () => (modulesMap[component] ? requireModule(component) : null),
});

/* A module that comes without being asked for, sooner or later. */
const POLL_MS = 20;
export const deferred = (id) => ({
  async load() {
    while (!modulesMap[nameOf(id)]) await pause(POLL_MS);
    return requireModule(nameOf(id));
  },
  getModuleIfRequireable: () => (modulesMap[nameOf(id)] ? requireModule(nameOf(id)) : null),
});
/* The screen that needs it is shown: it is on its way. */
export async function bundleArrives(id) {
  await pause(options.deferredMs);
  await fetchBundle(lazyBundles.find(({ modules }) => modules.some((module) => module.id === id)));
}

/* The main bundle comes after the login. Its module is called once, for what is to be mounted; `start` is its export. */
let announceMain;
export const mainLoaded = new Promise((resolve) => (announceMain = resolve));
export async function loadMain(start, platform) {
  await transfer(WAVES.main);
  register({ id: 'WAWebMainWrapper', exports: () => ({ default: start }) });
  const main = exportsOf('WAWebMainWrapper')(platform);
  announceMain();
  return main;
}
/* What the main screen does first, unless that is switched off: it asks for the other bundles. */
export async function prefetch() {
  if (options.prefetch) for (const bundle of lazyBundles) await fetchBundle(bundle);
}

/* As the page's own modules find each other: by name, and what one exports is looked up at each use. */
export const exportsOf = (id) => requireModule(nameOf(id));

/* A module's exports as they are. */
export const runModule = (id) => load(id).exports;
