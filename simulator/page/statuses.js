/* Owns the statuses: the own one and what is posted to it. They live outside the list of chats. */

import { account } from './account.js';
import { createWid, MsgKey } from './ids.js';
import { applyRevoke } from './incoming.js';
import { Collection, Model } from './models.js';
import { statusHooks } from './groups.js';
import { tellAbout } from './delivering.js';
import { ServerStatusCodeError } from './records.js';
import { MsgModel } from './stores.js';

export class StatusModel extends Model {
  static props = ['id', 'msgs', 'lastReceivedKey', 'unreadCount', 'totalCount', 't'];
  initialize() {
    this.attributes.msgs ??= new Collection(MsgModel);
  }
  get contact() {
    return undefined;
  }
}
StatusModel.prototype.proxyName = 'status';

export class StatusCollectionImpl extends Collection {
  getMyStatus() {
    return account.isLinked() ? this.gadd(account.wid()) : undefined;
  }
  gadd(id) {
    return this.get(id) || this.add({ id: createWid(id) });
  }
  addStatusMessages(author, messages) {
    for (const message of messages) this.gadd(author).msgs.add(message);
  }
  handleUpdate() {}
}
export const StatusStore = new StatusCollectionImpl(StatusModel);

/* Called for each message that goes to status@broadcast. */
statusHooks.posted = (message) => {
  const status = StatusStore.getMyStatus();
  status.msgs.add(message);
  status.set({ lastReceivedKey: message.id, t: message.t });
};

/* How a refusal looks is not certain. */
export async function revokeStatus(status, message) {
  const key = await MsgKey.newId();
  const { ok, error } = await tellAbout(message, 'revoke', {}, key);
  if (!ok) throw new ServerStatusCodeError(error);
  await applyRevoke(message, account.wid(), key);
  status?.msgs.remove(message);
}
