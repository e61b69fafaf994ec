/* Owns what the user does: sending, editing, revoking, reacting, reading, typing.
 * A message is in its chat with ack 0 before the server has it; the server's answer makes it 1. */

import { channel } from './channel.js';
import { unixTime } from './bytes.js';
import * as database from './database.js';
import { chatFor, join, meIn } from './groups.js';
import { sendSeen } from './chatlist.js';
import { forgetMessage, storeMessage } from './history.js';
import { createUserWid, createWid, MsgKey } from './ids.js';
import { getCurrentLid, getPhoneNumber, isMigrated, learn, lidOf, served } from './lids.js';
import { addToChat, applyEdit, applyRevoke, reactionOf, reactionTableMode } from './incoming.js';
import { deliver, taken, tellAbout } from './delivering.js';
import { onCapped } from './limits.js';
import { downloadForMessage, getOrCreateMediaObject, MediaPrep, reviveMedia, uploadMedia } from './media.js';
import { publish } from './newsletters.js';
import { isRefused } from './records.js';
import { ChatStore, ContactStore, MsgModel, MsgStore } from './stores.js';
import { told } from './telling.js';

const RESULT = { OK: 'OK', NETWORK: 'ERROR_NETWORK', UNKNOWN: 'ERROR_UNKNOWN' };

/* Nothing is fetched by itself from somebody who is neither in the address book nor was ever answered. */
MsgModel.prototype.downloadMedia = async function ({ isUserInitiated } = {}) {
  const isTrusted = this.senderObj.isMyContact || this.chat.msgs.some(({ id }) => id.fromMe);
  if (isUserInitiated || isTrusted) await downloadForMessage(this);
};

/* Two promises: the message is in the chat; the server has answered. */
export function addAndSendMsgToChat(chat, given) {
  if (chat.id.isNewsletter()) return sendToNewsletter(chat, given instanceof MsgModel ? given.attributes : given);
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
  /* Who writes has seen what is there. */
  sendSeen({ chat, afterAvailable: false }).catch(() => {});
  return [database.flush().then(() => message), sent];
}

export class ContactBlockedError extends Error {}

/* The server's number for a refusal (a nack) is nowhere to be read, but for this one: no more new chats this month. */
const NACK_OF_CAP = 475;

/* A channel's messages are in its own chat, and its server's answer is their only acknowledgement. */
function sendToNewsletter(chat, attributes) {
  const message = new MsgModel({ ...attributes, ack: 0, isNewMsg: true });
  chat.msgs.add(message);
  const tell = async () => {
    const id = String(chat.id);
    const answer = await publish(id, attributes);
    if (answer.success) await deliver({ id: String(message.id), to: id, ...told(message.attributes) });
    message.ack = answer.success ? 1 : -1;
    return { messageSendResult: answer.success ? RESULT.OK : RESULT.UNKNOWN, t: answer.ack?.t, count: null };
  };
  return [Promise.resolve(message), tell()];
}

/* The job by which clients send what is no file to a channel. */
export async function sendNewsletterMessageJob({ type, msg, newsletterJid }) {
  if (!['text', 'media', 'pollCreation'].includes(type)) throw new Error(`no such type for a channel: ${type}`);
  const answer = await publish(String(newsletterJid), msg.attributes);
  if (answer.success) await deliver({ id: String(msg.id), to: String(newsletterJid), ...told(msg.attributes) });
  return answer;
}

async function finish(chat, message) {
  const { groupMetadata } = chat;
  if (ContactStore.get(chat.id)?.isContactBlocked) throw new ContactBlockedError();
  const silenced =
    groupMetadata &&
    (!groupMetadata.participants.iAmMember() ||
      (groupMetadata.announce && !groupMetadata.participants.iAmAdmin()));
  const answer = silenced
    ? { ok: false, error: 'forbidden' }
    : await taken('send', { id: String(message.id), to: String(message.id.remote), ...told(message.attributes) });
  if (!answer.ok) {
    /* Without a connection its ack stays; only the result tells. */
    const isNetwork = answer.error === 'network';
    message.set({ isSendFailure: true, ...(isNetwork ? {} : { ack: -1 }) });
    if (answer.error === NACK_OF_CAP) {
      message.errorCode = 'UserReachedMaxMonthlyLimitForNewMessages';
      onCapped();
    }
    storeMessage(message);
    return { messageSendResult: isNetwork ? RESULT.NETWORK : RESULT.UNKNOWN };
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
    ...(quotedMsg ? quotedMsg.msgContextInfo(chat.id) : {}),
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
    ...(options.quotedMsg ? options.quotedMsg.msgContextInfo(chat.id) : {}),
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

/* Whether it was taken is told by the message alone: the text has changed either way. */
export async function sendMessageEdit(message, body, { linkPreview, mentionedJidList, groupMentions }) {
  if (!message.id.fromMe || message.type === 'revoked') throw new Error('Cannot edit message');
  const key = await MsgKey.newId();
  applyEdit(message, body, unixTime(), key);
  message.set({ mentionedJidList, ack: 0, isSendFailure: false });
  const { ok } = await tellAbout(message, 'edit', { body }, key);
  message.set(ok ? { ack: 1 } : { isSendFailure: true, errorCode: 'EditWindowExpired' });
  storeMessage(message);
}

/* wa-js edits with a protocol message that names the edited one. */
export async function addAndSendMessageEdit(message, edit) {
  await sendMessageEdit(message, edit.body, {});
  return [message, { messageSendResult: RESULT.OK }];
}

/* One result per message; shown as revoked only when the server has taken it. */
export async function sendRevokeMsgs(chat, { list }) {
  const results = [];
  for (const message of list) {
    const key = await MsgKey.newId();
    const { ok, error } = await tellAbout(message, 'revoke', {}, key);
    if (ok) await applyRevoke(message, meIn(chat), key);
    results.push({ messageSendResult: ok ? RESULT.OK : error === 'network' ? RESULT.NETWORK : RESULT.UNKNOWN });
  }
  await database.flush();
  return results;
}

/* How many were deleted. */
export async function sendDeleteMsgs(chat, { list }) {
  if (await isRefused('delete')) return 0;
  for (const message of list) {
    chat.msgs.remove(message);
    MsgStore.remove(message);
    forgetMessage(message);
  }
  await database.flush();
  return list.length;
}

export async function sendReactionToMsg(message, reaction) {
  if (!(await tellAbout(message, 'reaction', { body: reaction })).ok) throw new Error('Reaction send error');
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
}

/* Does not wait for the server, and answers with the media messages whose forward threw: what was refused is not
 * among them. A poll is forwarded as its result. */
export async function forwardMessages({ chat, msgs }) {
  if (ContactStore.get(chat.id)?.isContactBlocked) throw new ContactBlockedError();
  for (const message of msgs) {
    const { id, ack, rowId, t, from, to, author, participant, quotedMsg, quotedStanzaID, ...content } =
      message.attributes;
    const type = content.type === 'poll_creation' ? 'poll_result_snapshot' : content.type;
    const copy = { ...content, ...(await newMessage(chat)), type, isForwarded: true, isSendFailure: undefined };
    addAndSendMsgToChat(chat, copy)[1].catch(() => {});
  }
  return [];
}

/* ---- typing ---- */

export const sendChatState = (state) => async (chatOrWid) => {
  const wid = chatOrWid.id instanceof Object ? chatOrWid.id : chatOrWid;
  await channel.ask('chat_state', { chat: String(served(createWid(wid))), state });
};

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
