/* Owns the page's life: the socket's loop, login, synchronising, main, and what breaks a connection. How a session
 * ends is in leaving.js, how a phone is linked in linking.js.
 *
 *   launch ──▶ OPENING ──▶ PAIRING (each socket that opens) ── no registration ──▶ linking.js: UNPAIRED ──┐
 *                ▲            │ registered: login                                                      │
 *                │            ▼                                                     stream error 515   │
 *                └── lost ── CONNECTED ──▶ hasSynced and stream CONNECTED ◀── OPENING ◀────────────────┘
 */

import { account, CLEARING_KEY } from './account.js';
import { pause } from './bytes.js';
import { channel } from './channel.js';
import {
  actions,
  Cmd,
  Conn,
  followSocket,
  NetworkStatus,
  offlineDelivery,
  Socket,
  Stream,
} from './connection.js';
import * as database from './database.js';
import { loadHistory } from './history.js';
import { offlinePhase, whenTaken } from './incoming.js';
import { clearProfile, isLeaving, leave } from './leaving.js';
import { startLinking, stopLinking } from './linking.js';
import { options } from './options.js';
import { loadLimits } from './limits.js';
import { offlineDelivered, start } from './main-screen.js';
import { loadAccount } from './people.js';
import { addContact } from './people-store.js';
import { forgetPresences } from './presence.js';
import { beBackInReach, beOutOfReach } from './reach.js';
import { did } from './records.js';
import { complete, exportsOf, loadMain } from './registry.js';
import { showMain, showProgress } from './screen.js';
import { fillDatabase, runAppModules } from './weight.js';

/* From one step of a socket's opening to the next. */
const STEP_MS = 60;
/* The pauses between two tries of the socket's loop, in seconds, up to a quarter of an hour. */
const RETRIES_S = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 900];
const OFFLINE_UNTIL = 'sim-offline-until';

/* Set when the page's communication has stopped for good: only a reload brings it back. */
let stopped = false;
/* Counts the sockets, so that what belongs to an older one ends by itself. */
let turn = 0;
let failures = 0;
let serverThere = false;
let linkedHere = false;
/* What a fault says to each login, until it is cleared. */
let refusal = 0;
let slowSync = null;

export async function launch() {
  if (localStorage.getItem(CLEARING_KEY)) {
    await clearProfile();
    database.reopen();
  }
  await account.load();
  await loadLimits();
  if (account.isLinked()) await loadHistory();
  else linkedHere = true;
  followSocket();
  const offlineMs = Number(sessionStorage.getItem(OFFLINE_UNTIL) ?? 0) - Date.now();
  if (offlineMs > 0) beOffline(offlineMs);
  Socket.state = 'OPENING';
  channel.onConnection = onConnection;
  await channel.open();
}

/* The server behind the channel has come or gone. */
async function onConnection(open) {
  serverThere = open;
  if (!open) return lose();
  await openSocket();
}

/* One turn of the loop. */
async function openSocket() {
  if (stopped || isLeaving() || !serverThere || !NetworkStatus.online) return;
  const mine = ++turn;
  if (account.isLinked() && localStorage.getItem(LOCKED) !== null) {
    Socket.state = 'SCREEN_LOCKED';
    channel.setState('locked');
    return;
  }
  Socket.state = 'OPENING';
  Socket.state = 'PAIRING';
  if (!account.isLinked()) {
    await pause(STEP_MS);
    if (mine === turn) startLinking();
    return;
  }
  await login(mine);
}

async function login(mine) {
  const answer = refusal
    ? { ok: false, code: refusal }
    : await channel.ask('resume', { identity: account.identity });
  if (mine !== turn || isLeaving()) return;
  if (!answer.ok) return refuse(answer);
  failures = 0;
  slowSync = answer.slow_sync ?? slowSync;
  Cmd.trigger('account_temporarily_banned_from_bridge', { banned: false });
  const { name, number } = account.identity;
  addContact({ number, name, pushname: name, mine: false });
  Conn.set({ wid: account.wid(), connected: true, platform: 'android', pushname: name, ref: undefined });
  offlineDelivery.progress ??= 0;
  offlinePhase.on = true;
  Socket.state = 'CONNECTED';
  if (Socket.hasSynced) {
    Socket.stream = 'CONNECTED';
    channel.setState('main');
    beBackInReach();
  }
  Cmd.trigger('open_socket_stream_from_bridge');
  /* Each connection begins with whether somebody is at the screen. */
  did('presence', { state: Stream.available ? 'available' : 'unavailable' });
  receive(true);
  if (!Socket.hasSynced)
    synchronise(mine).catch((error) => console.error('the page could not synchronise', error));
}

async function synchronise(mine) {
  channel.setState('syncing');
  showProgress('Synchronising…');
  const wait = slowSync ?? options.syncMs;
  slowSync = null;
  for (const progress of [0, 50, 100]) {
    offlineDelivery.progress = progress;
    Cmd.trigger('offline_progress_update_from_bridge');
    if (progress < 100) await pause(wait / 2);
  }
  await complete;
  await loadAccount();
  if (options.realWeight) {
    runAppModules();
    await fillDatabase();
  }
  if (mine !== turn || isLeaving()) return;
  openMain();
  Socket.set({ hasSynced: true, stream: 'CONNECTED' });
  channel.setState('main');
  if (linkedHere) {
    Cmd.trigger('on_critical_sync_done_from_bridge');
  } else {
    Cmd.isMainStreamReadyMd = true;
    Cmd.trigger('main_stream_mode_ready_from_bridge');
  }
  Cmd.trigger('initial_load_ready_from_bridge');
  initialLoad = true;
  endOfflinePhase();
}

/* What waited at the server has come: told once it is taken in and the chats are there. */
let initialLoad = false;
let offlineEnd = false;
channel.on('offline_end', async () => {
  await whenTaken();
  offlineEnd = true;
  endOfflinePhase();
});
function endOfflinePhase() {
  if (!initialLoad || !offlineEnd || !offlinePhase.on) return;
  offlineEnd = false;
  offlinePhase.on = false;
  Cmd.isOfflineDeliveryEnd = true;
  Cmd.trigger('offline_delivery_end_from_bridge');
  offlineDelivered();
}

/* The main screen takes the place of the progress when its module has come. */
async function openMain() {
  const { MainComponent } = await loadMain(start, Conn.platform);
  if (!isLeaving()) showMain(options.mainUi ? MainComponent : () => null);
  exportsOf('WAWebFtsClient').ftsClient.startIndexer();
}

/* Whether queued messages may come now. */
const receive = (on) => channel.tell({ op: 'receive', on });

/* Linked by a phone: who we are is known while the codes' state remains; then the server ends the stream with 515,
 * and the socket is opened anew. */
channel.on('linked', async ({ identity, contacts, slow_sync }) => {
  stopLinking();
  channel.setState('pairing');
  Conn.platform = 'android';
  showProgress('Linking…');
  for (const contact of contacts) addContact(contact);
  await account.register(identity);
  followSocket();
  slowSync = slow_sync;
  await pause(STEP_MS);
  Socket.state = 'OPENING';
  await pause(STEP_MS);
  await openSocket();
});

/* The connection is lost: the mode stays what it is. */
function lose() {
  turn += 1;
  if (stopped || isLeaving()) return;
  if (Socket.state === 'UNPAIRED' || Socket.state === 'UNPAIRED_IDLE') return;
  endStream();
  Socket.state = 'OPENING';
}
function endStream() {
  receive(false);
  const was = Socket.stream;
  Socket.stream = 'DISCONNECTED';
  forgetPresences();
  if (was !== 'DISCONNECTED') Cmd.trigger('socket_stream_disconnected_from_bridge');
}

async function again() {
  lose();
  await pause(RETRIES_S[Math.min(failures++, RETRIES_S.length - 1)] * 1000);
  await openSocket();
}
actions.forgetPresences = forgetPresences;
actions.reconnect = () => {
  if (Socket.state === 'OPENING') openSocket();
};

/* The server does not let this device in. */
function refuse({ code = 401, ...details }) {
  if (code === 401 || code === 406) return leave({ tell: false, state: code === 406 ? 'banned' : 'logged_out' });
  if (code === 403) {
    const address = { logout_reason: '3', logout_message_header: 'Your account is locked' };
    return leave({ tell: false, state: 'banned', address });
  }
  channel.setState('refused');
  if (code === 402) {
    stopped = true;
    const { expire } = details;
    const ban = { banned: true, code: 101, message: 'Your account is temporarily banned', url: null, expire };
    return Cmd.trigger('account_temporarily_banned_from_bridge', ban);
  }
  if (code === 405 || code === 409) {
    /* The updater is asked; nothing shows. */
    stopped = true;
    return;
  }
  if (code === 503) Cmd.trigger('service_unavailable_503_from_bridge');
  again();
}

/* The server refuses from now on: the stream ends, and the next login is answered with this code. 0 lets in again. */
export async function refuseWith(code) {
  refusal = code;
  failures = 0;
  if (code === 401) await channel.ask('logout');
  if (code) await relogin();
}
/* The server ends the stream; the page comes again at once. */
export async function relogin() {
  if (!account.isLinked() || stopped) return;
  lose();
  await pause(STEP_MS);
  await openSocket();
}

/* Another browser has taken the session. Communication stops for good, and nothing else tells it; whether the stream
 * shows it is not certain, so `quietly` leaves it. */
export function enterConflict(quietly) {
  stopped = true;
  turn += 1;
  receive(false);
  forgetPresences();
  channel.setState('conflict');
  if (quietly) Cmd.trigger('socket_stream_disconnected_from_bridge');
  else endStream();
}
/* As a person does it. */
export function leaveConflict() {
  if (channel.state === 'conflict') location.reload();
}

/* Another tab of the same profile has taken the lock: this one closes its socket and never tries again. No state, no mode
 * and no event tells it. */
export function loseTabLock() {
  stopped = true;
  turn += 1;
  receive(false);
  channel.setState('conflict');
}

/* Somebody has locked the page with a passcode, which it waits for, also when it is loaded anew. */
const LOCKED = 'sim-screen-locked';
export function lockScreen(on) {
  const was = localStorage.getItem(LOCKED) !== null;
  if (on === was) return;
  if (on) {
    localStorage.setItem(LOCKED, '1');
    if (account.isLinked() && !stopped) {
      lose();
      Socket.state = 'SCREEN_LOCKED';
      channel.setState('locked');
    }
  } else {
    localStorage.removeItem(LOCKED);
    openSocket();
  }
}

/* WhatsApp ends the link, and says why in a dialog, with which the page may wait. */
export async function forceLogout(ms) {
  Cmd.trigger('unexpected_logout_modal_from_bridge', 'sync_error');
  if (ms === undefined || ms === null) return;
  await pause(ms);
  leave({ tell: true, state: 'logged_out' });
}

/* Out of reach for some time, also after a reload; sends wait, messages stay in the queue. */
let offlineTimer;
function beOffline(ms) {
  NetworkStatus.online = false;
  beOutOfReach();
  sessionStorage.setItem(OFFLINE_UNTIL, String(Date.now() + (ms || 86_400_000)));
  if (ms) offlineTimer = setTimeout(endOffline, ms);
}
export function goOffline(ms) {
  if (channel.state !== 'main' && channel.state !== 'syncing') return;
  beOffline(ms);
  lose();
  channel.setState('offline');
}
export function endOffline() {
  if (NetworkStatus.online) return;
  clearTimeout(offlineTimer);
  sessionStorage.removeItem(OFFLINE_UNTIL);
  NetworkStatus.online = true;
  openSocket();
}
/* By the user here, by the phone. */
actions.logout = () => leave({ tell: true, state: 'logged_out' });
channel.on('logout', () => leave({ tell: false, state: 'logged_out' }));
