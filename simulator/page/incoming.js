/* Owns what comes from the server for this device: messages, acks, edits, revocations, reactions.
 * Each event is shown first, then stored, then acknowledged: one that was not acknowledged comes
 * again at the next resume, and a message already in the store is not shown twice. */

import { account } from './account.js';
import { unixTime } from './bytes.js';
import { receiveCall } from './calls.js';
import { channel } from './channel.js';
import * as database from './database.js';
import { applyGroup, chatFor, hooks, join, statusHooks } from './groups.js';
import { knows, storeChat, storeMessage } from './history.js';
import { createUserWid, createWid, MsgKey } from './ids.js';
import { noteReaction, receiveVote } from './marks.js';
import { attachMedia } from './media.js';
import { options } from './options.js';
import { receivePresence } from './presence.js';
import { ContactStore, MsgStore } from './stores.js';

/* Row numbers order the messages of a chat; seconds are too coarse for that. */
let lastRow = 0;
export const nextRow = () => (lastRow = Math.max(lastRow + 1, Date.now() * 1000));

export function addContact({ number, name, pushname, mine = true }) {
  const wid = createUserWid(number);
  const contact = ContactStore.gadd(wid);
  contact.set({
    name: mine ? name : undefined,
    shortName: name.split(' ')[0],
    pushname: pushname || name,
    isAddressBookContact: mine ? 1 : 0,
  });
  storeContact(contact);
}
function storeContact({ id, name, shortName, pushname, isAddressBookContact, type, phoneNumber }) {
  database.put('contacts', {
    id: String(id),
    name,
    shortName,
    pushname,
    isAddressBookContact,
    type,
    phoneNumber: phoneNumber && String(phoneNumber),
  });
}

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
  if (chat.id.isStatus()) statusHooks.posted(added);
  else storeChat(chat);
  return added;
}

const receivers = {
  async message(event) {
    const remote = createWid(event.from);
    const author = event.author ? createWid(event.author) : undefined;
    /* What the user writes on the phone comes like any other message. */
    const fromMe = Boolean(event.from_me);
    const id = new MsgKey({ fromMe, remote, id: event.id, participant: author });
    if (await knows(id)) return;
    const chat = chatFor(remote, remote.isGroup() ? event.group_name : event.name);
    const person = ContactStore.gadd(author || remote);
    if (event.name && person.pushname !== event.name) person.pushname = event.name;
    if (event.number) person.phoneNumber = createUserWid(event.number);
    storeContact(person);
    if (author) join(chat, author);
    const message = {
      id,
      from: fromMe ? account.wid() : remote,
      to: fromMe ? remote : account.wid(),
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
      ...quote(event.quoted),
      ...(event.mentions ? { mentionedJidList: event.mentions.map(createWid) } : {}),
      ...event.content,
    };
    addToChat(event.media ? attachMedia(message, event.media) : message);
  },

  async ack({ id, ack, by }) {
    const message = await find(id);
    if (!message || (message.ack >= ack && !by)) return;
    if (message.ack < ack) message.ack = ack;
    storeMessage(message);
    receiptHandlers[message.to.isGroup() ? 'handleGroupSimpleReceipt' : 'handleChatSimpleReceipt']({
      ack,
      ackString: ack === 3 ? 'read' : 'delivery',
      from: message.to,
      externalIds: [message.id.id],
      recipient: undefined,
      participant: by ? createWid(by) : undefined,
    });
  },

  /* What could not be decrypted becomes readable when the sender's phone has sent it again. */
  async readable({ id, type, body }) {
    const message = await find(id);
    if (message?.type !== 'ciphertext') return;
    message.set({ type, body });
    storeMessage(message);
  },

  async edit({ id, body, timestamp }) {
    const message = await find(id);
    if (message) applyEdit(message, body, timestamp);
  },

  async revoke({ id }) {
    const message = await find(id);
    if (message && message.type !== 'revoked') await applyRevoke(message, message.author || message.from);
  },

  async record({ record, value, change }) {
    if (record === 'group' && value) applyGroup(value, change);
  },

  async presence(event) {
    receivePresence(event);
  },

  async call(event) {
    receiveCall(event);
  },

  async vote(event) {
    const message = await find(event.id);
    if (message?.type === 'poll_creation') await receiveVote(message, event);
  },

  async reaction({ id, from, reaction, key, timestamp_ms }) {
    const parent = MsgKey.fromString(id);
    const sender = createWid(from);
    await reactionTableMode.bulkUpsert([
      reactionOf({ parent, sender, key, fromMe: false, text: reaction, ms: timestamp_ms }),
    ]);
  },
};

function quote(id) {
  if (!id) return {};
  const quoted = MsgStore.get(id);
  const { type = 'chat', body, caption } = quoted ?? {};
  const quotedParticipant = id.startsWith('true_') ? account.wid() : (quoted?.author ?? quoted?.from);
  return { quotedStanzaID: id.split('_')[2], quotedMsg: { type, body, caption }, quotedParticipant };
}

/* What happened to a group stands in its chat. */
hooks.notice = (chat, { by, what }) => {
  const author = by ? createWid(by) : undefined;
  const fromMe = Boolean(author && account.isMe(author));
  const id = new MsgKey({ fromMe, remote: chat.id, id: `${unixTime()}${nextRow()}`, participant: author });
  const message = {
    id,
    type: 'gp2',
    subtype: what.subtype,
    body: what.body,
    recipients: (what.recipients ?? []).map(createWid),
    from: chat.id,
    to: account.wid(),
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

async function find(id) {
  return MsgStore.get(id) || (await MsgStore.getMessagesById([id])).messages[0];
}

export function applyEdit(message, body, timestamp) {
  const text = message.directPath ? { caption: body } : { body };
  message.set({ ...text, latestEditMsgKey: message.id, latestEditSenderTimestampMs: timestamp * 1000 });
  storeMessage(message);
}

export async function applyRevoke(message, by) {
  await MsgStore.processMultipleMessages(message.id.remote, [
    {
      id: message.id,
      type: 'protocol',
      subtype: 'sender_revoke',
      isNewMsg: true,
      protocolMessageKey: message.id,
      from: message.from,
      to: message.to,
      author: by,
    },
  ]);
  message.set({
    type: 'revoked',
    body: undefined,
    caption: undefined,
    directPath: undefined,
    mediaData: undefined,
    revokeSender: by,
    protocolMessageKey: message.id,
  });
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
