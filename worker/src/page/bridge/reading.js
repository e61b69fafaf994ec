/* Reads chats, messages, contacts, groups and media. Owns how far back it looks; changes nothing. */

const DOWNLOAD_POLL_MS = 100;
/* What WhatsApp's server no longer has the phone is asked to upload again, which it does when it is online. How long
 * that takes is not certain. */
const UPLOAD_AGAIN_MS = 60_000;
/* Of a call's time, for what comes after that. */
const AFTERWARDS_MS = 2000;

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
  if (message.isViewOnce && !message.directPath) {
    throw new Failure('media_unavailable', 'this media can be looked at once, and on the phone only');
  }
  if (most != null && Number(message.size) > most) throw new Failure('too_large', 'this media is larger than is wanted');
  if (Number(message.size) > settings.largest) {
    throw new Failure('too_large', `this media is larger than ${Math.floor(settings.largest / 1048576)} MiB, the most that is passed on`);
  }
  if (message.mediaData && isFunction(message.downloadMedia)) await untilFetched(call, message);
  call.giveBack(shownFile(message) ?? (await fetchedFile(message)));
  return {
    reply: 'media',
    mimetype: textOf(message.mimetype) ?? 'application/octet-stream',
    filename: textOf(message.filename),
  };
}

const mediaGone = () => new Failure('media_unavailable', 'WhatsApp no longer has this media');

/* The page's own way to a file. Where the phone has to upload it again, that is waited for within a bound. */
async function untilFetched(call, message) {
  const stage = () => String(message.mediaData.mediaStage ?? '');
  if (stage() === 'RESOLVED') return;
  let asked = false;
  const answered = () => (asked = true);
  message.downloadMedia({ downloadEvenIfExpensive: true, isUserInitiated: true, rmrReason: 1 }).then(answered, answered);
  const end = Math.min(Date.now() + UPLOAD_AGAIN_MS, call.ends_at - AFTERWARDS_MS);
  while (stage() === 'FETCHING' || stage() === 'REUPLOADING' || !asked) {
    if (stage() === 'RESOLVED') return;
    if (stage() === 'REUPLOADING' && Date.now() >= end) {
      const why = 'WhatsApp no longer has this media and has asked the phone to upload it again, which it has not done yet';
      throw new Failure('media_unavailable', `${why}; try again when the phone is online`);
    }
    call.check();
    await pause(DOWNLOAD_POLL_MS);
  }
  if (stage().includes('ERROR')) throw mediaGone();
}

/* What the page has in its hands already, as a file that the browser keeps and not the page's memory. */
function shownFile({ mediaData }) {
  if (mediaData?.mediaStage !== 'RESOLVED' || !isFunction(mediaData.mediaBlob?.forceToBlob)) return null;
  try {
    const blob = mediaData.mediaBlob.forceToBlob();
    return blob instanceof Blob && blob.size ? blob : null;
  } catch {
    /* The page has let go of it. */
    return null;
  }
}

async function fetchedFile(message) {  const silent = { addAnnotations: () => silent, addPoint: () => silent };
  const { directPath, encFilehash, filehash, mediaKey, mediaKeyTimestamp, type } = message;
  try {
    const bytes = await use('download').downloadAndMaybeDecrypt({
      id: message.id, directPath, encFilehash, filehash, mediaKey, mediaKeyTimestamp, type,
      signal: new AbortController().signal,
      downloadQpl: silent,
    });
    return new Blob([bytes]);
  } catch (error) {
    throw error instanceof Failure ? error : mediaGone();
  }
}
