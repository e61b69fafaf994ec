/* Owns reading the page's own store: what is in memory after a start, and paging backwards.
 * Only the latest messages of each chat are kept in memory; the rest is read when asked for. */

import * as database from './database.js';
import { createWid, MsgKey } from './ids.js';
import { accountLidOf, chatFor, groupFor } from './groups.js';
import { loadLids } from './lids.js';
import { reviveMedia } from './media.js';
import { options } from './options.js';
import { ChatStore, ContactStore, MsgModel, MsgStore } from './stores.js';

const PAGE = 20;
const IDS = ['from', 'to', 'author', 'participant', 'quotedParticipant', 'revokeSender'];
const ID_LISTS = ['mentionedJidList', 'recipients'];
const KEYS = ['protocolMessageKey', 'latestEditMsgKey'];
const NOT_STORED = ['mediaData', 'mediaObject', 'id', 'chat', 'links', 'buttons'];

/* A message as a row: ids as texts, nothing that only lives in memory. */
export function storeMessage(message) {
  const row = {};
  for (const [name, value] of Object.entries(message.attributes)) {
    if (value === undefined || typeof value === 'function' || NOT_STORED.includes(name)) continue;
    if (ID_LISTS.includes(name)) row[name] = value.map(String);
    else row[name] = IDS.includes(name) || KEYS.includes(name) ? String(value) : plain(value);
  }
  database.put('messages', {
    ...row,
    id: String(message.id),
    chat: String(message.id.remote),
    isNewMsg: false,
  });
}
/* A chat that was deleted leaves nothing. */
export async function forgetChat(chat) {
  for (const row of await database.messagesBefore(String(chat.id), Infinity, Infinity))
    database.remove('messages', row.id);
  database.remove('chats', String(chat.id));
  if (chat.id.isGroup()) database.remove('groups', String(chat.id));
}

export const forgetMessage = (message) => database.remove('messages', String(message.id));

export function storeChat(chat) {
  const { id, name, t, unreadCount, archive, pin, mute, lastReceivedKey } = chat;
  database.put('chats', {
    id: String(id),
    name,
    t,
    unreadCount,
    archive,
    pin,
    mute: mute.expiration,
    labels: chat.labels,
    tcToken: chat.tcToken,
    lastReceivedKey: lastReceivedKey && String(lastReceivedKey),
  });
}

const plain = (value) => (value && typeof value === 'object' ? JSON.parse(JSON.stringify(value)) : value);

/* The inverse of storeMessage. */
function revive({ chat, ...row }) {
  const attributes = { ...row, id: MsgKey.fromString(row.id), isNewMsg: false };
  for (const name of IDS) if (row[name]) attributes[name] = createWid(row[name]);
  for (const name of ID_LISTS) if (row[name]) attributes[name] = row[name].map(createWid);
  for (const name of KEYS) if (row[name]) attributes[name] = MsgKey.fromString(row[name]);
  const message = new MsgModel(attributes);
  reviveMedia(message);
  return message;
}

/* The model of a row: the one in memory if there is one. */
const modelOf = (row) => MsgStore.get(row.id) || revive(row);

/* After a start: contacts, chats, groups, and the newest messages of each chat. */
export async function loadHistory() {
  await loadLids();
  for (const row of await database.all('contacts')) {
    ContactStore.add({
      ...row,
      id: createWid(row.id),
      phoneNumber: row.phoneNumber && createWid(row.phoneNumber),
    });
  }
  for (const row of await database.all('groups')) groupFor(createWid(row.id), row);
  for (const { lastReceivedKey, id, mute, ...row } of await database.all('chats')) {
    const wid = createWid(id);
    const chat = wid.isUser() ? ChatStore.add({ id: wid, ...accountLidOf(wid) }) : chatFor(wid);
    chat.mute.set({ expiration: mute || 0 }, { silent: true });
    chat.set(
      { ...row, lastReceivedKey: lastReceivedKey && MsgKey.fromString(lastReceivedKey) },
      { silent: true },
    );
    const rows = await database.messagesBefore(id, Infinity, options.inMemory);
    chat.msgs.add(MsgStore.add(rows.map(revive)));
  }
}

/* Chats that were asked for older messages. */
const askedBefore = new WeakSet();

/* One more page of a chat, put in front of what is in memory; empty when there is no more. */
export async function loadEarlierMsgs(chatOrOptions) {
  const chat = chatOrOptions.chat || chatOrOptions;
  const state = chat.msgs.msgLoadState;
  const oldest = chat.msgs.head();
  if (options.earlier === 'fails') throw new Error('the storage does not answer');
  if (options.earlier === 'late' && !askedBefore.has(chat)) {
    askedBefore.add(chat);
    return undefined;
  }
  state.isLoadingEarlierMsgs = true;
  const rows = await database.messagesBefore(String(chat.id), oldest ? oldest.rowId : Infinity, PAGE);
  state.isLoadingEarlierMsgs = false;
  state.noEarlierMsgs = rows.length < PAGE;
  if (!rows.length) return undefined;
  return chat.msgs.addInFront(MsgStore.add(rows.map(modelOf)));
}

/* Messages around an anchor, wherever they are. */
export async function findByDirection({ anchor, count, direction }) {
  const anchorRow = MsgStore.get(anchor)?.attributes || (await database.get('messages', String(anchor)));
  if (!anchorRow) return { messages: [] };
  const read = direction === 'after' ? database.messagesAfter : database.messagesBefore;
  const rows = await read(String(anchor.remote), anchorRow.rowId, count);
  return { messages: rows.map(modelOf) };
}

MsgStore.getMessagesById = async (ids) => {
  const found = await Promise.all(
    ids.map(async (id) => MsgStore.get(id) || (await database.get('messages', String(id)))),
  );
  return { messages: found.filter(Boolean).map((one) => (one instanceof MsgModel ? one : revive(one))) };
};

export const knows = async (id) => Boolean(MsgStore.get(id) || (await database.get('messages', String(id))));
