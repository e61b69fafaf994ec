/* Owns the models of the application - messages, chats, contacts - and the collections they live in.
 * Holds no logic of sending or receiving; see incoming.js and outgoing.js. */

import { account } from './account.js';
import { createWid } from './ids.js';
import { Collection, Model } from './models.js';

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
  msgContextInfo() {
    return {
      quotedMsg: { type: this.type, body: this.body, caption: this.caption },
      quotedStanzaID: this.id.id,
      quotedParticipant: this.author || this.from,
    };
  }
}
MsgModel.prototype.proxyName = 'msg';

/* Whether and until when a chat is silent. */
export class MuteModel extends Model {
  static props = ['expiration', 'chat'];
  /* Set by outgoing.js, which keeps it. */
  static changed = async () => {};

  get isMuted() {
    return Boolean(this.attributes && this.expiration !== 0);
  }
  async mute({ expiration }) {
    this.expiration = expiration;
    await MuteModel.changed(this.chat);
  }
  async unmute() {
    this.expiration = 0;
    await MuteModel.changed(this.chat);
  }
}

export class ChatModel extends Model {
  static props = [
    'id',
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
  ];

  initialize() {
    const defaults = {
      msgs: new Collection(MsgModel),
      mute: new MuteModel({ expiration: 0, chat: this }),
      unreadCount: 0,
      t: 0,
      archive: false,
      pin: 0,
    };
    for (const [name, value] of Object.entries(defaults)) this.attributes[name] ??= value;
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
  serialize() {
    const plain = super.serialize();
    return { ...plain, mute: { expiration: this.mute.expiration, isMuted: this.mute.isMuted } };
  }
}
ChatModel.prototype.proxyName = 'chat';

/* What the page says of a contact. Written as functions of its attributes: libraries replace the getters of the model
 * by calls of these, and must not meet themselves again. */
export const contactFacts = {
  formattedName({ attributes: { id, name, pushname } }) {
    return name || pushname || (id.isLid() ? `~${id.user}` : `+${id.user}`);
  },
  formattedShortName: (contact) => contact.attributes.shortName || contactFacts.formattedName(contact),
  isMe: ({ attributes: { id } }) => account.isMe(id),
  isMyContact: ({ attributes: { isAddressBookContact } }) => Boolean(isAddressBookContact),
  isUser: ({ attributes: { id } }) => id.isUser(),
  isGroup: ({ attributes: { id } }) => id.isGroup(),
  userid: ({ attributes: { id } }) => id.user,
};

export class ContactModel extends Model {
  static props = [
    'id',
    'name',
    'shortName',
    'pushname',
    'phoneNumber',
    'type',
    'isAddressBookContact',
    'isBusiness',
    'isEnterprise',
    'isContactBlocked',
    'labels',
    'verifiedName',
  ];
  get formattedName() {
    return this.attributes && contactFacts.formattedName(this);
  }
  get formattedShortName() {
    return this.attributes && contactFacts.formattedShortName(this);
  }
  get isMe() {
    return Boolean(this.attributes && contactFacts.isMe(this));
  }
  get isMyContact() {
    return Boolean(this.attributes && contactFacts.isMyContact(this));
  }
  get isUser() {
    return Boolean(this.attributes && contactFacts.isUser(this));
  }
  get isGroup() {
    return Boolean(this.attributes && contactFacts.isGroup(this));
  }
  get isWAContact() {
    return true;
  }
  get userid() {
    return this.attributes && contactFacts.userid(this);
  }
}
ContactModel.prototype.proxyName = 'contact';

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
    return { messages: this.filter((message) => (message.body || '').includes(text)) };
  }
}

export class ChatCollectionImpl extends Collection {
  getActive() {
    return undefined;
  }
  getLatestChatForWid(wid) {
    return this.get(wid);
  }
  /* The newest chat stands first. */
  getModelsArray() {
    return [...super.getModelsArray()].sort((a, b) => (b.t || 0) - (a.t || 0));
  }
}

export class ContactCollectionImpl extends Collection {
  getMeContact() {
    return this.get(account.wid());
  }
  getFilteredContacts() {
    return this.getModelsArray();
  }
  gadd(id) {
    return this.get(id) || this.add({ id: createWid(id), type: 'in' });
  }
}

/* What somebody in a chat is doing. */
class ChatstateModel extends Model {
  static props = ['id', 'type', 't', 'deny'];
}
ChatstateModel.prototype.proxyName = 'chatstate';

export class PresenceModel extends Model {
  static props = ['id', 'isOnline', 'isSubscribed', 'hasData', 'chatstate', 'chatstates'];
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
  }
}
PresenceModel.prototype.proxyName = 'presence';

export class PresenceCollectionImpl extends Collection {
  gadd(id) {
    return this.get(id) || this.add({ id: createWid(id) });
  }
}
export const PresenceStore = new PresenceCollectionImpl(PresenceModel);

export const MsgStore = new MsgCollectionImpl(MsgModel);
export const ChatStore = new ChatCollectionImpl(ChatModel);
export const ContactStore = new ContactCollectionImpl(ContactModel);
