/* Owns the models of messages and chats and the collections they live in; contacts are in contacts.js.
 * Holds no logic of sending or receiving; see incoming.js and outgoing.js. */

import { account } from './account.js';
import { ContactStore } from './contacts.js';
import { createWid } from './ids.js';
import { getCurrentLid, isMigrated } from './lids.js';
import { Collection, Model } from './models.js';
import { PresenceStore } from './presence.js';
import { find } from './workers.js';

const NOTIFICATIONS = new Set(['gp2', 'e2e_notification', 'notification', 'notification_template']);

export class MsgModel extends Model {
  static props = [
    'id',
    'body',
    'type',
    'subtype',
    't',
    'from',
    'to',
    'author',
    'self',
    'ack',
    'isNewMsg',
    'notifyName',
    'caption',
    'mimetype',
    'filename',
    'size',
    'directPath',
    'filehash',
    'mediaKey',
    'mediaData',
    'mediaObject',
    'isUnsentMedia',
    'star',
    'quotedMsg',
    'quotedStanzaID',
    'quotedParticipant',
    'latestEditMsgKey',
    'latestEditSenderTimestampMs',
    'isSendFailure',
    'errorCode',
    'quotedRemoteJid',
    'protocolMessageKey',
    'rowId',
    'participant',
    'ephemeralDuration',
    'mentionedJidList',
    'links',
    'kind',
    'isForwarded',
    'revokeSender',
    'lat',
    'lng',
    'loc',
    'clientUrl',
    'vcardFormattedName',
    'vcardList',
    'pollName',
    'pollOptions',
    'pollSelectableOptionsCount',
    'messageSecret',
    'eventName',
    'eventDescription',
    'eventStartTime',
    'eventEndTime',
    'eventLocation',
    'title',
    'description',
    'canonicalUrl',
    'matchedText',
    'thumbnail',
    'footer',
    'list',
    'listResponse',
    'dynamicReplyButtons',
    'replyButtons',
    'hydratedButtons',
    'buttons',
    'interactiveMessage',
    'selectedId',
    'selectedIndex',
    'selectedButtonId',
    'hasReaction',
    'recipients',
    'backgroundColor',
    'font',
    'serverId',
    'viewCount',
    'reactions',
  ];

  get chat() {
    return this.attributes && ChatStore.get(this.id.remote);
  }
  get senderObj() {
    return this.attributes && ContactStore.gadd(this.author || (this.id.fromMe ? account.wid() : this.from));
  }
  get sender() {
    return this.attributes && (this.author || this.from);
  }
  get isSentByMe() {
    return Boolean(this.attributes && this.id.fromMe);
  }
  get isGroupMsg() {
    return Boolean(this.attributes && this.id.remote.isGroup());
  }
  get isNotification() {
    return NOTIFICATIONS.has(this.type);
  }
  get isMedia() {
    return Boolean(this.directPath);
  }
  get isStatusV3() {
    return Boolean(this.attributes && this.id.remote.isStatus());
  }
  get isEphemeral() {
    return false;
  }
  canReply() {
    return this.type !== 'revoked';
  }
  avParams() {
    return {};
  }
  updateAck(ack) {
    if (ack > (this.ack ?? 0)) this.ack = ack;
  }
  /* What a reply to this message carries. */
  msgContextInfo(to) {
    /* Whatever is not this chat's wid makes it a reply to another chat. */
    const elsewhere = to !== undefined && String(to) !== String(this.id.remote);
    return {
      ...(elsewhere ? { quotedRemoteJid: this.id.remote } : {}),
      quotedMsg: { type: this.type, body: this.body, caption: this.caption },
      quotedStanzaID: this.id.id,
      quotedParticipant: this.author || this.from,
    };
  }
}
MsgModel.prototype.proxyName = 'msg';

/* Whether and until when a chat is silent. */
export class MuteModel extends Model {
  static props = ['expiration'];
  /* Set by chatlist.js, which keeps it. */
  static changed = async () => {};

  get isMuted() {
    return Boolean(this.attributes && this.expiration !== 0);
  }
  mute({ expiration }) {
    return MuteModel.changed(this, expiration);
  }
  unmute() {
    return MuteModel.changed(this, 0);
  }
}

export class ChatModel extends Model {
  static props = [
    'id',
    'accountLid',
    'name',
    't',
    'unreadCount',
    'archive',
    'pin',
    'mute',
    'msgs',
    'lastReceivedKey',
    'groupMetadata',
    'labels',
    'isReadOnly',
    'pausedTimerId',
    'active',
    'ephemeralDuration',
    'tcToken',
  ];

  initialize() {
    const defaults = {
      msgs: new Collection(MsgModel),
      mute: new MuteModel({ expiration: 0 }),
      unreadCount: 0,
      t: 0,
      archive: false,
      pin: 0,
    };
    for (const [name, value] of Object.entries(defaults)) this.attributes[name] ??= value;
    /* Not an attribute: a chat is written out with its mute, and not the other way round. */
    Object.defineProperty(this.attributes.mute, 'chat', { value: this, configurable: true });
    /* Loading one page of history twice at once would show messages twice. */
    this.attributes.msgs.msgLoadState = { noEarlierMsgs: false, isLoadingEarlierMsgs: false };
  }
  /* What the other side is doing; made when somebody first looks. */
  get presence() {
    return this.attributes && PresenceStore.gadd(this.id);
  }
  get contact() {
    return this.attributes && ContactStore.gadd(this.id);
  }
  get formattedTitle() {
    return this.name || this.contact.formattedName;
  }
  set formattedTitle(title) {
    this.name = title;
  }
  get isGroup() {
    return Boolean(this.attributes && this.id.isGroup());
  }
  get isUser() {
    return Boolean(this.attributes && this.id.isUser());
  }
  get isNewsletter() {
    return Boolean(this.attributes && this.id.isNewsletter());
  }
  get isBroadcast() {
    return Boolean(this.attributes && this.id.isBroadcast());
  }
  getTcToken() {
    return this.tcToken;
  }
  iAmAdmin() {
    return Boolean(this.groupMetadata?.participants.iAmAdmin());
  }
  get hasUnread() {
    return Boolean(this.unreadCount);
  }
  get shouldAppearInList() {
    return true;
  }
  get canSend() {
    return !this.isReadOnly;
  }
  getLastMsgKeyForAction() {
    return this.lastReceivedKey;
  }
}
ChatModel.prototype.proxyName = 'chat';

export class MsgCollectionImpl extends Collection {
  /* Replaced by history.js, which can read messages that are not in memory. */
  async getMessagesById(ids) {
    return { messages: ids.map((id) => this.get(id)).filter(Boolean) };
  }
  /* wa-js wraps this to see revocations; incoming.js passes them through here. */
  async processMultipleMessages(chatId, messages) {
    return messages;
  }
  async search(text) {
    const messages = this.toArray();
    const found = await find(text, messages.map((message) => message.body || ''));
    return { messages: found.map((index) => messages[index]) };
  }
}

export class ChatCollectionImpl extends Collection {
  getActive() {
    return undefined;
  }
  /* By the id or, on migrated accounts, by the lid of whom the chat is with. */
  getLatestChatForWid(given) {
    const wid = createWid(given);
    const there = this.get(wid);
    if (there || !isMigrated() || !wid.isUser()) return there;
    const lid = wid.isLid() ? wid : getCurrentLid(wid);
    return lid && this.findFirst(({ accountLid }) => accountLid?.equals(lid));
  }
  /* The newest chat stands first. */
  getModelsArray() {
    return [...super.getModelsArray()].sort((a, b) => (b.t || 0) - (a.t || 0));
  }
}

export const MsgStore = new MsgCollectionImpl(MsgModel);
export const ChatStore = new ChatCollectionImpl(ChatModel);

export { ContactStore };
