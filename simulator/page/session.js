/* Owns the page's life: launch, QR or resume, synchronising, main, and every way it ends or stalls.
 *
 *   launch ── no registration ──> qr ── linked ──> pairing ─┐
 *     └────── registration ───────────────────────────────> syncing ──> main
 *   main <──> offline, conflict;   anything linked ──> logged out ──> /?post_logout=1 ──> qr
 */

import { account } from './account.js';
import { pause } from './bytes.js';
import { channel } from './channel.js';
import { actions, BackendEventBus, Cmd, Conn, offlineDelivery, Socket, Stream } from './connection.js';
import * as database from './database.js';
import { loadHistory } from './history.js';
import { addContact } from './incoming.js';
import { startLinking, stopLinking } from './linking.js';
import { logoutAddress, options } from './options.js';
import { loadAccount } from './people.js';
import { complete } from './registry.js';
import { showChats, showProgress } from './screen.js';
import { ChatStore } from './stores.js';
import { fillDatabase, fillMemory } from './weight.js';

const PAIRING_MS = 120;
const NAVIGATION_MS = 50;
const REDRAW_MS = 200;
const LOGOUT_REASON = { user: 0, phone: 1, ban: 2 };

let ending = false;

export async function launch() {
  Socket.state = 'OPENING';
  Stream.set({ info: 'OPENING', displayInfo: 'OPENING' });
  const linked = await account.load();
  if (linked) await loadHistory();
  channel.onConnection = onConnection;
  await channel.open();
  if (!linked) return startLinking();
  await synchronise(await channel.ask('resume', { identity: account.identity }));
}

/* The server has come or gone. A new channel must first learn whom it speaks for; questions that
 * wait are asked again after that. */
let registered = false;
async function onConnection(open) {
  if (!registered || ending) return;
  if (!open) {
    if (Socket.state === 'CONNECTED') Socket.state = 'TIMEOUT';
    return;
  }
  const answer = await channel.ask('resume', { identity: account.identity });
  if (!answer.ok) return logout('phone');
  if (Socket.state === 'TIMEOUT' && channel.state !== 'offline') {
    Socket.state = 'OPENING';
    Socket.state = 'CONNECTED';
  }
  if (Socket.state === 'CONNECTED') receive(true);
}

channel.on('linked', async ({ identity, contacts, slow_sync }) => {
  stopLinking();
  Socket.state = 'PAIRING';
  channel.setState('pairing');
  showProgress('Linking…');
  for (const contact of contacts) addContact(contact);
  await account.register(identity);
  await pause(PAIRING_MS);
  await synchronise({ ok: true, slow_sync });
});

async function synchronise({ ok, slow_sync }) {
  if (!ok) return logout('phone');
  registered = true;
  const { name } = account.identity;
  addContact({ number: account.identity.number, name, pushname: name, mine: false });
  Conn.set({ wid: account.wid(), connected: true, platform: 'android', pushname: name, ref: undefined });
  Socket.set({ state: 'CONNECTED', stream: 'SYNCING' });
  Stream.set({ info: 'SYNCING', displayInfo: 'SYNCING', mode: 'SYNCING' });
  channel.setState('syncing');
  showProgress('Synchronising…');
  Cmd.isMainLoaded = true;
  Cmd.trigger('main_loaded');
  receive(true);
  const wait = slow_sync ?? options.syncMs;
  for (const progress of [0, 50, 100]) {
    offlineDelivery.progress = progress;
    Cmd.trigger('offline_progress_update_from_bridge');
    if (progress < 100) await pause(wait / 2);
  }
  await complete;
  await loadAccount();
  if (options.realWeight) {
    fillMemory();
    await fillDatabase();
  }
  if (ending) return;
  Socket.stream = 'CONNECTED';
  Stream.set({ info: 'NORMAL', displayInfo: 'NORMAL', mode: 'MAIN' });
  channel.setState('main');
  drawChats();
  ChatStore.on('add change:t change:unreadCount change:name', drawChats);
  Cmd.trigger('main_stream_mode_ready');
  Socket.hasSynced = true;
}

/* Many changes at once, as in a burst, are drawn once. */
let drawing;
function drawChats() {
  drawing ||= setTimeout(() => {
    drawing = undefined;
    if (!ending) showChats(ChatStore.getModelsArray());
  }, REDRAW_MS);
}

/* Whether queued messages may come now. */
const receive = (on) => channel.tell({ op: 'receive', on });

/* By the user here, by the phone, or by a ban. */
export async function logout(by) {
  if (ending) return;
  ending = true;
  if (by === 'user') await channel.ask('logout');
  channel.setState(by === 'ban' ? 'banned' : 'logged_out');
  await database.flush();
  await account.wipe();
  Cmd.trigger(by === 'user' ? 'logout' : 'logout_from_bridge');
  BackendEventBus.trigger('logout');
  /* Whoever called must get its answer before the page is gone. */
  setTimeout(() => location.assign(logoutAddress(LOGOUT_REASON[by])), NAVIGATION_MS);
}
actions.logout = () => logout('user');
channel.on('logout', () => logout('phone'));

/* Another browser has taken the session; takeover() takes it back. */
export function enterConflict() {
  receive(false);
  Socket.state = 'CONFLICT';
  Stream.mode = 'CONFLICT';
  channel.setState('conflict');
}
export function leaveConflict() {
  if (Socket.state !== 'CONFLICT') return;
  Socket.state = 'CONNECTED';
  Stream.mode = 'MAIN';
  channel.setState('main');
  /* Resuming puts every other page of this device into conflict. */
  channel.ask('resume', { identity: account.identity }).then(() => receive(true));
}
actions.takeover = leaveConflict;

/* Out of reach for some time; sends wait, messages stay in the queue. */
let reachable = Promise.resolve();
let comeBack = () => {};
export function goOffline(ms) {
  if (channel.state !== 'main') return;
  reachable = new Promise((resolve) => (comeBack = resolve));
  receive(false);
  Socket.state = 'TIMEOUT';
  Stream.set({ info: 'OFFLINE', displayInfo: 'OFFLINE' });
  channel.setState('offline');
  if (ms) setTimeout(endOffline, ms);
}
export function endOffline() {
  if (channel.state !== 'offline') return;
  Socket.state = 'OPENING';
  Socket.state = 'CONNECTED';
  Stream.set({ info: 'NORMAL', displayInfo: 'NORMAL' });
  channel.setState('main');
  receive(true);
  comeBack();
}
export const untilReachable = () => reachable;

/* The number was banned: blocked first, then gone. */
export async function ban() {
  receive(false);
  Socket.state = 'TOS_BLOCK';
  Stream.mode = 'TOS_BLOCK';
  channel.setState('banned');
  await pause(200);
  Socket.state = 'UNPAIRED';
  await logout('ban');
}
