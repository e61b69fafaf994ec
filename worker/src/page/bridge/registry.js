/* Finds the members of the table. Owns the waiting for the page's modules, the probe, and asking the worker
 * for wa-js when the page has changed. Never runs a module whose dependencies are not registered yet: its
 * factory would fail, and the real loader remembers that. */

const TICK_MS = 50;
/* Nothing new for so long means that nothing more will come. */
const QUIET_MS = 1500;
/* Without the loader's own list only time tells. Modules register for 2 to 3 s after load. */
const BLIND_MS = 4000;
const STAND_IN_MS = 30000;

const found = {};
let missing = [];
let settled = false;

const nameOf = ([module, member]) => (member === null ? module : `${module}.${member}`);

/* The loader's list of modules, or null where this page does not show it. */
function registered() {
  try {
    return window.require('__debug').modulesMap || null;
  } catch {
    return null;
  }
}

/* Whether these modules and all that they depend on are registered. */
function isClosed(map, names) {
  const seen = new Set();
  const open = [...names];
  while (open.length) {
    const name = open.pop();
    if (seen.has(name)) continue;
    seen.add(name);
    const entry = map[name];
    if (!entry) return false;
    for (const needed of Array.isArray(entry.dependencies) ? entry.dependencies : []) {
      if (typeof needed === 'string') open.push(needed);
    }
  }
  return true;
}

/* The module that will serve each member; null while one has none. */
function modulesNeeded(map) {
  const needed = [];
  for (const { at, optional } of Object.values(MEMBERS)) {
    const present = at.find(([module]) => module in map);
    if (present) needed.push(present[0]);
    else if (!optional) return null;
  }
  return needed;
}

/* Until everything is there, or nothing more comes. */
async function untilRegistered() {
  let size = -1;
  let still = 0;
  let complete = 0;
  for (;;) {
    await pause(TICK_MS);
    if (typeof window.require !== 'function' || document.readyState === 'loading') continue;
    const map = registered();
    if (!map) {
      still += TICK_MS;
      if (still >= BLIND_MS) return;
      continue;
    }
    const now = Object.keys(map).length;
    still = now === size ? still + TICK_MS : 0;
    size = now;
    const needed = modulesNeeded(map);
    complete = needed && isClosed(map, needed) ? complete + 1 : 0;
    if (complete >= 2 && document.readyState === 'complete') return;
    if (size > 1 && still >= QUIET_MS) return;
  }
}

function lookUp({ at, is }) {
  const map = registered();
  for (const [module, member] of at) {
    if (map && !(map[module] && isClosed(map, [module]))) continue;
    try {
      const exported = window.require(module);
      const value = member === null ? exported : exported?.[member];
      if (is(value)) return value;
    } catch {
      /* Not there, or broken: the alternates and wa-js are next. */
    }
  }
  return undefined;
}

function probe() {
  missing = [];
  for (const [name, member] of Object.entries(MEMBERS)) {
    found[name] ??= lookUp(member);
    if (found[name] === undefined && !member.optional) missing.push(name);
  }
  return missing.length === 0;
}

/* The worker's answer to `need_stand_in`: whether it has put wa-js into the page. */
let standInAnswered = () => {};

async function untilStandInIsReady() {
  for (let waited = 0; waited < STAND_IN_MS; waited += TICK_MS) {
    if (window.WPP?.isReady && (window.WPP.isFullReady ?? true)) return true;
    await pause(TICK_MS);
  }
  return Boolean(window.WPP?.isReady);
}

async function askForStandIn(what) {
  const answer = new Promise((answered) => (standInAnswered = answered));
  emit('need_stand_in', what);
  const there = await Promise.race([answer, pause(STAND_IN_MS).then(() => false)]);
  return there && (await untilStandInIsReady());
}

/* Once per document: whoever wants it while it comes waits for the same one. A failure may be mended outside,
 * so the next who wants it asks again. */
let standInAsked = null;
async function standIn(what) {
  standInAsked ??= askForStandIn(what);
  const there = await standInAsked;
  if (!there) standInAsked = null;
  return there;
}

/* A member as wa-js has it. */
function lookUpInStandIn({ is, stand_in }) {
  try {
    const value = stand_in?.(window.WPP);
    /* An adapter around a call of wa-js has the shape of what it stands for only where it is a function. */
    return is(value) ? value : undefined;
  } catch {
    /* wa-js does not know it either: the operations that need it will say so. */
    return undefined;
  }
}

async function resolveByStandIn() {
  if (!(await standIn({ members: degraded() }))) return;
  for (const name of missing) {
    const value = lookUpInStandIn(MEMBERS[name]);
    if (value !== undefined) found[name] = value;
  }
}

/* Resolves all it can. False while the page's state cannot be told. */
async function settle() {
  await untilRegistered();
  if (!probe()) {
    /* A module may have come between two looks. */
    await pause(TICK_MS * 4);
    if (!probe()) await resolveByStandIn();
  }
  settled = Object.entries(MEMBERS).every(([name, { vital }]) => !vital || found[name] !== undefined);
  return settled;
}

/* The page's own names of what is missing. */
const degraded = () => missing.map((name) => nameOf((MEMBERS[name] ?? RARE[name]).at[0]));

/* A member that an operation needs. */
function use(name) {
  if (found[name] === undefined) {
    throw new Failure('unsupported', `this version of the page lacks ${nameOf(MEMBERS[name].at[0])}`);
  }
  return found[name];
}

/* Members that only some operations need: looked for when one does, so that a session which never uses them pays
 * nothing for them. */
async function need(...names) {
  for (const name of names) {
    if (found[name] !== undefined) continue;
    found[name] = lookUp(RARE[name]);
    if (found[name] !== undefined) continue;
    const member = nameOf(RARE[name].at[0]);
    if (!missing.includes(name)) missing.push(name);
    tell();
    const there = RARE[name].stand_in && (await standIn({ members: [member] }));
    if (there) found[name] = lookUpInStandIn(RARE[name]);
    if (found[name] === undefined) {
      const why = there || !RARE[name].stand_in ? '' : ', and wa-js (key wa_js) could not be put in its place';
      throw new Failure('unsupported', `this version of the page lacks ${member}${why}`);
    }
  }
  return found;
}
