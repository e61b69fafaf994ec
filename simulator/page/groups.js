/* Owns chats that come into being - with a person, a lid or a group - and the groups' members.
 * A group is created the first time somebody writes in it. */

import { account } from './account.js';
import { unixTime } from './bytes.js';
import { channel } from './channel.js';
import * as database from './database.js';
import { createWid } from './ids.js';
import { byLid, isMigrated, served, shown } from './lids.js';
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
  iAmSuperAdmin() {
    return this.some(({ id, isSuperAdmin }) => account.isMe(id) && isSuperAdmin);
  }
  iAmRestrictedMember() {
    return this.iAmMember() && !this.iAmAdmin();
  }
  canAdd() {
    return this.iAmAdmin();
  }
  canRemove(participant) {
    return this.iAmAdmin() && !participant.isSuperAdmin;
  }
  canPromote(participant) {
    return this.iAmAdmin() && !participant.isAdmin;
  }
  canDemote(participant) {
    return this.iAmAdmin() && participant.isAdmin && !participant.isSuperAdmin;
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
    'descId',
    'creation',
    'owner',
    'participants',
    'announce',
    'restrict',
    'isLidAddressingMode',
    'size',
    'groupType',
    'memberAddMode',
    'memberShareGroupHistoryMode',
    'membershipApprovalMode',
    'membershipApprovalRequests',
    'ephemeralDuration',
    'stale',
  ];
  canSetGroupProperty() {
    return this.participants.iAmAdmin();
  }
  canSetEphemeralSetting() {
    return this.participants.iAmAdmin();
  }
  canSetSubject() {
    return !this.restrict || this.participants.iAmAdmin();
  }
  canSetDescription() {
    return this.canSetSubject();
  }
}
GroupMetadataModel.prototype.proxyName = 'groupMetadata';

class GroupMetadataCollection extends Collection {
  _handleParentGroupChange() {}
  async update(id) {
    await hooks.refresh(createWid(id));
    return this.get(id);
  }
  async find(id) {
    return this.get(id) || groupFor(createWid(id)).groupMetadata;
  }
}
export const GroupMetadata = new GroupMetadataCollection(GroupMetadataModel);

/* Statuses go to a chat of their own; what is posted there is noted by statuses.js. */
export const statusHooks = { posted() {} };

/* The chat with a person or a group, made on first use. On migrated accounts a new one is with the lid. */
export function chatFor(given, name) {
  const wid = createWid(given);
  if (wid.isStatus()) return ChatStore.get(wid) || ChatStore.add({ id: wid });
  if (wid.isGroup()) return groupFor(wid, { subject: name });
  const there = ChatStore.getLatestChatForWid(wid);
  const id = there?.id ?? shown(wid);
  const contact = ContactStore.gadd(id);
  if (name && !contact.pushname) contact.pushname = name;
  return there || ChatStore.add({ id, ...accountLidOf(id), t: unixTime() });
}

/* Chats of before the migration keep their number. */
export const accountLidOf = (id) => (isMigrated() && id.isUser() ? { accountLid: byLid(id) } : {});

/* Somebody as this group names its members. */
export const memberId = ({ isLidAddressingMode }, wid) => (isLidAddressingMode ? byLid(wid) : createWid(wid));
/* Whom this account is in a chat. */
export const meIn = ({ id, groupMetadata }) =>
  id.isLid() || groupMetadata?.isLidAddressingMode ? account.lid() : account.wid();

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
    isLidAddressingMode: saved.isLidAddressingMode ?? isMigrated(),
    groupType: 'DEFAULT',
    stale: false,
    size: 0,
  });
  for (const { id, isAdmin, isSuperAdmin } of saved.participants || [])
    participants.add({ id: createWid(id), isAdmin, isSuperAdmin });
  ContactStore.gadd(wid).name = subject;
  const chat = ChatStore.add({ id: wid, name: subject, t: unixTime(), groupMetadata: metadata });
  if (account.isLinked() && !saved.participants) join(chat, meIn(chat));
  return chat;
}

/* What other modules do for groups; they register it here to avoid a circle of imports. */
export const hooks = { async refresh() {}, notice() {} };

/* Whoever is seen in a group is a member of it. */
export function join(chat, wid, isAdmin = false) {
  const { groupMetadata } = chat;
  if (groupMetadata.participants.get(wid)) return;
  groupMetadata.participants.add({ id: wid, isAdmin, isSuperAdmin: false });
  groupMetadata.size = groupMetadata.participants.length;
  storeGroup(groupMetadata);
  publish(chat).catch((error) => console.error('a group could not be published', error));
}

const roleOf = ({ isAdmin, isSuperAdmin }) => (isSuperAdmin ? 'super_admin' : isAdmin ? 'admin' : 'member');

/* A group that this page saw come into being becomes known to the server, and so does each member seen in it. */
let publishing = Promise.resolve();
function publish({ id, groupMetadata }) {
  publishing = publishing.then(async () => {
    if (!account.isLinked()) return;
    const { value } = await channel.ask('find', { kind: 'group', id: String(id) });
    const known = new Set((value?.participants ?? []).map((member) => member.id));
    const seen = groupMetadata.participants.map((member) => ({
      id: String(served(member.id)),
      role: roleOf(member),
    }));
    const missing = seen.filter((member) => !known.has(member.id));
    if (!missing.length) return;
    const { subject, creation } = groupMetadata;
    const participants = [...(value?.participants ?? []), ...missing];
    const record = { id: String(id), subject, creation, ...value, participants };
    await channel.ask('keep', { kind: 'group', id: String(id), value: record });
  });
  return publishing;
}

/* Makes the page's models what the server's record says, and notes in the chat what happened. */
export function applyGroup(group, change) {
  const wid = createWid(group.id);
  const known = Boolean(ChatStore.get(wid));
  const chat = groupFor(wid, { subject: group.subject, creation: group.creation, participants: [] });
  const { groupMetadata } = chat;
  if (group.addressing) groupMetadata.isLidAddressingMode = group.addressing === 'lid';
  const named = (id) => String(memberId(groupMetadata, id));
  const { participants } = groupMetadata;
  const roles = new Map((group.participants ?? []).map(({ id, role }) => [named(id), role]));
  for (const member of participants.toArray()) if (!roles.has(String(member.id))) participants.remove(member);
  for (const [id, role] of roles) {
    participants.add({ id: createWid(id), isAdmin: role !== 'member', isSuperAdmin: role === 'super_admin' });
  }
  groupMetadata.set({
    subject: group.subject,
    desc: group.desc,
    descId: group.desc_id,
    owner: group.owner && memberId(groupMetadata, group.owner),
    creation: group.creation,
    announce: Boolean(group.announce),
    restrict: Boolean(group.restrict),
    memberAddMode: group.member_add_mode ?? 'admin_add',
    memberShareGroupHistoryMode: group.member_share_history_mode ?? 'admin_share',
    membershipApprovalMode: Boolean(group.membership_approval_mode),
    membershipApprovalRequests: { _models: (group.requests ?? []).map(({ id }) => ({ id: memberId(groupMetadata, id) })) },
    size: participants.length,
  });
  ContactStore.gadd(wid).name = group.subject;
  chat.set({ name: group.subject, isReadOnly: !participants.iAmMember() });
  storeGroup(groupMetadata);
  if (change?.what) hooks.notice(chat, change, known);
}

export function storeGroup({ id, subject, creation, participants, isLidAddressingMode }) {
  const members = participants.map((member) => ({
    id: String(member.id),
    isAdmin: member.isAdmin,
    isSuperAdmin: member.isSuperAdmin,
  }));
  database.put('groups', {
    id: String(id),
    subject,
    creation,
    isLidAddressingMode,
    participants: members,
  });
}
