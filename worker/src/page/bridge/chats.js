/* Operations on whole chats through the page's own modules. */

/* A chat that is there, by any of its names. */
function knownChat(id) {
  let chat = null;
  try {
    chat = present(id) ?? (known.has(id) ? present(known.get(id)) : null);
  } catch (error) {
    if (error instanceof Failure) throw error;
  }
  if (!chat) throw new Failure('not_found', 'no such chat');
  return chat;
}

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
  const wanted = new Set(ids);
  const key = CHAT_ORDER[order];
  const direction = ascending ? 1 : -1;
  const chats = listedChats()
    .filter((chat) => !wanted.size || wanted.has(idOf(chat.id)))
    .map((chat) => ({ chat, record: chatRecord(chat) }))
    .sort((a, b) => direction * (compare(key(a.record), key(b.record)) || compare(a.record.id, b.record.id)));
  return chats.slice(offset, limit == null ? undefined : offset + limit).map(({ chat, record }) => ({
    ...record,
    picture: pictureAddress(pictures?.get(chat.id)),
    muted: Boolean(chat.mute?.isMuted ?? chat.mute?.expiration),
  }));
}

async function archiveChat(call, { chat: id, archived }) {
  const chat = knownChat(id);
  await need('actions');
  call.hand();
  if (Boolean(chat.archive) !== archived) await found.actions.archiveChat(chat, archived);
}

async function pinChat(call, { chat: id, pinned }) {
  const chat = knownChat(id);
  await need('actions');
  call.hand();
  if (Boolean(chat.pin) !== pinned) await found.actions.pinChat(chat, pinned);
}

async function muteChat(call, { chat: id, until_ms }) {
  const chat = knownChat(id);
  call.hand();
  if (until_ms == null) await chat.mute.unmute({ sendDevice: true });
  else await chat.mute.mute({ expiration: Math.floor(until_ms / 1000), sendDevice: true });
}

async function markUnread(call, { chat: id }) {
  const chat = knownChat(id);
  await need('actions');
  call.hand();
  await found.actions.markChatUnread(chat, true);
}

async function readChat(call, { chat: id }) {
  const chat = knownChat(id);
  const incoming = byTime(chat.msgs.getModelsArray().filter((one) => isMessage(one) && !one.id.fromMe));
  const unread = Math.max(0, chat.unreadCount || 0);
  const messages = unread ? incoming.slice(-unread).map((one) => idOf(one.id)) : [];
  call.hand();
  await markSeen(call, { chat: idOf(chat.id) });
  return { messages };
}

async function clearChat(call, { chat: id }) {
  const chat = knownChat(id);
  await need('clear');
  call.hand();
  await found.clear(chat, false);
}

async function deleteChat(call, { chat: id }) {
  const chat = knownChat(id);
  await need('deleteChat');
  call.hand();
  await found.deleteChat(chat);
}
