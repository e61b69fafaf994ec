/* Reads chats, messages, contacts, groups and media. Owns how far back it looks; changes nothing. */

const DOWNLOAD_POLL_MS = 100;

async function listChats() {
  const chats = listedChats().map(chatRecord);
  chats.sort((left, right) => right.timestamp_ms - left.timestamp_ms);
  return { reply: 'chats', chats };
}

/* The same message, whichever of its chat's names is in the id. */
const isKey = (key, text) => idOf(key) === text || key.id === keyParts(text).within;

async function listMessages(call, { chat: id, limit, before }) {
  const chat = await knownChat(id);
  let hasMore = true;
  for (;;) {
    call.check();
    const all = byTime(chat.msgs.getModelsArray().filter(isMessage));
    const end = before ? all.findIndex(({ id: key }) => isKey(key, before)) : all.length;
    const enough = end >= 0 && end >= limit;
    if (enough || !hasMore) {
      if (end < 0) throw new Failure('not_found', 'no such message in this chat');
      const start = Math.max(0, end - limit);
      return { reply: 'messages', messages: all.slice(start, end).map(messageRecord), has_more: start > 0 || hasMore };
    }
    const earlier = await use('loadEarlier')({ chat });
    hasMore = Array.isArray(earlier) && earlier.length > 0;
  }
}

async function listContacts() {
  const contacts = use('contacts').getModelsArray().map(contactRecord);
  return { reply: 'contacts', contacts };
}

async function listGroups() {
  const chats = use('chats').getModelsArray().filter(({ id }) => isGroupId(id));
  const groups = [];
  for (const chat of chats) {
    /* Members are fetched when somebody first looks at a group. */
    if (!chat.groupMetadata?.participants?.getModelsArray?.().length && isFunction(found.groups?.update)) {
      await found.groups.update(chat.id).catch(() => {});
    }
    groups.push(groupRecord(chat));
  }
  return { reply: 'groups', groups };
}

async function checkExists(call, { chat: id }) {
  needsConnection();
  if (id.endsWith('@g.us')) return { reply: 'exists', id: present(id) ? id : null };
  const place = await whereIs(meant(id));
  const exists = place && (isNumber(place) || (await use('exists')(use('createWid')(place)))?.wid);
  return { reply: 'exists', id: exists ? place : null, other_names: otherNames(exists ? place : null) };
}

async function downloadMedia(call, { message: id, most }) {
  const message = await findMessage(id);
  if (!message) throw new Failure('not_found', 'no such message');
  if (!MEDIA.has(message.type)) throw new Failure('media_unavailable', 'this message has no media');
  if (most != null && Number(message.size) > most) throw new Failure('too_large', 'this media is larger than is wanted');
  const gone = () => new Failure('media_unavailable', 'WhatsApp no longer has this media');
  const stage = () => String(message.mediaData?.mediaStage ?? '');
  if (message.mediaData && stage() !== 'RESOLVED' && isFunction(message.downloadMedia)) {
    await message.downloadMedia({ downloadEvenIfExpensive: true, isUserInitiated: true, rmrReason: 1 }).catch(() => {});
    while (stage() === 'FETCHING') {
      call.check();
      await pause(DOWNLOAD_POLL_MS);
    }
    if (stage().includes('ERROR') || stage() === 'REUPLOADING') throw gone();
  }
  const silent = { addAnnotations: () => silent, addPoint: () => silent };
  const { directPath, encFilehash, filehash, mediaKey, mediaKeyTimestamp, type } = message;
  let bytes;
  try {
    bytes = await use('download').downloadAndMaybeDecrypt({
      id: message.id, directPath, encFilehash, filehash, mediaKey, mediaKeyTimestamp, type,
      signal: new AbortController().signal,
      downloadQpl: silent,
    });
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw gone();
  }
  call.giveBack(bytes);
  return {
    reply: 'media',
    mimetype: textOf(message.mimetype) ?? 'application/octet-stream',
    filename: textOf(message.filename),
  };
}
