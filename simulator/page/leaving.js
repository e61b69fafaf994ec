/* Owns how a registration ends: the steps in their order, and going on with them where a document was cut short. */

import { account, CLEARING_KEY } from './account.js';
import { pause } from './bytes.js';
import { channel } from './channel.js';
import { BackendEventBus, Cmd, followSocket, NetworkStatus, Socket } from './connection.js';
import * as database from './database.js';
import { afterLogout } from './options.js';
import { showProgress } from './screen.js';

/* Until the page's own listeners hear of it. */
const ANNOUNCE_MS = 10;
/* The last patch of the app's state, before the server is told that this device goes. */
const PATCH_MS = 150;
/* Both together may take so long; failures are swallowed. */
const TELL_MS = 3000;
/* Own id and keys are gone after this time, the databases a moment later. */
const CLEAR_MS = 700;
const REST_MS = 300;

let leaving = false;
export const isLeaving = () => leaving;

/* `tell`: whether the server has to learn it from us. `address`: what the next document's address carries, where
 * something went wrong. */
export async function leave({ tell, state, address }) {
  if (leaving || !account.isLinked()) return;
  leaving = true;
  account.dropSessionKeys();
  await pause(ANNOUNCE_MS);
  Cmd.trigger('starting_logout_from_bridge');
  showProgress('Logging out…');
  if (tell) await Promise.race([tellServer(), pause(TELL_MS)]);
  localStorage.setItem(CLEARING_KEY, '1');
  Socket.unset('hasSynced');
  channel.tell({ op: 'receive', on: false });
  channel.setState(state);
  await pause(CLEAR_MS);
  account.forget();
  followSocket();
  await pause(REST_MS);
  await clearProfile();
  location.replace(afterLogout(address));
  Cmd.trigger('logout_from_bridge');
  BackendEventBus.trigger('logout');
}

async function tellServer() {
  await pause(PATCH_MS);
  if (NetworkStatus.online && channel.isOpen()) await channel.ask('logout');
  else await new Promise(() => {});
}

/* What is left, also of a logout in an earlier document. */
export async function clearProfile() {
  account.forget();
  await database.wipe();
  localStorage.removeItem(CLEARING_KEY);
}
