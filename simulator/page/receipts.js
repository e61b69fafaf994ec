/* Owns who has received and read what was sent from here: of a group's message each member for itself, which is told on
 * request; the message's own acknowledgement rises when all have. */

import { account } from './account.js';
import { unixTime } from './bytes.js';
import { Collection, Model } from './models.js';

class MsgInfoModel extends Model {
  static props = ['id', 'delivery', 'read', 'played'];
  initialize() {
    for (const name of ['delivery', 'read', 'played']) this.attributes[name] ??= [];
  }
}
class MsgInfoCollectionImpl extends Collection {
  async find(id) {
    return this.gadd(id);
  }
}
export const MsgInfo = new MsgInfoCollectionImpl(MsgInfoModel);

const LISTS = { 2: 'delivery', 3: 'read', 4: 'played' };

/* A member's receipt. Returns how far the message went with everyone. */
export function noteReceipt(message, member, ack) {
  const info = MsgInfo.gadd(message.id);
  for (let level = 2; level <= ack; level++) {
    const list = info[LISTS[level]];
    if (!list.some(({ id }) => id.equals(member))) list.push({ id: member, t: unixTime() });
  }
  const members = message.chat?.groupMetadata?.participants.map(({ id }) => id).filter((id) => !account.isMe(id)) ?? [];
  const have = (level) => members.every((one) => info[LISTS[level]].some(({ id }) => id.equals(one)));
  return [4, 3, 2].find(have) ?? 1;
}
