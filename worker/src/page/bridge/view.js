/* Where the page is. Owns the reading of its state into one consistent piece, telling it at each change, and
 * keeping a QR code on the screen while nobody is linked.
 *
 * `Socket.state` has writers for OPENING, PAIRING, CONNECTED, UNPAIRED, UNPAIRED_IDLE and SCREEN_LOCKED only, and each
 * socket that opens passes through PAIRING: what tells linking from coming back is whether the document began with a
 * registration. What stops the page for good has no state of its own. */

/* Ask for a new code at most so often. */
const REFRESH_EVERY_MS = 3000;
/* A connection that is lost leaves CONNECTED at once; one that is taken over stays there without its stream. */
const CONFLICT_MS = 3000;
/* After a start the way to a connection; longer means that there is none. */
const CONNECT_MS = 15_000;
/* The page gives up a socket after 20 s of silence. One that stays longer between opened and connected was refused
 * without a word: too old a page, or one that does not get on. */
const SILENT_MS = 30_000;
/* While the page is not connected, how often it is looked at for signs that have no event. */
const PATROL_MS = 250;
/* There while a logout clears the profile. */
const CLEARING_KEY = 'post-logout';

let myself = null;
/* Whether the document began with a registration; null until the page can tell. */
let resumed = null;
let connectedOnce = false;
let linkEnded = false;
/* WhatsApp ends the link, and the page may wait with it until somebody has read why. */
const CONFIRM_MS = 3000;
function onForcedLogout() {
  onLinkEnded();
  /* As the button of that dialog does, behind which nobody is here. */
  setTimeout(() => isRegistered() && !isClearing() && found.socket?.logout?.(), CONFIRM_MS);
}
/* An account that is locked says so in the address of the document after it. */
let locked = false;
/* { until_ms } while the number is banned for some time. */
let ban = null;
let unavailable = false;
/* The page said that its stream was lost, whatever the stream itself shows. */
let streamLost = false;
/* When state or stream last changed. */
let movedAt = Date.now();
let lastTold = '';
let refreshedAt = 0;

/* What a phone tells while it is being linked here is its history. */
const linkedHere = () => resumed === false;

const qrElement = () => document.querySelector('[data-ref]');
const shownQr = () => textOf(qrElement()?.getAttribute('data-ref'));

function percent() {
  try {
    const value = Math.round(Number(found.offline?.getOfflineDeliveryProgress()));
    return value >= 0 && value <= 100 ? value : null;
  } catch {
    /* Before its manager exists. */
    return null;
  }
}

function versionText() {
  return found.version ?? textOf(window.Debug?.VERSION);
}

function isClearing() {
  try {
    return localStorage.getItem(CLEARING_KEY) !== null;
  } catch {
    return false;
  }
}

function isRegistered() {
  try {
    return Boolean(found.isRegistered ? found.isRegistered() : myself);
  } catch {
    return Boolean(myself);
  }
}

function isConnected() {
  const { state, stream } = found.socket;
  return state === 'CONNECTED' && stream === 'CONNECTED' && !streamLost;
}

/* What is wrong with a connection that was there, or that does not come. */
function trouble(still) {
  const { state } = found.socket;
  if (unavailable) return 'unavailable';
  if (state === 'CONNECTED') return still >= CONFLICT_MS ? 'conflict' : 'offline';
  return state === 'PAIRING' && still >= SILENT_MS ? 'outdated' : 'offline';
}

function phase() {
  if (locked) return 'banned';
  if (linkEnded) return 'logged_out';
  /* The code can be read before the modules can: nobody need wait for them to scan. */
  if (!settled) return shownQr() && missing.length === 0 ? 'qr' : 'loading';
  const { state, hasSynced } = found.socket;
  if (!myself) {
    if (isClearing()) return 'loading';
    const asks = linkingPhase();
    if (asks) return asks;
    if (resumed === null || (!/^UNPAIRED/.test(state) && !shownQr())) return 'loading';
    return found.conn?.platform ? 'pairing' : 'qr';
  }
  if (state === 'CONNECTED') connectedOnce = true;
  if (state === 'SCREEN_LOCKED') return 'screen_locked';
  if (isConnected()) return isChallenged() ? 'passkey_checkpoint' : 'main';
  if (state === 'CONNECTED' && !hasSynced) return 'syncing';
  if (ban) return 'temporarily_banned';
  /* Known although the codes' state remains: a phone is being linked. */
  if (linkedHere() && !connectedOnce) return 'pairing';
  const still = Date.now() - movedAt;
  if (!connectedOnce && !unavailable && still < CONNECT_MS && found.network?.online !== false) return 'loading';
  return trouble(still);
}

function meRecord() {
  if (!myself) return null;
  return {
    wid: idOf(myself),
    lid: idOf(myLid),
    pushname: textOf(found.conn?.pushname) ?? '',
    platform: textOf(found.conn?.platform) ?? '',
  };
}

/* Some of the page's getters became asynchronous over time, so this is too. */
async function view() {
  if (settled) {
    try {
      myself = (await found.me()) ?? null;
      myLid = (await found.meLid?.()) ?? null;
    } catch {
      myself = null;
    }
    /* Before that it has not looked at what the profile holds. */
    if (found.socket.state !== 'UNLAUNCHED') resumed ??= myself !== null && isRegistered();
    checkLink();
  }
  const now = phase();
  return {
    phase: now,
    qr: now === 'qr' ? shownQr() : null,
    me: meRecord(),
    percent: now === 'syncing' ? percent() : null,
    heard: now === 'main' && isHeard(),
    /* No registration, and none that is being cleared. */
    unlinked: resumed !== null && !myself && !isClearing(),
    passkey: /^passkey/.test(now) ? passkeyView() : null,
    until_ms: now === 'temporarily_banned' ? ban.until_ms : null,
    degraded: degraded(),
    lacks: lacking(),
    version: versionText(),
    restrictions: limits,
  };
}

let telling = false;
let tellAgain = false;

/* Tells the view if it changed. Changes that come together are told once. */
async function tell() {
  if (telling) {
    tellAgain = true;
    return;
  }
  telling = true;
  try {
    do {
      tellAgain = false;
      await null;
      const now = await view();
      const text = stringify(now);
      if (text !== lastTold) {
        lastTold = text;
        emit('view', { view: now });
      }
      watchScreen(!myself);
      patrol(myself !== null && now.phase !== 'main');
      if (now.phase === 'qr' && !now.qr) keepCodesComing();
    } while (tellAgain);
  } finally {
    telling = false;
  }
}

/* ---- signs without an event ---- */

/* A registration that is being cleared, or has gone, is the end of the link whoever ended it. */
function checkLink() {
  if ((resumed || myself) && isClearing()) onLinkEnded();
  else if (resumed && settled && !isRegistered()) onLinkEnded();
}

let patrolling = null;
function patrol(on) {
  if (on === (patrolling !== null)) return;
  if (on) patrolling = setInterval(tell, PATROL_MS);
  else patrolling = clearInterval(patrolling) ?? null;
}

/* Called with the page's own events of its connection. */
function onMoved() {
  movedAt = Date.now();
  const { state, stream } = found.socket;
  if (state === 'CONNECTED') {
    unavailable = false;
    ban = null;
  }
  if (stream === 'CONNECTED' && state === 'CONNECTED') streamLost = false;
  tell();
}
function onStream(open) {
  streamLost = !open;
  movedAt = Date.now();
  tell();
}
function onUnavailable() {
  unavailable = true;
  tell();
}

/* The end of a ban as a moment, in seconds or milliseconds, or as the seconds until it. */
function onBan(told) {
  const end = Number(told?.expire);
  const until_ms = !(end > 0) ? null : end > 1e12 ? end : end > 1e9 ? end * 1000 : Date.now() + end * 1000;
  ban = told?.banned ? { until_ms: until_ms && Math.round(until_ms) } : null;
  tell();
}

/* ---- the code ---- */

/* After several codes the page stops and waits for a click. */
function keepCodesComing() {
  const idle = settled && found.socket.state === 'UNPAIRED_IDLE';
  const button = qrElement()?.querySelector('button') ?? document.querySelector('#app button [data-icon^="refresh"]')?.closest('button');
  if (!idle && !button) return;
  const wait = refreshedAt + REFRESH_EVERY_MS - Date.now();
  if (wait > 0) {
    setTimeout(tell, wait);
    return;
  }
  refreshedAt = Date.now();
  refreshQr(button);
}

function refreshQr(button) {
  try {
    if (found.refreshQr) found.refreshQr();
    else if (isFunction(found.cmd?.refreshQR)) found.cmd.refreshQR();
    else button?.click();
  } catch {
    button?.click();
  }
  setTimeout(tell, TICK_MS);
}

/* Only while nobody is linked: the chats change all the time, and each change would be looked at. */
const screenWatcher = new MutationObserver(() => {
  hasMounted();
  tell();
});
let watching = false;
function watchScreen(on) {
  if (on === watching) return;
  watching = on;
  if (on) {
    screenWatcher.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-ref'] });
  } else {
    screenWatcher.disconnect();
  }
}
