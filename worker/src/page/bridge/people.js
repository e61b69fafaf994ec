/* Operations on contacts, lids, the own profile and presence through the page's own modules. */

/* WhatsApp's sizes of a picture, in pixels. */
const PICTURE = 640;
const THUMBNAIL = 96;

async function contactOf(id) {
  const contacts = use('contacts');
  const there = contacts.get(use('createWid')(id));
  if (there) return there;
  const place = await whereIs(id);
  if (!place) throw new Failure('not_on_whatsapp', 'this number is not on WhatsApp');
  const wid = use('createWid')(place);
  const contact = contacts.get(wid) ?? (await contacts.find(wid));
  if (!contact) throw new Failure('not_found', 'no such contact');
  return contact;
}

const getContact = async (call, { contact: id }) => contactRecord(await contactOf(id));

async function about(call, { contact: id }) {
  const { id: wid } = await contactOf(id);
  await need('statusText');
  return { about: await aboutOf(wid) };
}

async function aboutOf(wid) {
  const answer = await found.statusText.getStatus({ token: '', wid }).catch(() => null);
  return textOf(answer?.status);
}

const pictureAddress = (picture) => textOf(picture?.eurl) ?? textOf(picture?.imgFull) ?? textOf(picture?.img);

async function picture(call, { of, refresh }) {
  const wid = use('createWid')(of);
  await need('pictures');
  if (!refresh) return { url: pictureAddress(await found.pictures.find(wid).catch(() => null)) };
  await need('pictureActions');
  /* Who hides a picture is answered for with an error of the server. */
  const answer = await found.pictureActions.requestProfilePicFromServer({ id: wid, wid }).catch(() => null);
  return { url: pictureAddress(answer) };
}

async function block(call, { contact: id, blocked }) {
  const contact = await contactOf(id);
  await need('toBlock', 'blocking');
  const target = found.toBlock(contact, 'ChatListBlock');
  call.hand();
  if (blocked) await found.blocking.blockContact({ contact: target });
  else await found.blocking.unblockContact(target);
}

async function saveContact(call, { contact: id, first_name, last_name = '' }) {
  const place = await whereIs(id);
  if (!place) throw new Failure('not_on_whatsapp', 'this number is not on WhatsApp');
  if (!place.endsWith('@c.us')) throw new Failure('invalid_argument', 'a contact is saved by its number');
  await need('saveContact');
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

/* ---- lids ---- */

async function lidPairs() {
  await need('lids');
  const pairs = new Map();
  for (const { id } of use('contacts').getModelsArray()) {
    const text = idOf(id);
    const [lid, phone] = text.endsWith('@lid')
      ? [text, idOf(found.lids.getPhoneNumber(id))]
      : text.endsWith('@c.us')
        ? [idOf(found.lids.getCurrentLid(id)), text]
        : [];
    if (lid && phone) pairs.set(lid, { lid, phone });
  }
  return [...pairs.values()].sort((a, b) => compare(a.lid, b.lid));
}

const listLids = async (call, { limit, offset = 0 }) => (await lidPairs()).slice(offset, offset + limit);
const countLids = async () => ({ count: (await lidPairs()).length });

async function phoneOfLid(call, { lid }) {
  await need('lids');
  return { lid, phone: idOf(found.lids.getPhoneNumber(use('createWid')(lid))) };
}

async function lidOfPhone(call, { phone }) {
  await need('lids');
  const wid = use('createWid')(phone);
  /* The page learns the lid of a number when it asks whether the number exists. */
  const lid =
    found.lids.getCurrentLid(wid) ?? (await use('exists')(wid).catch(() => null))?.lid ?? found.lids.getCurrentLid(wid);
  return { lid: idOf(lid), phone };
}

/* ---- the own profile ---- */

async function getProfile() {
  await need('pictures', 'statusText');
  const me = await use('me')();
  return {
    id: idOf(me),
    lid: idOf(await found.meLid?.()),
    name: textOf(found.conn?.pushname) ?? '',
    about: await aboutOf(me),
    picture: pictureAddress(await found.pictures.find(me).catch(() => null)),
  };
}

async function setProfileName(call, { profile_name }) {
  await need('setName');
  call.hand();
  await found.setName(profile_name);
}

async function setAbout(call, { about: text }) {
  await need('statusText');
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
  await need('pictureActions');
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

async function setPresence(call, { online }) {
  await need('available');
  call.hand();
  await found.available[online ? 'sendPresenceAvailable' : 'sendPresenceUnavailable']();
}

async function presenceOf(id) {
  const chat = await chatFor(id);
  await need('presences');
  const presence = chat.presence ?? (await found.presences.find(chat.id));
  if (!presence.isSubscribed && isFunction(presence.subscribe)) await presence.subscribe();
  return { chat, presence };
}

async function subscribePresence(call, { chat }) {
  await presenceOf(chat);
}

const DOING = {
  available: 'online',
  composing: 'typing',
  typing: 'typing',
  recording_audio: 'recording',
  recording: 'recording',
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
  return { chat: idOf(chat.id), presences: presenceRecords(presence) };
}

async function listPresences() {
  await need('presences');
  return found.presences
    .getModelsArray()
    .filter(({ isSubscribed }) => isSubscribed)
    .map((presence) => ({ chat: idOf(presence.id), presences: presenceRecords(presence) }));
}
