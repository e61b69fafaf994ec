/* Operations on contacts, lids, the own profile and presence through the page's own modules. */

/* WhatsApp's sizes of a picture, in pixels. */
const PICTURE = 640;
const THUMBNAIL = 96;

async function contactOf(id) {
  const contacts = use('contacts');
  const wanted = meant(id);
  const there = contactsOf(wanted)[0];
  if (there) return there;
  const place = await whereIs(wanted);
  if (!place) throw new Failure('not_on_whatsapp', 'this number is not on WhatsApp');
  const wid = use('createWid')(place);
  const contact = contacts.get(wid) ?? (await contacts.find(wid));
  if (!contact) throw new Failure('not_found', 'no such contact');
  return contact;
}

const getContact = async (call, { contact: id }) => contactRecord(await contactOf(id));

async function about(call, { contact: id }) {
  const { id: wid } = await contactOf(id);
  return { about: await aboutOf(wid) };
}

async function aboutOf(wid) {
  const answer = await found.statusText.getStatus({ token: '', wid }).catch(() => null);
  return textOf(answer?.status);
}

const pictureAddress = (picture) => textOf(picture?.eurl) ?? textOf(picture?.imgFull) ?? textOf(picture?.img);

async function picture(call, { of, refresh }) {
  const wid = use('createWid')(of);
  if (!refresh) return { url: pictureAddress(await found.pictures.find(wid).catch(() => null)) };
  await need('pictureActions');
  /* Who hides a picture is answered for with an error of the server. */
  const answer = await found.pictureActions.requestProfilePicFromServer({ id: wid, wid }).catch(() => null);
  return { url: pictureAddress(answer) };
}

/* The page wants to know where somebody clicked. */
const BLOCKED_FROM = 'ChatListBlock';

async function block(call, { contact: id, blocked }) {
  let contact = await contactOf(id);
  const name = idOf(contact.id);
  found.blocksByLid ??= lookUp(RARE.blocksByLid);
  if (found.blocksByLid?.() && isNumber(name)) {
    const lid = otherName(name) ?? ((await whereIs(name)) && otherName(name));
    if (!lid) throw new Failure('refused', 'WhatsApp names no lid for this number, and this account blocks by lid');
    contact = await contactOf(lid);
  }
  call.hand();
  if (blocked) await found.blocking.blockContact({ contact, blockEntryPoint: BLOCKED_FROM });
  else await found.blocking.unblockContact(contact, BLOCKED_FROM);
}

async function saveContact(call, { contact: id, first_name, last_name = '' }) {
  const place = await whereIs(id);
  if (!place) throw new Failure('not_on_whatsapp', 'this number is not on WhatsApp');
  if (!place.endsWith('@c.us')) throw new Failure('invalid_argument', 'a contact is saved by its number');
  const phoneNumber = place.slice(0, -'@c.us'.length);
  call.hand();
  await found.saveContact({
    firstName: first_name,
    lastName: last_name,
    phoneNumber,
    prevPhoneNumber: phoneNumber,
    syncToAddressbook: true,
    username: undefined,
  });
}

async function deleteContact(call, { contact: id }) {
  const { id: place, is_my_contact } = contactRecord(await contactOf(id));
  if (!is_my_contact) throw new Failure('not_found', 'this number is not in the address book');
  const number = numberOf(place);
  if (!number) throw new Failure('refused', 'the page does not know the number of this contact');
  call.hand();
  await found.deleteContact({ phoneNumber: use('createWid')(number) });
}

/* ---- lids ---- */

async function lidPairs() {
  const pairs = new Map();
  for (const { id } of use('contacts').getModelsArray()) {
    const text = idOf(id);
    const other = otherName(text);
    const [lid, phone] = isLid(text) ? [text, other] : [other, text];
    if (other) pairs.set(lid, { lid, phone });
  }
  return [...pairs.values()].sort((a, b) => compare(a.lid, b.lid));
}

const listLids = async (call, { limit, offset = 0 }) => (await lidPairs()).slice(offset, offset + limit);
const countLids = async () => ({ count: (await lidPairs()).length });

async function phoneOfLid(call, { lid }) {
  return { lid, phone: otherName(lid) };
}

async function lidOfPhone(call, { phone }) {
  /* The page learns the lid of a number when it asks whether the number exists. */
  const place = otherName(phone) ? phone : await whereIs(phone).catch(() => null);
  return { lid: place && otherName(place), phone };
}

/* ---- the own profile ---- */

async function getProfile() {
  const me = await use('me')();
  return {
    id: idOf(me),
    lid: idOf(myLid),
    name: textOf(found.conn?.pushname) ?? '',
    about: await aboutOf(me),
    picture: pictureAddress(await found.pictures.find(me).catch(() => null)),
  };
}

async function setProfileName(call, { profile_name }) {
  if (found.conn?.canSetMyPushname?.() === false) {
    throw new Failure('forbidden', "a business account's name is changed on the phone");
  }
  call.hand();
  await found.setName(profile_name);
}

async function setAbout(call, { about: text }) {
  call.hand();
  await found.statusText.setMyStatus(text);
}

/* The middle of an image, as a JPEG of this size. */
async function square(image, size) {
  const side = Math.min(image.width, image.height);
  const canvas = new OffscreenCanvas(size, size);
  const [x, y] = [(image.width - side) / 2, (image.height - side) / 2];
  canvas.getContext('2d').drawImage(image, x, y, side, side, 0, 0, size, size);
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
  return `data:image/jpeg;base64,${toBase64(new Uint8Array(await blob.arrayBuffer()))}`;
}

async function decoded(call, mimetype) {
  try {
    return await createImageBitmap(new Blob(call.takeParts(), { type: mimetype }));
  } catch {
    throw new Failure('invalid_argument', 'the file is no image that the browser can read');
  }
}

async function setPicture(call, wid, mimetype) {
  const image = mimetype ? await decoded(call, mimetype) : null;
  const sizes = image && [await square(image, THUMBNAIL), await square(image, PICTURE)];
  call.hand();
  const answer = sizes
    ? await found.pictureActions.sendSetPicture(wid, ...sizes)
    : await found.pictureActions.requestDeletePicture(wid);
  if (answer?.status !== 200)
    throw new Failure(
      answer?.status === 401 || answer?.status === 403 ? 'forbidden' : 'refused',
      'WhatsApp did not take the picture',
    );
}

const setProfilePicture = async (call, { mimetype }) => setPicture(call, await use('me')(), mimetype);

/* ---- presence ---- */

/* Whose presence is wanted. The page forgets it with each connection, and when it becomes unavailable. */
const subscribed = new Set();

async function resubscribe() {
  for (const id of subscribed) await presenceOf(id).catch(() => {});
}

/* Whoever looks at their phone is told there, and it rings: the session is not there until somebody says so. The page
 * begins with whether its document has the focus, and says it at each connection, perhaps before anybody was here. */
let wantsToBeSeen = false;
function stayAsWanted(stream) {
  if (wantsToBeSeen === Boolean(stream.available)) return;
  if (wantsToBeSeen) stream.markAvailable?.();
  else stream.markUnavailable?.();
  if (settled && found.socket?.state === 'CONNECTED')
    lookUp(RARE.available)?.[wantsToBeSeen ? 'sendPresenceAvailable' : 'sendPresenceUnavailable']();
  if (!wantsToBeSeen) resubscribe();
}

/* What was asked of the document before this one. What cannot be done yet is done with the next connection. */
function keepPresence({ chats = [], online = false } = {}) {
  chats.forEach((id) => subscribed.add(id));
  wantsToBeSeen ||= online;
  if (found.stream) stayAsWanted(found.stream);
  resubscribe();
}

/* Said once, and again by the page at each connection. */
async function setPresence(call, { online }) {
  call.hand();
  wantsToBeSeen = online;
  if (online) found.stream?.markAvailable?.();
  else if (found.stream?.available) found.stream.markUnavailable?.();
  await found.available[online ? 'sendPresenceAvailable' : 'sendPresenceUnavailable']();
  if (!online) await resubscribe();
}

async function presenceOf(id) {
  const chat = await chatFor(id);
  const presence = chat.presence ?? (await found.presences.find(chat.id));
  if (!presence.isSubscribed && isFunction(presence.subscribe)) await presence.subscribe();
  subscribed.add(idOf(chat.id));
  return { chat, presence };
}

async function subscribePresence(call, { chat }) {
  await presenceOf(chat);
}

const DOING = {
  available: 'online',
  typing: 'typing',
  recording_audio: 'recording',
};

function presenceRecords(presence) {
  const one = (participant, { type, t, deny } = {}, online) => ({
    participant,
    state: DOING[type] ?? (online ? 'online' : 'offline'),
    last_seen_ms: !deny && t ? toMs(t) : null,
  });
  const members = presence.chatstates?.getModelsArray?.() ?? [];
  if (isGroupId(presence.id)) return members.map((state) => one(idOf(state.id), state));
  return [one(idOf(presence.id), presence.chatstate, presence.isOnline)];
}

async function getPresence(call, { chat: id }) {
  const { chat, presence } = await presenceOf(id);
  return chatPresence(chat.id, presence);
}

function chatPresence(id, presence) {
  const presences = presenceRecords(presence);
  const other_names = otherNames(idOf(id), presences.map(({ participant }) => participant));
  return { chat: idOf(id), presences, other_names };
}

async function listPresences() {
  return found.presences
    .getModelsArray()
    .filter(({ isSubscribed }) => isSubscribed)
    .map((presence) => chatPresence(presence.id, presence));
}
