/* What of the page is laid out and drawn. Nobody looks at it but whoever asks for a picture, so its app is not laid out
 * meanwhile, which changes nothing else of it, and with `ui` "none" its main part is no screen at all: the page's module
 * of it is answered for, and the real one begins when a picture is wanted. Owns who looks, each until a moment. */

const APP = '#app';
const MAIN_WRAPPER = 'WAWebMainWrapper';
/* For the main part to be there once it is wanted, and for pictures on it. */
const MAIN_DRAWN_MS = 5000;
const PICTURES_MS = 2000;

const notLaidOut = new CSSStyleSheet();
notLaidOut.replaceSync(`${APP} { content-visibility: hidden; }`);

/* Each who looks, and when they no longer do at the latest. */
const lookers = new Map();
let lastLooker = 0;
const isLookedAt = () => lookers.size > 0;

/* What wants to know whether somebody looks. */
const curious = new Set();
const whileLookedAt = (changed) => {
  curious.add(changed);
  return () => curious.delete(changed);
};

function layOut() {
  const others = document.adoptedStyleSheets.filter((sheet) => sheet !== notLaidOut);
  document.adoptedStyleSheets = isLookedAt() ? others : [...others, notLaidOut];
  for (const changed of [...curious]) changed();
}

function lookAway(looker) {
  clearTimeout(lookers.get(looker));
  if (lookers.delete(looker) && !isLookedAt()) layOut();
  return null;
}

/* Shows the page as people see it until `lookAway`, at most for `ms`. Gives the looker's number. */
async function look(ms) {
  const looker = ++lastLooker;
  lookers.set(looker, setTimeout(() => lookAway(looker), ms));
  const main = mainIsDrawn();
  layOut();
  await Promise.race([main, pause(Math.min(ms, MAIN_DRAWN_MS))]);
  await Promise.race([framesAndPictures(), pause(Math.min(ms, PICTURES_MS))]);
  return looker;
}

const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
async function framesAndPictures() {
  await frame();
  await frame();
  const coming = [...document.images].filter(({ complete: there }) => !there);
  await Promise.all(coming.map((image) => image.decode().catch(() => {})));
}

/* ---- without a main screen ---- */

/* The page's own main part, once it has begun; and whether its component is on the screen. */
let fullMain = null;
let bareMain = false;
let announceDrawn = () => {};
let drawn = null;
const mainIsDrawn = () => (bareMain && phase() === 'main' ? (drawn ??= new Promise((done) => (announceDrawn = done))) : null);

/* What the page's module gives for its main part: nothing to see until somebody looks. Of its start only what others wait
 * for is done. Null where the page has not what that takes. */
function bare(begin) {
  const react = window.require('react');
  const needed = ['createElement', 'useEffect', 'useSyncExternalStore'];
  if (!needed.every((name) => isFunction(react?.[name]))) return null;
  const full = () => (fullMain ??= begin());
  const Full = (props) => {
    react.useEffect(() => {
      announceDrawn();
      return () => (drawn = null);
    }, []);
    return react.createElement(full().MainComponent, props);
  };
  const MainComponent = (props) =>
    react.useSyncExternalStore(whileLookedAt, isLookedAt) ? react.createElement(Full, props) : null;
  bareMain = true;
  return {
    MainComponent,
    hasPendingActions: (...given) => Boolean(fullMain?.hasPendingActions(...given)),
    notificationBackend: {
      shutdownAsNeeded: (...given) => fullMain?.notificationBackend.shutdownAsNeeded(...given),
    },
    execApiCmd: (...given) => (fullMain ? fullMain.execApiCmd(...given) : false),
  };
}

function leaveMainOut() {
  startBackendWorkerOnce();
  amend(MAIN_WRAPPER, (exported) => {
    const begin = exported.default;
    if (!isFunction(begin)) return;
    exported.default = (...given) => {
      const own = bare(() => begin(...given));
      if (!own) return begin(...given);
      /* Where what others wait for is not found, all of the start is done, and only nothing is drawn. */
      if (!startBackendWorker()) fullMain = begin(...given);
      return own;
    };
  });
}
