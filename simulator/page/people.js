/* Owns what people show of themselves - name, about, picture - and who is blocked. The server's records are the truth:
 * `person` for users, the group's own record for a group's picture, `blocked` for this account's list. */

import { account } from './account.js';
import { Conn } from './connection.js';
import { createUserWid, createWid } from './ids.js';
import { isMigrated, served } from './lids.js';
import { loadLabels } from './labels.js';
import { setGroupPicture } from './membership.js';
import { Collection, Model } from './models.js';
import { loadNewsletters } from './newsletters.js';
import { allow, did, find, findOwn, keep, own, ServerStatusCodeError } from './records.js';
import { addContact, storeContact } from './people-store.js';
import { ChatStore, ContactStore } from './stores.js';

const DEFAULT_ABOUT = 'Hey there! I am using a simulation.';

/* Whoever it is, the record is that of the number. */
function numberOf(wid) {
  if (account.isMe(wid)) return account.identity.number;
  return served(wid).user;
}
const personOf = async (wid) => (await find('person', numberOf(wid))) ?? {};
const changePerson = async (wid, fields) =>
  keep('person', numberOf(wid), { ...(await personOf(wid)), ...fields });

/* ---- about and name ---- */

export async function getStatus({ wid }) {
  const { about } = await personOf(createWid(wid));
  return { id: createWid(wid), status: about ?? DEFAULT_ABOUT };
}
export async function setMyStatus(about) {
  await allow('about');
  await changePerson(account.wid(), { about });
  await did('about', { about });
}
export async function setPushname(name) {
  await allow('name');
  await changePerson(account.wid(), { name });
  await did('name', { name });
  account.identity.name = name;
  await account.register(account.identity);
  Conn.pushname = name;
}

/* ---- pictures ---- */

export class ProfilePicThumbModel extends Model {
  static props = ['id', 'eurl', 'img', 'imgFull', 'tag'];
  canSet() {
    const { id } = this;
    return account.isMe(id) || Boolean(id.isGroup() && ChatStore.get(id)?.groupMetadata?.canSetSubject());
  }
  canDelete() {
    return this.canSet();
  }
}
ProfilePicThumbModel.prototype.proxyName = 'profilePicThumb';

async function pictureOf(wid) {
  const record = wid.isGroup()
    ? await find('group', wid)
    : wid.isNewsletter()
      ? await find('channel', wid)
      : await personOf(wid);
  const { picture } = record ?? {};
  return picture ? new URL(picture, location.href).href : undefined;
}

class ProfilePicThumbCollection extends Collection {
  async find(id) {
    const wid = createWid(id);
    const picture = this.gadd(wid);
    const address = await pictureOf(wid);
    picture.set({ eurl: address, img: address, imgFull: address });
    return picture;
  }
  gadd(id) {
    return this.get(id) || this.add({ id: createWid(id) });
  }
}
export const ProfilePicThumb = new ProfilePicThumbCollection(ProfilePicThumbModel);

export async function requestProfilePicFromServer(chatOrWid) {
  const wid = createWid(chatOrWid.wid ?? chatOrWid.id ?? chatOrWid);
  const picture = await ProfilePicThumb.find(wid);
  if (!picture.eurl) throw new ServerStatusCodeError(404);
  return { id: wid, eurl: picture.eurl, previewEurl: picture.eurl, tag: '1' };
}

async function setPictureOf(wid, path) {
  await allow('picture');
  if (wid.isGroup()) await setGroupPicture(wid, path);
  else if (account.isMe(wid)) await changePerson(wid, { picture: path });
  else throw new ServerStatusCodeError(401);
  await ProfilePicThumb.find(wid);
  return { status: 200, tag: '1', eurl: path ?? null };
}

export async function sendSetPicture(wid, thumbnail, full) {
  const blob = await (await fetch(full)).blob();
  const headers = { 'content-type': blob.type };
  const response = await fetch('/sim/media', { method: 'POST', headers, body: blob });
  return setPictureOf(createWid(wid), (await response.json()).path);
}
export const requestDeletePicture = (wid) => setPictureOf(createWid(wid), null);

/* ---- blocking ---- */

export const Blocklist = new Collection(
  class BlocklistModel extends Model {
    static props = ['id'];
  },
);
Blocklist.isBlocked = (wid) => Boolean(Blocklist.get(wid));

const markBlocked = (wid, blocked) => {
  if (blocked) Blocklist.add({ id: wid });
  else Blocklist.remove(wid);
  ContactStore.gadd(wid).isContactBlocked = blocked;
};

/* Whether it minds a missing `blockEntryPoint` is unsure; here it does not. */
const setBlocked = async (contact, blocked) => {
  const isKnown = contact.id.isLid() || ChatStore.get(contact.id)?.accountLid;
  if (isMigrated() && !isKnown) throw 'blocklist: no lid for this contact';
  await allow('block');
  const id = served(contact.id);
  await keep('blocked', own(id), blocked ? { id: String(id) } : null);
  markBlocked(contact.id, blocked);
};
export const blockContact = ({ contact }) => setBlocked(contact, true);
export const unblockContact = (contact) => setBlocked(contact, false);

/* ---- the address book ---- */

export async function saveContactAction({ firstName, lastName, phoneNumber }) {
  await allow('save_contact');
  const name = [firstName, lastName].filter(Boolean).join(' ');
  const number = createUserWid(phoneNumber).user;
  await keep('contact', own(number), { number, name, first_name: firstName, last_name: lastName });
  addContact({ number, name, pushname: ContactStore.get(`${number}@c.us`)?.pushname });
}
export async function deleteContactAction({ phoneNumber }) {
  const wid = createUserWid(phoneNumber);
  await allow('delete_contact');
  await keep('contact', own(wid.user), null);
  const contact = ContactStore.get(wid);
  if (!contact) return;
  contact.set({ name: undefined, isAddressBookContact: 0 });
  storeContact(contact);
}

/* What the server knows of this account, after a login or a resume. */
export async function loadAccount() {
  const me = await personOf(account.wid());
  Conn.platform = me.business ? 'smba' : 'android';
  if (me.name) Conn.pushname = me.name;
  for (const [id] of await findOwn('blocked')) markBlocked(createWid(id), true);
  await loadLabels();
  await loadNewsletters();
}
