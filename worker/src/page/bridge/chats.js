/* Operations on whole chats through the page's own modules. */

/* The page keeps statuses in a chat, and shows it to nobody. */
const listedChats = () =>
  use('chats')
    .getModelsArray()
    .filter(({ id }) => idOf(id) !== 'status@broadcast');

const CHAT_ORDER = {
  activity: (chat) => chat.timestamp_ms,
  id: (chat) => chat.id,
  name: (chat) => (chat.name ?? '').toLocaleLowerCase(),
};

const compare = (left, right) => (left < right ? -1 : left > right ? 1 : 0);

async function listChatsByPage(call, { ids = [], limit, offset = 0, order = 'activity', ascending }) {
  /* A list without pictures is better than none. */
  const { pictures } = await need('pictures').catch(() => ({}));
  const wanted = new Set(ids.flatMap((id) => [id, otherName(id), idOf(chatNamed(id)?.id)]));
  const key = CHAT_ORDER[order];
  const direction = ascending ? 1 : -1;
  const chats = listedChats()
    .filter((chat) => !ids.length || wanted.has(idOf(chat.id)))
    .map((chat) => ({ chat, record: chatRecord(chat) }))
    .sort((a, b) => direction * (compare(key(a.record), key(b.record)) || compare(a.record.id, b.record.id)));
  return chats.slice(offset, limit == null ? undefined : offset + limit).map(({ chat, record }) => ({
    ...record,
    picture: pictureAddress(pictures?.get(chat.id)),
    muted: Boolean(chat.mute?.isMuted ?? chat.mute?.expiration),
  }));
}

/* ---- what is done to one; each ends with a look at what the page made of it ---- */

const unlessDone = (done, text) => {
  if (!done) throw new Failure('refused', text);
};

/* The page takes it for a mistake to ask for what is so already. */
async function archiveChat(call, { chat: id, archived }) {
  const chat = await knownChat(id);
  call.hand();
  if (Boolean(chat.archive) !== archived) await found.archive(chat, archived, false);
  unlessDone(Boolean(chat.archive) === archived, 'WhatsApp did not move the chat');
}

async function pinChat(call, { chat: id, pinned }) {
  const chat = await knownChat(id);
  call.hand();
  if (Boolean(chat.pin) !== pinned) await found.pinChat(chat, pinned);
  unlessDone(Boolean(chat.pin) === pinned, pinned ? 'WhatsApp did not pin the chat' : 'WhatsApp did not unpin the chat');
}

async function muteChat(call, { chat: id, until_ms }) {
  const chat = await knownChat(id);
  const expiration = until_ms == null ? 0 : Math.floor(until_ms / 1000);
  const options = { sendDevice: true, showToast: false };
  call.hand();
  if (expiration) await chat.mute.mute({ expiration, ...options });
  else await chat.mute.unmute(options);
  unlessDone((chat.mute.expiration || 0) === expiration, 'WhatsApp did not change for how long the chat is silent');
}

async function markUnread(call, { chat: id }) {
  const chat = await knownChat(id);
  call.hand();
  await found.markUnread(chat, true, false);
  unlessDone(chat.unreadCount !== 0, 'WhatsApp did not mark the chat');
}

/* What was marked by hand is no message that could be seen. Being seen needs no presence: the owner's phone goes on
 * ringing, and who is subscribed to stays so. */
async function seen(chat) {
  if (chat.unreadCount >= 0) return use('markSeen')({ chat, threadId: undefined, afterAvailable: false });
  await need('markUnread');
  await found.markUnread(chat, false, false);
  unlessDone(chat.unreadCount >= 0, 'WhatsApp did not mark the chat');
}

async function markSeen(call, { chat: id }) {
  needsConnection();
  const chat = await knownChat(id);
  call.hand();
  await seen(chat);
  return { reply: 'done' };
}

async function readChat(call, { chat: id }) {
  const chat = await knownChat(id);
  const incoming = byTime(chat.msgs.getModelsArray().filter((one) => isMessage(one) && !one.id.fromMe));
  const unread = Math.max(0, chat.unreadCount || 0);
  const messages = unread ? incoming.slice(-unread).map((one) => idOf(one.id)) : [];
  call.hand();
  await seen(chat);
  return { messages };
}

const TYPING = { typing: 'showTyping', recording: 'showRecording', paused: 'showPaused' };

async function typing(call, { chat: id, state }) {
  needsConnection();
  await use(TYPING[state])(await chatFor(id));
  return { reply: 'done' };
}

async function clearChat(call, { chat: id }) {
  const chat = await knownChat(id);
  call.hand();
  const cleared = found.clear.initClearChat(chat, false);
  await Promise.all([cleared, found.clear.finalizeClearChat(chat, cleared)]);
}

async function deleteChat(call, { chat: id }) {
  const chat = await knownChat(id);
  call.hand();
  const answer = await found.deleteChat(chat, false);
  unlessDone(!use('chats').get(chat.id), `WhatsApp did not delete the chat (${Number(answer?.status) || 'no reason given'})`);
}
