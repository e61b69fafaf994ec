/* Owns what is done to whole chats: archive, pin, mute, read and unread, empty, delete. The phone sees the flags as a
 * record. What the server refuses is in the record `refusal` (records.js). */

import { channel } from './channel.js';
import { Stream } from './connection.js';
import * as database from './database.js';
import { forgetChat, forgetMessage, loadEarlierMsgs, storeChat } from './history.js';
import { served } from './lids.js';
import { ActionError, allow, did, isRefused, keep, own } from './records.js';
import { ChatStore, MsgStore, MuteModel } from './stores.js';

const MOST_PINNED = 3;

/* What the phone shows of a chat beside its messages. */
export async function keepFlags(chat) {
  const { archive, pin, mute, unreadCount, labels } = chat;
  const flags = {
    archived: Boolean(archive),
    pinned: Boolean(pin),
    muted_until: mute.expiration,
    unread: unreadCount,
    labels: labels ?? [],
  };
  storeChat(chat);
  await keep('chat', own(served(chat.id)), flags);
  await database.flush();
}

export async function setArchive(chat, archive) {
  if (Boolean(chat.archive) === archive) throw new ActionError();
  await allow('archive');
  chat.set(archive ? { archive, pin: 0 } : { archive });
  await keepFlags(chat);
}

export async function setPin(chat, pin) {
  if (Boolean(chat.pin) === pin) throw new ActionError();
  await allow('pin_chat', pin && ChatStore.filter((one) => one.pin).length >= MOST_PINNED && 405);
  chat.pin = pin ? Date.now() : 0;
  await keepFlags(chat);
}

/* A refusal changes nothing and is nobody's error. */
MuteModel.changed = async (mute, expiration) => {
  if (typeof expiration !== 'number') throw new ActionError();
  if (await isRefused('mute')) return;
  mute.expiration = expiration;
  await keepFlags(mute.chat);
};

/* The server's errors are swallowed. */
export async function markUnread(chat, unread) {
  if (await isRefused('unread').catch(() => true)) return;
  chat.unreadCount = unread ? -1 : 0;
  await keepFlags(chat);
}

/* Nothing for what is read or was marked by hand. Without `afterAvailable: false` it waits until the page is looked at. */
export async function sendSeen({ chat, afterAvailable = true }) {
  if (!(chat.unreadCount > 0)) return;
  const tell = async () => {
    chat.unreadCount = 0;
    storeChat(chat);
    await channel.ask('seen', { chat: String(served(chat.id)) });
  };
  if (Stream.available || !afterAvailable) await tell();
  else Stream.once('change:available', tell);
}

/* Of the database only; the models stay. */
export async function sendClear(chat, lastKey, keepStarred) {
  await allow('clear');
  while ((await loadEarlierMsgs({ chat }))?.length);
  for (const message of chat.msgs.toArray()) if (!(keepStarred && message.star)) forgetMessage(message);
  await did('clear_chat', { chat: String(served(chat.id)) });
  await database.flush();
}

/* In two steps: what is asked of the server, and what is shown when it has answered. */
export const initClearChat = (chat, keepStarred) => sendClear(chat, chat.lastReceivedKey, keepStarred);
export async function finalizeClearChat(chat, cleared) {
  await cleared;
  for (const message of chat.msgs.toArray()) {
    chat.msgs.remove(message);
    MsgStore.remove(message);
  }
}

export async function sendDelete(chat) {
  const status = await isRefused('delete_chat');
  if (status) return { status };
  for (const message of chat.msgs.toArray()) MsgStore.remove(message);
  await forgetChat(chat);
  ChatStore.remove(chat);
  await keep('chat', own(served(chat.id)), null);
  await did('delete_chat', { chat: String(served(chat.id)) });
  await database.flush();
  return { status: 200 };
}
