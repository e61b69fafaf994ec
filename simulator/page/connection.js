/* Owns the singletons that say how the page is connected: Socket, Conn, Stream, Cmd and friends.
 * They only hold state, which session.js and linking.js move; Stream follows from the rest. */

import { account } from './account.js';
import { Emitter } from './events.js';
import { Model } from './models.js';

const names = (...list) => Object.fromEntries(list.map((name) => [name, name]));

/* CONFLICT, PROXYBLOCK, TOS_BLOCK, SMB_TOS_BLOCK and DEPRECATED_VERSION have no writer. */
export const SOCKET_STATE = names(
  'OPENING',
  'PAIRING',
  'UNPAIRED',
  'UNPAIRED_IDLE',
  'CONNECTED',
  'CONFLICT',
  'UNLAUNCHED',
  'PROXYBLOCK',
  'TOS_BLOCK',
  'SMB_TOS_BLOCK',
  'DEPRECATED_VERSION',
  'SCREEN_LOCKED',
);
export const SOCKET_STREAM = names('DISCONNECTED', 'SYNCING', 'RESUMING', 'CONNECTED');
export const StreamMode = names(
  'QR',
  'MAIN',
  'SYNCING',
  'OFFLINE',
  'CONFLICT',
  'PROXYBLOCK',
  'TOS_BLOCK',
  'DEPRECATED_VERSION',
);
export const StreamInfo = names(
  'OFFLINE',
  'OPENING',
  'PAIRING',
  'SYNCING',
  'RESUMING',
  'CONNECTING',
  'NORMAL',
);

/* What only session.js and linking.js can do; they register it here to avoid a circle of imports. */
export const actions = { logout() {}, reconnect() {}, refreshQR() {}, forgetPresences() {} };

class ConnModel extends Model {
  static props = ['id', 'ref', 'refTTL', 'wid', 'connected', 'platform', 'pushname', 'battery', 'plugged'];
  canSetMyPushname() {
    return true;
  }
  /* Business accounts have labels. */
  get isSMB() {
    return Boolean(this.attributes && /^smb/.test(this.platform));
  }
}
export const Conn = new ConnModel({ id: 'conn', connected: false });

class SocketModel extends Model {
  static props = ['id', 'state', 'stream', 'hasSynced', 'launchGeneration', 'launched'];
  /* Returns at once and does its work afterwards. */
  logout(reason = 'user_initiated') {
    actions.logout(reason);
  }
  /* The way back from a conflict is a reload. */
  takeover() {
    throw new Error('takeover is not supported');
  }
  poke() {
    actions.refreshQR();
  }
  reconnect() {
    actions.reconnect();
  }
}
export const Socket = new SocketModel({
  id: 'socket',
  state: SOCKET_STATE.UNLAUNCHED,
  stream: SOCKET_STREAM.DISCONNECTED,
  hasSynced: undefined,
});

class StreamModel extends Model {
  static props = [
    'id',
    'mode',
    'info',
    'available',
    'needsUpdate',
    'displayInfo',
    'obscurity',
    'phoneAuthed',
  ];
  markAvailable() {
    this.available = true;
  }
  /* Forgets who is there and whose presence was wanted. The server hears of it only where somebody was at the screen. */
  markUnavailable() {
    this.available = false;
    actions.forgetPresences();
  }
}
export const Stream = new StreamModel({
  id: 'stream',
  mode: StreamMode.QR,
  info: StreamInfo.OPENING,
  displayInfo: StreamInfo.OPENING,
  phoneAuthed: false,
  available: document.hasFocus(),
});

/* There is neither an event `main_loaded`, `main_stream_mode_ready` or `logout` nor a flag `isMainLoaded`. */
export class CmdImpl extends Emitter {
  isMainStreamReadyMd = false;
  isOfflineDeliveryEnd = false;
  refreshQR() {
    actions.refreshQR();
  }
  async openChatBottom() {
    return true;
  }
  async openChatAt() {
    return true;
  }
}
export const Cmd = new CmdImpl();

export const BackendEvent = {
  LOGOUT: 'logout',
  REFRESH_QR: 'refresh_qr',
  STORAGE_INITIALIZATION_ERROR: 'storage_initialization_error',
};
export const BackendEventBus = new Emitter();

class NetworkStatusModel extends Model {
  static props = ['id', 'online'];
  checkOnline() {
    return this.online;
  }
}
export const NetworkStatus = new NetworkStatusModel({ id: 'network', online: true });

/* null before the socket was connected for the first time: then its getter throws. */
export const offlineDelivery = { progress: null };

/* What Socket and the registration make of the stream. Runs before any other listener of these changes, and whenever
 * the registration comes or goes. */
const DISPLAY_LAG_MS = 18_000;
let lagging;
export function followSocket() {
  const { state, stream, hasSynced } = Socket;
  const connected = stream === SOCKET_STREAM.CONNECTED;
  const unreachable = state === SOCKET_STATE.OPENING && !NetworkStatus.online;
  const mode = !account.isLinked()
    ? StreamMode.QR
    : unreachable && !hasSynced
      ? StreamMode.OFFLINE
      : hasSynced || connected
        ? StreamMode.MAIN
        : StreamMode.SYNCING;
  const info = unreachable
    ? StreamInfo.OFFLINE
    : state === SOCKET_STATE.CONNECTED
      ? connected
        ? StreamInfo.NORMAL
        : StreamInfo.SYNCING
      : state === SOCKET_STATE.OPENING || state === SOCKET_STATE.UNLAUNCHED
        ? StreamInfo.OPENING
        : hasSynced
          ? StreamInfo.RESUMING
          : StreamInfo.PAIRING;
  Stream.set({ phoneAuthed: stream !== SOCKET_STREAM.DISCONNECTED, mode, info });
  clearTimeout(lagging);
  if (info === StreamInfo.NORMAL || !hasSynced) Stream.displayInfo = info;
  else lagging = setTimeout(() => (Stream.displayInfo = info), DISPLAY_LAG_MS);
}
Socket.on('change:state change:stream change:hasSynced', followSocket);
NetworkStatus.on('change:online', followSocket);
