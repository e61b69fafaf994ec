/* Owns what comes from the server for this device: messages, acks, edits, revocations, reactions.
 * Each event is shown first, then stored, then acknowledged: one that was not acknowledged comes
 * again at the next resume, and a message already in the store is not shown twice. */

import { account } from './account.js';
import { unixTime } from './bytes.js';
import { receiveCall } from './calls.js';
import { channel } from './channel.js';
import { Cmd, Conn } from './connection.js';
import * as database from './database.js';
import { applyGroup, chatFor, hooks, join, meIn, memberId, statusHooks } from './groups.js';
import { forgetMessage, knows, storeChat, storeMessage } from './history.js';
import { createUserWid, createWid, MsgKey } from './ids.js';
import { isMigrated, learn, shown } from './lids.js';
import { noteReaction, receiveVote } from './marks.js';
import { limitReceivers } from './limits.js';
import { attachMedia } from './media.js';
import { options } from './options.js';
import { dropLabel, putLabel, showItems } from './labels.js';
import { keepFlags } from './chatlist.js';
import { receivePresence } from './presence.js';
import { noteReceipt } from './receipts.js';
import { storeContact } from './people-store.js';
import { ChatStore, ContactStore, MsgModel, MsgStore } from './stores.js';
import { decode } from './workers.js';

/* Row numbers order the messages of a chat; seconds are too coarse for that. */
let lastRow = 0;
export const nextRow = () => (lastRow = Math.max(lastRow + 1, Date.now() * 1000));

/* What such a token holds is nobody's business. */
const TOKEN = 'tc';

/* A message of either direction enters its chat. */
export function addToChat(message) {
  const chat = chatFor(message.id.remote);
  message.rowId ||= nextRow();
  const added = MsgStore.add(message);
  chat.msgs.add(added);
  chat.t = added.t;
  chat.lastReceivedKey = added.id;
  /* What had waited at the server is unread too, whether or not it counts as new. */
  if (!added.id.fromMe && (added.isNewMsg || offlinePhase.on)) chat.unreadCount = Math.max(0, chat.unreadCount) + 1;
  storeMessage(added);
  /* Whoever writes gives a token with it. */
  if (!added.id.fromMe && chat.isUser) chat.tcToken ??= TOKEN;
  if (chat.id.isStatus()) statusHooks.posted(added);
  else storeChat(chat);
  return added;
}

/* Somebody as this account, or a group, names them. */
const named = (chat, wid) => (chat?.groupMetadata ? memberId(chat.groupMetadata, wid) : shown(wid));

/* A message's id with the names that this account uses; the server behind the simulator uses numbers. */
function ownKey(text) {
  const { fromMe, remote, id, participant } = MsgKey.fromString(text);
  const chat = ChatStore.getLatestChatForWid(remote);
  const to = chat?.id ?? (remote.isUser() ? shown(remote) : remote);
  return new MsgKey({ fromMe, remote: to, id, participant: participant && named(chat, participant) });
}

const receivers = {
  ...limitReceivers,

  async message(event) {
    const from = createWid(event.from);
    /* Who is named by a lid may tell its number. */
    if (event.number) learn(event.author ?? from, createUserWid(event.number));
    const chat = chatFor(from, from.isGroup() ? event.group_name : event.name);
    const remote = chat.id;
    const author = event.author ? named(chat, event.author) : undefined;
    if (author) join(chat, author);
    /* What the user writes on the phone comes like any other message. */
    const fromMe = Boolean(event.from_me);
    const id = new MsgKey({ fromMe, remote, id: event.id, participant: author });
    if (await knows(id)) return;
    const person = ContactStore.gadd(author || remote);
    if (event.name && person.pushname !== event.name) person.pushname = event.name;
    if (event.number) person.phoneNumber = createUserWid(event.number);
    storeContact(person);
    const message = {
      id,
      from: fromMe ? meIn(chat) : remote,
      to: fromMe ? remote : meIn(chat),
      author,
      participant: author,
      self: fromMe ? 'out' : 'in',
      ack: 1,
      isNewMsg: !(offlinePhase.on && options.missedQuietly),
      type: event.type,
      body: event.body,
      t: event.timestamp,
      notifyName: event.name || person.formattedName,
      viewed: false,
      ...quote(event.quoted && String(ownKey(event.quoted))),
      ...(event.mentions ? { mentionedJidList: event.mentions.map((wid) => named(chat, wid)) } : {}),
      ...event.content,
    };
    addToChat(event.media ? attachMedia(message, event.media) : message);
  },

  async ack({ id, ack, by }) {
    const message = await find(id);
    if (!message || (message.ack >= ack && !by)) return;
    /* A member goes by the name that its group has for it. */
    const member = by ? named(message.chat, createWid(by)) : undefined;
    const everyone = member ? noteReceipt(message, member, ack) : ack;
    if (message.ack < everyone) message.ack = everyone;
    storeMessage(message);
    receiptHandlers[message.to.isGroup() ? 'handleGroupSimpleReceipt' : 'handleChatSimpleReceipt']({
      ack,
      ackString: ack === 3 ? 'read' : 'delivery',
      from: message.to,
      externalIds: [message.id.id],
      recipient: undefined,
      participant: member,
    });
  },

  /* What could not be decrypted becomes readable when the sender's phone has sent it again. */
  async readable({ id, type, body }) {
    const message = await find(id);
    if (message?.type !== 'ciphertext') return;
    message.set({ type, body });
    storeMessage(message);
  },

  async edit({ id, body, timestamp, key }) {
    const message = await find(id);
    if (message) applyEdit(message, body, timestamp, key ?? (await MsgKey.newId()));
  },

  async revoke({ id, key }) {
    const message = await find(id);
    if (message && message.type !== 'revoked') {
      await applyRevoke(message, message.author || message.from, key ?? (await MsgKey.newId()));
    }
  },

  async record({ record, value, change }) {
    if (record === 'group' && value) applyGroup(value, change);
  },

  /* On migrated accounts nobody's presence is taken without a chat with their lid. */
  async presence({ chat, from, ...event }) {
    const there = ChatStore.getLatestChatForWid(chat);
    if (!there && isMigrated()) return;
    receivePresence({ ...event, chat: there?.id ?? chat, from: named(there, from) });
  },

  /* What is done to a chat on the phone. */
  async chat({ chat: id, archived, labels }) {
    const chat = ChatStore.getLatestChatForWid(id);
    if (!chat) return;
    if (typeof archived === 'boolean') chat.archive = archived;
    if (labels && Conn.isSMB) {
      chat.labels = labels.map(String);
      showItems(chat);
    }
    await keepFlags(chat);
  },

  async label({ id, name, color, deleted }) {
    /* Other accounts have none. */
    if (!Conn.isSMB) return;
    if (deleted) await dropLabel(id);
    else await putLabel(id, name, color);
  },

  /* History goes into the database; it is in memory only when somebody looks at its chat. */
  async history({ chat: id, messages: chunk, archived, more }) {
    historySync.complete = false;
    const messages = await decode(chunk);
    const chat = chatFor(shown(createWid(id)));
    for (const { id: key, body, timestamp, from_me = false } of messages) {
      const message = {
        id: new MsgKey({ fromMe: from_me, remote: chat.id, id: key }),
        from: from_me ? meIn(chat) : chat.id,
        to: from_me ? chat.id : meIn(chat),
        self: from_me ? 'out' : 'in',
        ack: 3,
        isNewMsg: false,
        isMdHistoryMsg: true,
        type: 'chat',
        body,
        t: timestamp,
        rowId: timestamp * 1_000_000,
      };
      storeMessage(new MsgModel(message));
      chat.t = Math.max(chat.t || 0, timestamp);
    }
    if (typeof archived === 'boolean') chat.archive = archived;
    storeChat(chat);
    historySync.complete = !more;
    Cmd.trigger('new_history_sync_chunk_processed_from_bridge', [chat]);
    if (!more) Cmd.trigger('on_initial_chat_synced_from_bridge');
  },

  async call({ from, ...event }) {
    receiveCall({ ...event, from: shown(from) });
  },

  async vote(event) {
    const message = await find(event.id);
    const from = message && named(message.chat, event.from);
    if (message?.type === 'poll_creation') await receiveVote(message, { ...event, from });
  },

  async reaction({ id, from, reaction, key, timestamp_ms }) {
    const parent = ownKey(id);
    const sender = named(ChatStore.get(parent.remote), from);
    await reactionTableMode.bulkUpsert([
      reactionOf({ parent, sender, key, fromMe: false, text: reaction, ms: timestamp_ms }),
    ]);
  },
};

function quote(id) {
  if (!id) return {};
  const quoted = MsgStore.get(id);
  const { type = 'chat', body, caption } = quoted ?? {};
  const quotedParticipant = id.startsWith('true_')
    ? (quoted?.from ?? account.wid())
    : (quoted?.author ?? quoted?.from);
  return { quotedStanzaID: id.split('_')[2], quotedMsg: { type, body, caption }, quotedParticipant };
}

/* What happened to a group stands in its chat. */
hooks.notice = (chat, { by, what }) => {
  const author = by ? memberId(chat.groupMetadata, by) : undefined;
  const fromMe = Boolean(author && account.isMe(author));
  const id = new MsgKey({ fromMe, remote: chat.id, id: `${unixTime()}${nextRow()}`, participant: author });
  const message = {
    id,
    type: 'gp2',
    subtype: what.subtype,
    body: what.body,
    recipients: (what.recipients ?? []).map((wid) => memberId(chat.groupMetadata, wid)),
    from: chat.id,
    to: meIn(chat),
    author,
    t: unixTime(),
    ack: 1,
    isNewMsg: true,
  };
  const added = MsgStore.add({ ...message, rowId: nextRow() });
  chat.msgs.add(added);
  storeMessage(added);
  storeChat(chat);
};

async function find(text) {
  const id = ownKey(String(text));
  return MsgStore.get(id) || (await MsgStore.getMessagesById([id])).messages[0];
}

/* `key` is the edit's own, a new one each time, and changes first; everything is there by then. At the first edit of
 * what somebody else wrote the ack is told without a value. */
export function applyEdit(message, body, timestamp, key) {
  const { id, latestEditMsgKey, ack } = message;
  const isFirst = !latestEditMsgKey && !id.fromMe;
  const editKey = new MsgKey({ fromMe: id.fromMe, remote: id.remote, id: key, participant: id.participant });
  const text = message.directPath ? { caption: body } : { body };
  message.set({
    latestEditMsgKey: editKey,
    latestEditSenderTimestampMs: timestamp * 1000,
    ...(isFirst ? { ack: undefined } : {}),
    ...text,
  });
  if (isFirst) message.set({ ack }, { silent: true });
  storeMessage(message);
}

/* What is left stands under the id of the revocation; the old key is in `protocolMessageKey` and no longer in the
 * collection. No message is added for it. */
export async function applyRevoke(message, by, key) {
  const { id, chat } = message;
  const newKey = new MsgKey({ fromMe: id.fromMe, remote: id.remote, id: key, participant: id.participant });
  await MsgStore.processMultipleMessages(id.remote, [
    {
      id: newKey,
      type: 'protocol',
      subtype: 'sender_revoke',
      isNewMsg: true,
      protocolMessageKey: id,
      from: message.from,
      to: message.to,
      author: by,
    },
  ]);
  forgetMessage(message);
  MsgStore.rename(id, newKey);
  chat?.msgs.rename(id, newKey);
  if (chat?.lastReceivedKey?.equals(id)) chat.lastReceivedKey = newKey;
  message.set({
    id: newKey,
    type: 'revoked',
    body: undefined,
    caption: undefined,
    directPath: undefined,
    mediaData: undefined,
    subtype: message.author && String(by) !== String(message.author) ? 'admin' : 'sender',
    revokeSender: by,
    revokeTimestamp: unixTime(),
    protocolMessageKey: id,
  });
  message.trigger('change:msgKey', { newKey, oldKey: id });
  storeMessage(message);
}

/* Libraries wrap these; the page calls them through the objects so that the wrapped ones run. */
export const receiptHandlers = {
  async handleChatSimpleReceipt() {},
  async handleGroupSimpleReceipt() {},
  async handleStatusSimpleReceipt() {},
};
export const reactionActions = { addOrUpdateReactionsModelCollection() {} };
export const reactionTableMode = {
  async bulkUpsert(reactions) {
    for (const reaction of reactions) {
      const message = await find(reaction.parentMsgKey);
      if (message) await noteReaction(message, reaction);
      reactionActions.addOrUpdateReactionsModelCollection(reaction, true);
    }
  },
};

/* A reaction as the page's table holds it: about `parent`, by `sender`. */
export function reactionOf({ parent, sender, key, fromMe, text, ms }) {
  const participant = parent.remote.isGroup() ? sender : undefined;
  const id = new MsgKey({ fromMe, remote: parent.remote, id: key, participant });
  return {
    id,
    msgKey: String(id),
    reactionParentKey: parent,
    parentMsgKey: String(parent),
    reactionText: text,
    reactionTimestamp: ms,
    t: ms,
    from: sender,
    author: sender,
    senderUserJid: String(sender),
    orphan: 0,
    read: fromMe,
  };
}

/* Whether a newly linked device has been told all that its phone had to tell first. */
export const historySync = { complete: !options.historyComes };

/* Between the connection and the end of what waited at the server. Whether such messages count as new on the real page
 * is not certain: `missed=quiet` makes them old. */
export const offlinePhase = { on: false };

/* Until everything that has come so far is taken in. */
export const whenTaken = () => order;

/* One at a time and in order; acknowledged only when the profile has it. What could not be taken comes again. */
let order = Promise.resolve();
channel.on('deliver', ({ seq, event }) => {
  order = order
    .then(() => receivers[event.kind](event))
    .then(() => settle(seq))
    .catch((error) => console.error('an event could not be taken', error));
});

/* Acknowledgements of a burst share transactions and travel together. */
let settling = [];
function settle(seq) {
  settling.push(seq);
  if (settling.length > 1) return;
  setTimeout(async () => {
    const seqs = settling;
    settling = [];
    await database.flush();
    channel.tell({ op: 'stored', seqs });
  }, 5);
}
