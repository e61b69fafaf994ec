/* Owns channels, which the page calls newsletters. The server's record of one is the truth: its owner, followers,
 * who has muted it, and its messages. */

import { account } from './account.js';
import { randomBytes, unixTime } from './bytes.js';
import { createWid, MsgKey } from './ids.js';
import { Collection, Model } from './models.js';
import { allow, find, findAll, keep, ServerStatusCodeError } from './records.js';
import { ChatModel, MsgModel } from './stores.js';

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const newInvite = () =>
  '0029Va' + [...randomBytes(16)].map((byte) => LETTERS[byte % LETTERS.length]).join('');

class NewsletterMetadataModel extends Model {
  static props = [
    'id',
    'name',
    'description',
    'inviteCode',
    'inviteLink',
    'membershipType',
    'size',
    'verified',
    'creationTime',
  ];
}
NewsletterMetadataModel.prototype.proxyName = 'newsletterMetadata';

class NewsletterCollection extends Collection {
  async find(id) {
    const chat = this.get(id) || (await load(createWid(id)));
    if (!chat) throw new ServerStatusCodeError(404);
    return chat;
  }
}
export const NewsletterStore = new NewsletterCollection(ChatModel);

class NewsletterMetadataCollection extends Collection {
  async update(id) {
    return (await load(createWid(id)))?.newsletterMetadata;
  }
}
export const NewsletterMetadata = new NewsletterMetadataCollection(NewsletterMetadataModel);

const me = () => account.identity.number;
const roleIn = ({ owner, followers = [] }) =>
  owner === String(account.wid()) ? 'owner' : followers.includes(me()) ? 'subscriber' : 'guest';

/* Shows a record as the page's chat. */
function show(record) {
  const wid = createWid(record.id);
  const metadata = NewsletterMetadata.add({
    id: wid,
    name: record.name,
    description: record.description,
    inviteCode: record.invite,
    inviteLink: `https://whatsapp.com/channel/${record.invite}`,
    membershipType: roleIn(record),
    size: record.subscribers ?? (record.followers ?? []).length,
    verified: Boolean(record.verified),
    creationTime: record.creation,
  });
  const chat = NewsletterStore.add({ id: wid, name: record.name, newsletterMetadata: metadata });
  chat.mute.expiration = (record.muted_by ?? []).includes(me()) ? -1 : 0;
  for (const { id, body, t, views, reactions } of record.messages ?? []) {
    const message = {
      id: new MsgKey({ fromMe: false, remote: wid, id }),
      type: 'chat',
      body,
      t,
      from: wid,
      to: account.wid(),
      ack: 1,
      viewCount: views,
      reactions: Object.entries(reactions ?? {}).map(([reaction, count]) => ({ reaction, count })),
      rowId: t,
    };
    chat.msgs.add(new MsgModel(message));
  }
  return chat;
}

async function recordOf(id) {
  const record = await find('channel', id);
  if (!record) throw new ServerStatusCodeError(404);
  return record;
}

async function load(wid) {
  const record = await find('channel', wid);
  return record && show(record);
}
export const loadPreview = async (id) => show(await recordOf(id));

async function change(id, mutate) {
  const record = await recordOf(id);
  mutate(record);
  await keep('channel', id, record);
  return show(record);
}

const without = (list = [], one) => list.filter((other) => other !== one);

export async function join(idOrChat) {
  await allow('follow_channel');
  return change(String(idOrChat.id ?? idOrChat), (record) => {
    record.followers = [...without(record.followers, me()), me()];
  });
}
export async function leave(idOrChat) {
  await allow('follow_channel');
  return change(String(idOrChat.id ?? idOrChat), (record) => {
    record.followers = without(record.followers, me());
  });
}
const setMuted = (muted) => async (ids) => {
  await allow('mute_channel');
  for (const id of ids) {
    await change(String(id), (record) => {
      record.muted_by = muted ? [...without(record.muted_by, me()), me()] : without(record.muted_by, me());
    });
  }
};
export const mute = setMuted(true);
export const unmute = setMuted(false);

export async function create({ name, description, picture }) {
  await allow('create_channel');
  const path = picture ? await upload(picture) : undefined;
  const record = {
    id: `1203${Date.now()}${randomBytes(1)[0]}@newsletter`,
    name,
    description,
    picture: path,
    invite: newInvite(),
    owner: String(account.wid()),
    creation: unixTime(),
    followers: [],
  };
  await keep('channel', record.id, record);
  show(record);
  return answerOf(record);
}

async function upload(dataUrl) {
  const url = dataUrl.startsWith('data:') ? dataUrl : `data:image/jpeg;base64,${dataUrl}`;
  const blob = await (await fetch(url)).blob();
  const response = await fetch('/sim/media', {
    method: 'POST',
    headers: { 'content-type': blob.type },
    body: blob,
  });
  return (await response.json()).path;
}

export async function remove(idOrChat) {
  const id = String(idOrChat.id ?? idOrChat);
  if (roleIn(await recordOf(id)) !== 'owner') throw new ServerStatusCodeError(403);
  await allow('delete_channel');
  await keep('channel', id, null);
  NewsletterStore.remove(id);
  NewsletterMetadata.remove(id);
  return true;
}

/* The shape in which the real server answers. */
function answerOf({ id, name, description, invite, creation, subscribers, followers, verified, picture }) {
  return {
    idJid: id,
    newsletterCreationTimeMetadataMixin: { creationTimeValue: creation },
    newsletterNameMetadataMixin: { nameElementValue: name, nameUpdateTime: creation },
    newsletterDescriptionMetadataMixin: {
      descriptionQueryDescriptionResponseMixin: { elementValue: description, updateTime: creation },
    },
    newsletterInviteLinkMetadataMixin: { inviteCode: invite },
    newsletterStateMetadataMixin: { stateType: 'ACTIVE' },
    newsletterSubscribersMetadataMixin: { subscribersCount: subscribers ?? (followers ?? []).length },
    newsletterVerificationMetadataMixin: { verificationState: verified ? 'verified' : 'unverified' },
    newsletterPictureMetadataMixin: picture && {
      picture: [{ queryPictureDirectPathOrEmptyResponseMixinGroup: { value: { directPath: picture } } }],
    },
  };
}

export async function queryByInvite(code) {
  const found = (await findAll('channel')).find(([, { invite }]) => invite === code);
  if (!found) throw new ServerStatusCodeError(404);
  return answerOf(found[1]);
}

/* ---- writing ---- */

const writes = (record) => roleIn(record) === 'owner' || (record.admins ?? []).includes(me());

/* What a channel's server keeps of a message; its files are not encrypted. */
export async function publish(id, { id: key, body, caption, type, directPath }) {
  if (!writes(await recordOf(id))) return { success: false };
  const t = unixTime();
  const kept = { id: String(key.id ?? key), body: caption ?? body ?? '', type, t, media: directPath };
  await change(id, (record) => {
    record.messages = [...(record.messages ?? []), kept];
  });
  return { success: true, ack: { t }, serverId: t };
}

/* ---- the directory ---- */

async function matches({ searchText = '', countryCodes = [], categories = [] }) {
  const words = searchText.trim().toLowerCase();
  return (await findAll('channel'))
    .map(([, record]) => record)
    .filter(({ name, description }) => !words || `${name} ${description ?? ''}`.toLowerCase().includes(words))
    .filter(({ country }) => !countryCodes.length || !country || countryCodes.includes(country))
    .filter(({ category }) => !categories.length || categories.includes(category));
}

export async function directory(request) {
  await allow('search_channels');
  const found = await matches(request);
  const start = Number(request.cursorToken || 0);
  const end = start + (request.limit ?? 50);
  return {
    newsletters: found.slice(start, end).map(show),
    pageInfo: { hasNextPage: end < found.length, endCursor: end < found.length ? String(end) : null },
  };
}

export async function loadNewsletters() {
  for (const [, record] of await findAll('channel')) if (roleIn(record) !== 'guest') show(record);
}
