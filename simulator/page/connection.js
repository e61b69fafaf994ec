/* Owns the singletons that say how the page is connected: Socket, Conn, Stream, Cmd and friends.
 * They only hold state; session.js moves it. */

import { Emitter } from './events.js';
import { Model } from './models.js';

const names = (...list) => Object.fromEntries(list.map((name) => [name, name]));

export const SOCKET_STATE = names(
  'OPENING',
  'PAIRING',
  'UNPAIRED',
  'UNPAIRED_IDLE',
  'CONNECTED',
  'TIMEOUT',
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
export const actions = { logout: async () => {}, takeover() {}, refreshQR() {} };

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
  logout() {
    return actions.logout();
  }
  takeover() {
    actions.takeover();
  }
  poke() {
    actions.refreshQR();
  }
  reconnect() {}
  initConn() {}
}
export const Socket = new SocketModel({
  id: 'socket',
  state: SOCKET_STATE.UNLAUNCHED,
  stream: SOCKET_STREAM.DISCONNECTED,
  hasSynced: false,
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
  markUnavailable() {
    this.available = false;
  }
}
export const Stream = new StreamModel({
  id: 'stream',
  info: StreamInfo.OPENING,
  displayInfo: StreamInfo.OPENING,
  available: false,
});

export class CmdImpl extends Emitter {
  isMainLoaded = false;
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

export const offlineDelivery = { progress: 0 };
