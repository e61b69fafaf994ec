/* Where the page is. Owns the reading of its state into one consistent piece, telling it at each change, and
 * keeping a QR code on the screen while nobody is linked. */

/* Modes in which the page shows something else than the chats. */
const CONFLICT = new Set(['CONFLICT']);
const REFUSED = new Set(['TOS_BLOCK', 'SMB_TOS_BLOCK']);
/* A reload may get a newer page or another way through, so these are a lost connection. */
const BLOCKED = new Set(['PROXYBLOCK', 'DEPRECATED_VERSION', 'OFFLINE']);
/* Ask for a new code at most so often. */
const REFRESH_EVERY_MS = 3000;

let myself = null;
let hasConnected = false;
let linkEnded = false;
/* What a phone tells while it is being linked here is its history. */
let linkedHere = false;
let lastTold = '';
let refreshedAt = 0;

const qrElement = () => document.querySelector('[data-ref]');
const shownQr = () => textOf(qrElement()?.getAttribute('data-ref'));

function percent() {
  try {
    const value = Math.round(Number(found.offline?.getOfflineDeliveryProgress()));
    return value >= 0 && value <= 100 ? value : null;
  } catch {
    return null;
  }
}

function versionText() {
  return found.version ?? textOf(window.Debug?.VERSION);
}

function phase() {
  if (linkEnded) return 'logged_out';
  /* The code can be read before the modules can: nobody need wait for them to scan. */
  if (!settled) return shownQr() && missing.length === 0 ? 'qr' : 'loading';
  const { state, hasSynced } = found.socket;
  const mode = found.stream?.mode;
  if (CONFLICT.has(state) || (myself && CONFLICT.has(mode))) return 'conflict';
  if (REFUSED.has(state) || REFUSED.has(mode)) return 'banned';
  if (/^UNPAIRED/.test(state)) return myself ? 'logged_out' : 'qr';
  if (state === 'PAIRING') return 'pairing';
  if (!myself) return shownQr() ? 'qr' : state === 'CONNECTED' ? 'syncing' : 'loading';
  if (state === 'CONNECTED') {
    hasConnected = true;
    if (BLOCKED.has(mode)) return 'offline';
    return hasSynced && mode !== 'QR' && mode !== 'SYNCING' ? 'main' : 'syncing';
  }
  /* On its way up after a start; afterwards, or when it says so, without a connection. */
  return hasConnected || state === 'TIMEOUT' || BLOCKED.has(state) ? 'offline' : 'loading';
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
  }
  const now = phase();
  linkedHere ||= now === 'qr' || now === 'pairing';
  return {
    phase: now,
    qr: now === 'qr' ? shownQr() : null,
    me: meRecord(),
    percent: now === 'syncing' ? percent() : null,
    degraded: degraded(),
    version: versionText(),
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
      if (now.phase === 'qr' && !now.qr) keepCodesComing();
    } while (tellAgain);
  } finally {
    telling = false;
  }
}

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
const screenWatcher = new MutationObserver(tell);
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
