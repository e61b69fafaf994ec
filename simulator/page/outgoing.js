/* Owns what the user does: sending, editing, revoking, reacting, reading, typing.
 * A message is in its chat with ack 0 before the server has it; the server's answer makes it 1. */

import { account } from './account.js';
import { channel } from './channel.js';
import { unixTime } from './bytes.js';
import * as database from './database.js';
import { chatFor, join, meIn } from './groups.js';
import { forgetChat, forgetMessage, loadEarlierMsgs, storeChat, storeMessage } from './history.js';
import { createUserWid, createWid, MsgKey } from './ids.js';
import { getCurrentLid, getPhoneNumber, isMigrated, learn, lidOf, served } from './lids.js';
import { addToChat, applyEdit, applyRevoke, reactionOf, reactionTableMode } from './incoming.js';
import { downloadForMessage, getOrCreateMediaObject, MediaPrep, reviveMedia, uploadMedia } from './media.js';
import { did, keep, own } from './records.js';
import { untilReachable } from './session.js';
import { ChatStore, MsgModel, MsgStore, MuteModel } from './stores.js';
import { told } from './telling.js';

const RESULT = { OK: 'OK', NETWORK: 'ERROR_NETWORK', UNKNOWN: 'ERROR_UNKNOWN' };

MsgModel.prototype.downloadMedia = function () {
  return downloadForMessage(this);
};

async function deliver({ to, ...message }) {
  await untilReachable();
  return channel.ask('send', { message: { ...message, to: String(served(createWid(to))) } });
}

/* Two promises: the message is in the chat; the server has answered. */
export function addAndSendMsgToChat(chat, given) {
  const attributes = given instanceof MsgModel ? given.attributes : given;
  if (!attributes.id) throw new Error('addAndSendMsgToChat: a message needs an id');
  const message = addToChat({
    ...attributes,
    ack: 0,
    isNewMsg: true,
    isUnsentMedia: Boolean(attributes.directPath),
  });
  if (message.directPath && !message.mediaData) reviveMedia(message);
  if (chat.id.isGroup()) join(chat, meIn(chat));
  const sent = finish(chat, message);
  return [database.flush().then(() => message), sent];
}

async function finish(chat, message) {
  const { groupMetadata } = chat;
  const silenced =
    groupMetadata &&
    (!groupMetadata.participants.iAmMember() ||
      (groupMetadata.announce && !groupMetadata.participants.iAmAdmin()));
  const answer = silenced
    ? { ok: false, error: 'forbidden' }
    : await deliver({ id: String(message.id), to: String(message.id.remote), ...told(message.attributes) });
  if (!answer.ok) {
    message.ack = -1;
    storeMessage(message);
    return {
      messageSendResult: answer.error === 'network' ? RESULT.NETWORK : RESULT.UNKNOWN,
      t: unixTime(),
      count: null,
    };
  }
  if (message.isUnsentMedia) message.isUnsentMedia = false;
  message.updateAck(1);
  storeMessage(message);
  return { messageSendResult: RESULT.OK, t: answer.timestamp, count: null };
}

/* A text as somebody types it, or as a button of a message writes it. */
export async function sendTextMsgToChat(chat, body, { quotedMsg, selectedId, selectedIndex } = {}) {
  const message = {
    ...(await newMessage(chat)),
    type: selectedId ? 'template_button_reply' : 'chat',
    body,
    selectedId,
    selectedIndex,
    ...(quotedMsg ? quotedMsg.msgContextInfo(chat) : {}),
  };
  return addAndSendMsgToChat(chat, message)[1];
}

/* The second half of sending a file: upload, then an ordinary message. */
MediaPrep.sendToChat = async (mediaData, chat, { caption, productMsgOptions = {}, ...options }) => {
  const { mediaEntry } = await uploadMedia({
    mimetype: mediaData.mimetype,
    mediaObject: getOrCreateMediaObject(mediaData.filehash),
  });
  const { type, mimetype, filehash, size, preview, filename } = mediaData;
  const { directPath, mediaKey, mediaKeyTimestamp, mmsUrl } = mediaEntry;
  const base = productMsgOptions.id
    ? productMsgOptions
    : { ...(await newMessage(chat)), ...productMsgOptions };
  const [added, result] = addAndSendMsgToChat(chat, {
    filename,
    ...base,
    ...(options.quotedMsg ? options.quotedMsg.msgContextInfo(chat) : {}),
    type,
    mimetype,
    filehash,
    size,
    caption,
    body: preview || '',
    directPath,
    mediaKey,
    mediaKeyTimestamp,
    clientUrl: mmsUrl,
    mediaData,
  });
  await added;
  return result;
};

async function newMessage(chat) {
  const from = meIn(chat);
  const id = new MsgKey({
    from,
    to: chat.id,
    id: await MsgKey.newId(),
    participant: chat.id.isGroup() || chat.id.isStatus() ? from : undefined,
    selfDir: 'out',
  });
  return { id, from, to: chat.id, self: 'out', t: unixTime(), local: true };
}

/* The phone sees edits, revocations and reactions as messages of their own, about another one. */
export async function tellAbout(message, type, details) {
  const id = `true_${message.id.remote}_${await MsgKey.newId()}`;
  return deliver({ id, to: String(message.id.remote), type, about: String(message.id), ...details });
}

export async function sendMessageEdit(message, body) {
  await tellAbout(message, 'edit', { body });
  applyEdit(message, body, unixTime());
}

/* wa-js edits with a protocol message that names the edited one. */
export async function addAndSendMessageEdit(message, edit) {
  await sendMessageEdit(message, edit.body);
  return [message, { messageSendResult: RESULT.OK }];
}

export async function sendRevokeMsgs(chat, selection) {
  for (const message of selection.list || selection) {
    await tellAbout(message, 'revoke', {});
    await applyRevoke(message, meIn(chat));
  }
}

export async function sendDeleteMsgs(chat, selection) {
  for (const message of selection.list || selection) {
    chat.msgs.remove(message);
    MsgStore.remove(message);
    forgetMessage(message);
  }
  await database.flush();
}

export async function sendReactionToMsg(message, reaction) {
  await tellAbout(message, 'reaction', { body: reaction });
  const key = await MsgKey.newId();
  await reactionTableMode.bulkUpsert([
    reactionOf({
      parent: message.id,
      sender: meIn(message.chat),
      key,
      fromMe: true,
      text: reaction,
      ms: Date.now(),
    }),
  ]);
  return { messageSendResult: RESULT.OK };
}

export async function forwardMessages({ chat, chats, msgs }) {
  for (const target of chats || [chat]) {
    for (const message of msgs) {
      const { id, ack, rowId, t, from, to, author, participant, quotedMsg, quotedStanzaID, ...content } =
        message.attributes;
      await addAndSendMsgToChat(target, { ...content, ...(await newMessage(target)), isForwarded: true })[1];
    }
  }
}

/* ---- reading and typing ---- */

export async function sendSeen(chatOrOptions) {
  const chat = chatOrOptions.chat || chatOrOptions;
  if (chat.unreadCount) chat.unreadCount = 0;
  storeChat(chat);
  await channel.ask('seen', { chat: String(served(chat.id)) });
}

export async function markUnread(chat, unread = true) {
  chat.unreadCount = unread ? -1 : 0;
  await keepFlags(chat);
}

export const sendChatState = (state) => async (chatOrWid) => {
  const wid = chatOrWid.id instanceof Object ? chatOrWid.id : chatOrWid;
  await channel.ask('chat_state', { chat: String(served(createWid(wid))), state });
};

/* ---- the chat list ---- */

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
MuteModel.changed = keepFlags;

export const change = (name) => async (chat, value) => {
  chat.set(name, value);
  await keepFlags(chat);
};

export async function clearChat(chat) {
  while ((await loadEarlierMsgs({ chat })).length);
  for (const message of chat.msgs.toArray()) await sendDeleteMsgs(chat, [message]);
  await did('clear_chat', { chat: String(served(chat.id)) });
}

export async function deleteChat(chat) {
  for (const message of chat.msgs.toArray()) MsgStore.remove(message);
  await forgetChat(chat);
  ChatStore.remove(chat);
  await keep('chat', own(served(chat.id)), null);
  await did('delete_chat', { chat: String(served(chat.id)) });
  await database.flush();
}

/* Whether somebody is on WhatsApp, under the number that is theirs there. The answer names no lid; the page notes it. */
export async function queryExists(widOrNumber) {
  const wid = createWid(
    String(widOrNumber).includes('@') ? widOrNumber : `${String(widOrNumber).replace(/\D/g, '')}@c.us`,
  );
  const asked = wid.isLid() ? (getPhoneNumber(wid) ?? wid) : wid;
  const { exists, number } = await channel.ask('exists', { number: asked.user });
  if (!exists) return null;
  if (asked.isLid()) return { wid, biz: false };
  learn(lidOf(number), createUserWid(number));
  return { wid: wid.isLid() ? wid : createUserWid(number), biz: false };
}

export async function findOrCreateLatestChat(given) {
  const wid = createWid(given);
  const there = ChatStore.getLatestChatForWid(wid);
  if (there) return { chat: there, created: false };
  if (!isMigrated() || !wid.isRegularUserPn()) return { chat: chatFor(wid), created: true };
  if (!getCurrentLid(wid)) await queryExists(wid);
  const lid = getCurrentLid(wid);
  if (!lid) throw new Error('No LID for user');
  return { chat: chatFor(lid), created: true };
}

/* What the real server says of a link; here as much as the address itself tells. Known to fail for `.invalid`. */
export async function getLinkPreview({ href }) {
  const { host, pathname } = new URL(href);
  if (host.endsWith('.invalid')) return null;
  const data = {
    title: host,
    description: pathname,
    canonicalUrl: href,
    matchedText: href,
    richPreviewType: 0,
  };
  return { url: href, data: { ...data, doNotPlayInline: true } };
}
