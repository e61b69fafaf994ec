/* Owns who is there and what they are doing, as far as somebody asked. */

import { createWid } from './ids.js';
import { served } from './lids.js';
import { Collection, Model } from './models.js';
import { did } from './records.js';

/* What somebody in a chat is doing. */
class ChatstateModel extends Model {
  static props = ['id', 'type', 't', 'deny'];
}
ChatstateModel.prototype.proxyName = 'chatstate';

export class PresenceModel extends Model {
  static props = ['id', 'isOnline', 'isSubscribed', 'hasData', 'chatstate', 'chatstates', 'typingUserIds'];
  initialize() {
    const { attributes } = this;
    attributes.isSubscribed ??= false;
    attributes.chatstate ??= new ChatstateModel({ id: this.id });
    attributes.chatstates ??= new Collection(ChatstateModel);
  }
  get isGroup() {
    return Boolean(this.attributes && this.id.isGroup());
  }
  get isUser() {
    return Boolean(this.attributes && this.id.isUser());
  }
  async subscribe() {
    this.isSubscribed = true;
    await did('subscribe_presence', { chat: String(served(this.id)) });
  }
}
PresenceModel.prototype.proxyName = 'presence';

export class PresenceCollectionImpl extends Collection {
  gadd(id) {
    return this.get(id) || this.add({ id: createWid(id) });
  }
}
export const PresenceStore = new PresenceCollectionImpl(PresenceModel);

/* With the connection all that was known of others goes, and what was subscribed to. */
export function forgetPresences() {
  for (const presence of PresenceStore.getModelsArray()) {
    presence.chatstate.set({ type: undefined, t: undefined });
    presence.chatstates.reset();
    presence.set({ isSubscribed: false, hasData: false, isOnline: undefined });
  }
}

/* `typing`, never `composing`. First whether somebody is there, then what they do: on the chatstate, then on the presence,
 * which passes it on to the collection. */
const ONLINE = { available: true, typing: true, recording_audio: true };
export function receivePresence({ chat, from, state, last_seen }) {
  const presence = PresenceStore.gadd(chat);
  const chatstate = presence.isGroup ? presence.chatstates.add({ id: createWid(from) }) : presence.chatstate;
  presence.set({ hasData: true, isOnline: presence.isGroup ? presence.isOnline : Boolean(ONLINE[state]) });
  chatstate.set({ type: state, t: last_seen ?? undefined, deny: false });
  if (presence.isGroup) {
    const typing = presence.chatstates.filter(({ type }) => type === 'typing');
    presence.typingUserIds = typing.map(({ id }) => id);
  }
  presence.trigger('change:chatstate.type', chatstate, state);
}
