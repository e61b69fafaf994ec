/* Who is who. WhatsApp knows a person by a number (…@c.us) and by a lid (…@lid), and either means the same
 * conversation. Owns the other name of a person and the chat behind any name. The page learns the pairs and keeps
 * them in its own store over restarts; here is only kept which number WhatsApp gives somebody who is written
 * otherwise (Brazil's ninth digit, Mexico, Argentina). */

const isNumber = (id) => id.endsWith('@c.us');
const isLid = (id) => id.endsWith('@lid');
const isPerson = (id) => isNumber(id) || isLid(id);

let myLid = null;
const isMe = (id) => id != null && (idOf(id) === idOf(myself) || idOf(id) === idOf(myLid));

/* As far as the page knows; nothing is asked. The page throws at what it does not take for a person. */
function otherName(id) {
  if (!id || !isPerson(id)) return null;
  if (isMe(id)) return idOf(isLid(id) ? myself : myLid);
  try {
    const wid = use('createWid')(id);
    return idOf(isLid(id) ? found.lids?.getPhoneNumber(wid) : found.lids?.getCurrentLid(wid));
  } catch {
    return null;
  }
}
const numberOf = (id) => (id && isLid(id) ? otherName(id) : id);
const samePerson = (one, other) => one === other || (one != null && otherName(one) === other);

/* The other name of each of these people, where it is known. */
function otherNames(...ids) {
  const names = {};
  for (const id of ids.flat()) {
    const other = otherName(id);
    if (other) names[id] = other;
  }
  return names;
}

/* ---- where somebody is ---- */

/* What WhatsApp said of a number: its id there. */
const known = new Map();
/* When WhatsApp said that it has no such number. A send asks again, whoever only reads does not. */
const unknownSince = new Map();
const ASK_AGAIN_MS = 10 * 60_000;

async function whereIs(id) {
  if (!isNumber(id)) return id;
  if (!known.has(id)) {
    const answer = await use('exists')(use('createWid')(id));
    if (!answer?.wid) {
      unknownSince.set(id, Date.now());
      return null;
    }
    known.set(id, idOf(answer.wid));
  }
  return known.get(id);
}

function byAnyName(id) {
  const chats = use('chats');
  const wid = use('createWid')(id);
  /* Older chats of a migrated account keep their number as id; only this function finds them by the lid. */
  const there = (isFunction(chats.getLatestChatForWid) && chats.getLatestChatForWid(wid)) || chats.get(wid);
  const other = there ? null : otherName(id);
  return there ?? (other ? chats.get(use('createWid')(other)) : undefined);
}

/* Programs that know of no lids write a lid's digits as if they were a number. Where the page knows the lid and not
 * the number, the lid is meant: the number would be a stranger's. */
function meant(id) {
  if (!isNumber(id)) return id;
  const lid = id.replace('@c.us', '@lid');
  const isKnown = (name) => Boolean(byAnyName(name) ?? found.contacts?.get(use('createWid')(name)));
  return (otherName(lid) || isKnown(lid)) && !otherName(id) && !isKnown(id) ? lid : id;
}

/* A chat that is there, without asking anybody. */
const present = (id) => byAnyName(meant(id)) ?? (known.has(id) ? byAnyName(known.get(id)) : undefined);

/* The same for what may be no id at all. */
function chatNamed(id) {
  try {
    return present(id);
  } catch {
    return undefined;
  }
}

/* A chat that is there, by any of its names, also one that only WhatsApp knows to be the same. */
async function knownChat(id) {
  let chat = null;
  try {
    chat = present(id);
    const asked = Date.now() - (unknownSince.get(id) ?? -Infinity) < ASK_AGAIN_MS;
    if (!chat && isNumber(id) && !asked && phase() === 'main') {
      const place = await whereIs(meant(id));
      chat = place && byAnyName(place);
    }
  } catch (error) {
    /* No id at all, or nobody who could be asked. */
    if (error instanceof Failure) throw error;
  }
  if (!chat) throw new Failure('not_found', 'no such chat');
  return chat;
}

/* A chat to write to, made where there is none yet. Its own id is what counts from then on. */
async function chatFor(id) {
  if (isChannelId(id)) return ownChannel(id);
  const there = present(id);
  if (there) return there;
  const place = await whereIs(meant(id));
  if (!place) throw new Failure('not_on_whatsapp', 'this number is not on WhatsApp');
  const chat = byAnyName(place) ?? (await opened(place));
  if (!chat) throw new Failure('not_found', 'this chat cannot be opened');
  return chat;
}

async function opened(id) {
  try {
    return (await use('findChat')(use('createWid')(id), 'newChatFlow'))?.chat;
  } catch (error) {
    if (!/no lid for user/i.test(error?.message ?? '')) throw error;
    throw new Failure('refused', 'WhatsApp names no lid for this number, so this account can open no chat with it');
  }
}

/* ---- which message ---- */

/* A message's id, whole or only the part within its chat, with or without the direction, with any of the people's
 * names, in groups with or without the author. */
function keyParts(text) {
  const parts = /^(?:(true|false)_)?([^_@]+@[^_]+)_([^_]+)(?:_(.+))?$/.exec(text);
  if (!parts) return { within: text };
  const [, direction, chat, within, author] = parts;
  return { fromMe: direction && direction === 'true', chat, within, author };
}

/* All ids under which the page may keep it. */
function possibleKeys({ fromMe, chat, within, author }) {
  const there = chatNamed(chat);
  const remotes = new Set([there && idOf(there.id), chat, otherName(chat)].filter(Boolean));
  const members = isGroupId(chat) && !author ? listed(there?.groupMetadata?.participants).map(({ id }) => idOf(id)) : [];
  const authors = [author, author && otherName(author), ...members].filter(Boolean);
  const endings = ['', ...authors.map((one) => `_${one}`)];
  const directions = fromMe === undefined ? [true, false] : [fromMe];
  return directions.flatMap((mine) =>
    [...remotes].flatMap((remote) => endings.map((ending) => `${mine}_${remote}_${within}${ending}`)),
  );
}

async function findMessage(text) {
  const messages = use('messages');
  const there = messages.get(text);
  if (there) return there;
  const parts = keyParts(text);
  const chat = parts.chat && idOf(chatNamed(parts.chat)?.id);
  const isIt = ({ id, protocolMessageKey }) =>
    /* What was taken back has another id from then on. */
    (id.id === parts.within || protocolMessageKey?.id === parts.within) &&
    (parts.fromMe === undefined || Boolean(id.fromMe) === parts.fromMe) &&
    (!parts.chat || idOf(id.remote) === chat) &&
    (!parts.author || samePerson(idOf(id.participant), parts.author));
  const [shown, another] = messages.getModelsArray().filter(isIt);
  /* Whoever writes chooses the id, and may choose one that is there already. */
  if (another) throw new Failure('invalid_argument', 'several messages have this id; the whole id is needed');
  if (shown || !isFunction(messages.getMessagesById)) return shown;
  const keys = parts.chat ? possibleKeys(parts) : [text];
  return (await messages.getMessagesById(keys))?.messages?.[0];
}
