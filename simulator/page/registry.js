/* Owns the module registry that page-driving libraries search: __d, require, importNamespace.
 * The simulator's own code never requires through it, so renaming or delaying a module breaks
 * only those who look for it by name. */

import { pause } from './bytes.js';
import { options } from './options.js';
import { loadModules } from './weight.js';

/* How often late modules arrive. */
const SLICE_MS = 50;

const modulesMap = Object.create(null);
const unwrapDefault = (exports) =>
  exports && typeof exports === 'object' && 'default' in exports ? exports.default : exports;

function define(id, dependencies, factory, special = 98) {
  modulesMap[id] = { id, dependencies, factory, special, exports: {}, state: 'new', error: null };
}

/* A module whose dependencies have not arrived can be tried again later; one whose factory threw
 * stays broken, as on the real page. */
function load(id) {
  const record = modulesMap[id];
  if (!record) throw new Error(`Requiring unknown module "${id}"`);
  if (record.error) throw record.error;
  if (record.state !== 'new') return record;
  const missing = record.dependencies.filter((dependency) => !modulesMap[dependency]);
  if (missing.length)
    throw new Error(`Requiring module "${id}" with missing dependencies: ${missing.join(', ')}`);
  record.state = 'loading';
  try {
    for (const dependency of record.dependencies) load(dependency);
    const module = { exports: record.exports };
    record.factory.call(
      module.exports,
      window,
      requireModule,
      importDefault,
      importNamespace,
      module,
      module.exports,
      ...record.dependencies.map((dependency) => modulesMap[dependency].exports),
    );
    record.exports = module.exports;
    record.state = 'loaded';
  } catch (error) {
    record.state = 'new';
    if (!/missing dependencies/.test(String(error))) record.error = error;
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
  define(nameOf(id), dependencies.map(nameOf), (global, require, importDefault, importNamespace, module) => {
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

/* Publishes the registry and fills it: `early` modules first, then `rest`. With `late` both are
 * spread over that time, each half backwards, so that dependents come before what they need. */
export async function publish({ early, rest, afterEarly }) {
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
  await spread(early, options.lateMs / 2);
  registerBallast(options.ballastModules);
  if (options.realWeight) await loadModules();
  afterEarly();
  await spread(rest, options.lateMs / 2);
  announceComplete();
}

/* The page cannot be usable before all its modules are there. */
let announceComplete;
export const complete = new Promise((resolve) => (announceComplete = resolve));

async function spread(entries, totalMs) {
  if (!totalMs) return entries.forEach(register);
  const backwards = [...entries].reverse();
  const slices = Math.max(1, Math.floor(totalMs / SLICE_MS));
  const perSlice = Math.ceil(backwards.length / slices);
  for (let start = 0; start < backwards.length; start += perSlice) {
    await pause(SLICE_MS);
    backwards.slice(start, start + perSlice).forEach(register);
  }
}
