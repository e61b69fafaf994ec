/* Finds the members of the table. Owns the reading of what has arrived, the probe, and asking the worker for wa-js when
 * the page has changed. What single operations need is in rare.js.
 *
 * The page's modules come in waves with pauses of any length between them, so a quiet registry proves nothing; the page
 * itself says how far it is. A factory that runs before all that it depends on is registered breaks its module for the
 * life of the document, so none is run outside its closure. wa-js runs what it finds, so it comes only into a page that
 * is complete, or that can tell nothing without it. */

const TICK_MS = 50;
/* Where something is missing on a complete page, it is looked for now and then all the same. */
const SLOW_TICK_MS = 1000;
/* A page that never showed a start-up screen, or does not say when its main part is there, is given so long. */
const BLIND_MS = 60_000;
const MAIN_MS = 15_000;
/* How long an operation waits for a page that has just come up. */
const COMPLETE_MS = 20_000;
/* For how long what is merely nice to have is looked for on a complete page, in rounds of five seconds. */
const LAST_ROUNDS = 12;
/* What has come in the same moment as the sign that it is there. */
const GRACE_MS = 400;
const STAND_IN_MS = 30_000;

const STARTUP_SCREEN = '#wa_web_initial_startup';

const found = {};
let missing = [];
let settled = false;
/* The page's main part is there: what is missing now is missing. */
let complete = false;
let announceComplete;
const completion = new Promise((done) => (announceComplete = done));

/* And what is missing was looked for in wa-js. */
let announceJudged;
const judgement = new Promise((done) => (announceJudged = done));

/* For an operation on a page that has just come up, where something has not come yet. */
async function untilJudged() {
  if (!settled || phase() !== 'main' || lacks(() => true).length === 0) return;
  await Promise.race([judgement, pause(COMPLETE_MS)]);
}

/* For whoever needs the whole page. Fails where it does not come. */
async function untilComplete() {
  await Promise.race([completion, pause(COMPLETE_MS)]);
  if (!complete) throw new Failure('not_ready', 'the page is still loading');
}

const nameOf = ([module, member]) => (member === null ? module : `${module}.${member}`);

/* The loader's list of modules, or null where this page does not show it. */
function registered() {
  try {
    return window.require('__debug').modulesMap || null;
  } catch {
    return null;
  }
}

/* ---- what has arrived ---- */

/* Modules whose closure is there, and for others a name that they wait for: both spare long walks. */
const closed = new Set();
const waitsFor = new Map();

/* Whether this module and all that it depends on are registered. Names of the page's data (`cr:`) come before the app,
 * or never. */
function isClosed(map, module) {
  if (closed.has(module)) return true;
  const awaited = waitsFor.get(module);
  if (awaited !== undefined && !map[awaited]) return false;
  const seen = new Set();
  const open = [module];
  while (open.length) {
    const name = open.pop();
    if (seen.has(name) || closed.has(name)) continue;
    const entry = map[name];
    if (!entry) {
      if (name.startsWith('cr:') && hasMounted()) continue;
      waitsFor.set(module, name);
      return false;
    }
    seen.add(name);
    for (const needed of Array.isArray(entry.dependencies) ? entry.dependencies : []) {
      if (typeof needed === 'string') open.push(needed);
    }
  }
  waitsFor.delete(module);
  for (const name of seen) closed.add(name);
  return true;
}

/* Whether the page has put its app in the place of the start-up screen. Sticky: the sign is of the start only. */
let startupSeen = false;
let mounted = false;
function hasMounted() {
  if (mounted) return true;
  const there = document.querySelector(STARTUP_SCREEN) !== null;
  startupSeen ||= there;
  if (document.readyState === 'loading') return false;
  mounted = !there && (startupSeen || shownQr() !== null || performance.now() > BLIND_MS);
  return mounted;
}

function lookUp({ at, is }) {
  const map = registered();
  for (const [module, member] of at) {
    if (map && !isClosed(map, module)) continue;
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

/* What wants to know when a member is found. */
const whenFound = {};

/* Looks for everything that is not found yet. */
function lookAround() {
  for (const [name, member] of Object.entries(MEMBERS)) {
    if (found[name] !== undefined) continue;
    found[name] = lookUp(member);
    if (found[name] !== undefined) whenFound[name]?.(found[name]);
  }
}

const lacks = (wanted) =>
  Object.keys(MEMBERS).filter((name) => found[name] === undefined && !MEMBERS[name].optional && wanted(MEMBERS[name]));

/* ---- wa-js in the place of what is missing ---- */

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
/* The worker has none, or could not put it there. */
let standInRefused = !settings.waJs;
async function standIn(what) {
  if (settled && myself) await untilComplete();
  standInAsked ??= askForStandIn(what);
  const there = await standInAsked;
  if (!there) standInAsked = null;
  if (standInRefused === there) {
    standInRefused = !there;
    tell();
  }
  return there;
}

/* A member as wa-js has it. */
const triedInStandIn = new Set();
function lookUpInStandIn(row) {
  const { is, stand_in } = row;
  triedInStandIn.add(row);
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
    if (found[name] !== undefined) continue;
    const value = lookUpInStandIn(MEMBERS[name] ?? RARE[name]);
    if (value === undefined) continue;
    found[name] = value;
    whenFound[name]?.(value);
  }
}

/* ---- the order of it all ---- */

const isVital = ({ vital }) => Boolean(vital);

/* Until the page's state can be told. */
async function settle() {
  let judged = false;
  for (;;) {
    await pause(judged ? SLOW_TICK_MS : TICK_MS);
    if (Object.keys(amendments).length) catchUpWithLoader();
    if (typeof window.require !== 'function' || !hasMounted()) continue;
    lookAround();
    if (lacks(isVital).length && !judged) {
      judged = true;
      await pause(GRACE_MS);
      lookAround();
      missing = lacks(isVital);
      if (missing.length) await resolveByStandIn();
      tell();
    }
    if (lacks(isVital).length === 0) break;
  }
  settled = true;
}

/* The main part comes after the login; the page says when it is there. */
async function untilMain() {
  const said = found.waitForMain?.();
  const main = async () => {
    while (phase() !== 'main') await pause(SLOW_TICK_MS);
  };
  await Promise.race([said ?? new Promise(() => {}), main().then(() => pause(MAIN_MS))]);
}

/* What the rest of the session may need, as it comes. */
async function settleRest() {
  untilMain()
    .then(() => pause(GRACE_MS))
    .then(() => {
      complete = true;
      announceComplete();
    });
  completion.then(judge);
  const all = () => Object.keys(MEMBERS).every((name) => found[name] !== undefined);
  for (let rounds = 0; !all() && rounds < LAST_ROUNDS; rounds += complete) {
    lookAround();
    await pause(complete ? SLOW_TICK_MS * 5 : SLOW_TICK_MS / 4);
  }
  closed.clear();
  waitsFor.clear();
}

/* What is missing on a complete page is told, and wa-js takes its place; in that of what single operations need, when
 * one does. */
async function judge() {
  lookAround();
  missing = [...new Set([...missing, ...lacks(() => true), ...absentRare()])];
  tell();
  if (lacks(() => true).length) await resolveByStandIn();
  tell();
  announceJudged();
}

/* The page's own names of what is missing. */
const degraded = () => missing.map((name) => nameOf((MEMBERS[name] ?? RARE[name]).at[0]));

/* A member that an operation needs. */
function use(name) {
  if (found[name] === undefined) lookAround();
  if (found[name] !== undefined) return found[name];
  const member = nameOf(MEMBERS[name].at[0]);
  if (!complete) throw new Failure('not_ready', `the page is still loading: ${member} has not come yet`);
  throw new Failure('unsupported', `this version of the page lacks ${member}`);
}
