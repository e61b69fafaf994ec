/* Owns chats that come into being - with a person, a lid or a group - and the groups' members.
 * A group is created the first time somebody writes in it. */

import { account } from './account.js';
import { unixTime } from './bytes.js';
import * as database from './database.js';
import { createWid } from './ids.js';
import { Collection, Model } from './models.js';
import { ChatStore, ContactStore } from './stores.js';

export class ParticipantModel extends Model {
  static props = ['id', 'isAdmin', 'isSuperAdmin'];
  get contact() {
    return this.attributes && ContactStore.gadd(this.id);
  }
}
ParticipantModel.prototype.proxyName = 'participant';

export class ParticipantCollection extends Collection {
  constructor() {
    super(ParticipantModel);
  }
  iAmMember() {
    return this.some(({ id }) => account.isMe(id));
  }
  iAmAdmin() {
    return this.some(({ id, isAdmin }) => account.isMe(id) && isAdmin);
  }
  getAdmins() {
    return this.filter(({ isAdmin }) => isAdmin);
  }
}

export class GroupMetadataModel extends Model {
  static props = [
    'id',
    'subject',
    'desc',
    'creation',
    'owner',
    'participants',
    'announce',
    'restrict',
    'isLidAddressingMode',
    'size',
    'groupType',
  ];
}
GroupMetadataModel.prototype.proxyName = 'groupMetadata';

class GroupMetadataCollection extends Collection {
  _handleParentGroupChange() {}
  async find(id) {
    return this.get(id) || groupFor(createWid(id)).groupMetadata;
  }
}
export const GroupMetadata = new GroupMetadataCollection(GroupMetadataModel);

/* The chat with a person or a group, made on first use. */
export function chatFor(wid, name) {
  if (wid.isGroup()) return groupFor(wid, { subject: name });
  const contact = ContactStore.gadd(wid);
  if (name && !contact.pushname) contact.pushname = name;
  return ChatStore.get(wid) || ChatStore.add({ id: wid, t: unixTime() });
}

/* The chat of a group; `saved` is what the profile knows of it. */
export function groupFor(wid, saved = {}) {
  const known = ChatStore.get(wid);
  if (known) return known;
  const subject = saved.subject || `Group ${wid.user.slice(-4)}`;
  const participants = new ParticipantCollection();
  const metadata = GroupMetadata.add({
    id: wid,
    subject,
    creation: saved.creation || unixTime(),
    participants,
    announce: false,
    restrict: false,
    isLidAddressingMode: false,
    groupType: 'DEFAULT',
    size: 0,
  });
  for (const { id, isAdmin } of saved.participants || []) participants.add({ id: createWid(id), isAdmin });
  ContactStore.gadd(wid).name = subject;
  const chat = ChatStore.add({ id: wid, name: subject, t: unixTime(), groupMetadata: metadata });
  if (account.isLinked()) join(chat, account.wid());
  return chat;
}

/* Whoever is seen in a group is a member of it. */
export function join(chat, wid, isAdmin = false) {
  const { groupMetadata } = chat;
  if (groupMetadata.participants.get(wid)) return;
  groupMetadata.participants.add({ id: wid, isAdmin, isSuperAdmin: false });
  groupMetadata.size = groupMetadata.participants.length;
  storeGroup(groupMetadata);
}

export function storeGroup({ id, subject, creation, participants }) {
  const members = participants.map((member) => ({ id: String(member.id), isAdmin: member.isAdmin }));
  database.put('groups', { id: String(id), subject, creation, participants: members });
}
