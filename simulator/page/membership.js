/* Owns what members and admins do with a group, by the rules of WhatsApp's server: who may, and what the others learn.
 * The server's record is the truth; the page's models follow it. */

import { account } from './account.js';
import { randomBytes, unixTime } from './bytes.js';
import { applyGroup, memberId } from './groups.js';
import { createWid } from './ids.js';
import { isMigrated, served } from './lids.js';
import { queryExists } from './outgoing.js';
import { refreshJoinRequests } from './requests.js';
import { ActionError, allow, find, findAll, isRefused, keep, ServerStatusCodeError } from './records.js';
import { ChatStore } from './stores.js';

/* Numbers with this ending let nobody add them; they want an invitation. */
const SHY = '9403';
const INVITED_S = 3 * 86_400;
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const newCode = () => [...randomBytes(22)].map((byte) => LETTERS[byte % LETTERS.length]).join('');

export const isAdmin = (role) => role === 'admin' || role === 'super_admin';
const memberOf = (group, wid) => group.participants.find(({ id }) => id === String(served(wid)));
export const myPart = (group) => memberOf(group, account.wid()) || memberOf(group, account.lid());

const others = (group) =>
  group.participants
    .filter(({ id }) => id.endsWith('@c.us') && !account.isMe(createWid(id)))
    .map(({ id }) => id.replace('@c.us', ''));

export async function recordOf(wid) {
  const group = await find('group', wid);
  if (!group) throw new ServerStatusCodeError(404);
  return { participants: [], requests: [], ...group };
}

async function keepAndShow(wid, group, before, what) {
  const note = { by: String(account.wid()), what };
  await keep('group', wid, group, [...new Set([...before, ...others(group)])], note);
  applyGroup(group, note);
}

/* One change: allowed, made, kept, told to everyone who was or is in the group, and shown here. */
export async function change(wid, mayMember, what, mutate) {
  const group = await recordOf(wid);
  const me = myPart(group);
  if (!me || !(isAdmin(me.role) || mayMember(group))) throw new ServerStatusCodeError(403);
  await allow(what.subtype);
  const before = others(group);
  mutate(group);
  await keepAndShow(wid, group, before, what);
}

export const never = () => false;
const always = () => true;
const unrestricted = ({ restrict }) => !restrict;

export class GroupAlreadyExistsError extends Error {}

export async function createGroup(options, participants) {
  const title = typeof options === 'string' ? options : options.title;
  const addressing = options.addressingModeOverride ?? (isMigrated() ? 'lid' : 'pn');
  await allow('create_group');
  const wid = createWid(`1203${Date.now()}${randomBytes(1)[0]}@g.us`);
  const outcomes = [];
  for (const one of participants) {
    const id = served(one.phoneNumber || one.lid || one);
    const error = await refusal(id);
    const invitation = error === 403 ? { invite_code: newCode(), invite_code_exp: unixTime() + INVITED_S } : {};
    outcomes.push({ wid: named({ addressing }, id), type: 'participant', error, ...invitation });
  }
  const members = outcomes
    .filter(({ error }) => !error)
    .map((one) => ({ id: String(served(one.wid)), role: 'member' }));
  const group = {
    id: String(wid),
    subject: title,
    owner: String(account.wid()),
    creation: unixTime(),
    restrict: Boolean(options.restrict),
    announce: Boolean(options.announce),
    member_add_mode: options.memberAddMode ? 'all_member_add' : 'admin_add',
    membership_approval_mode: Boolean(options.membershipApprovalMode),
    invite: newCode(),
    addressing,
    participants: [{ id: String(account.wid()), role: 'super_admin' }, ...members],
    requests: [],
  };
  await keepAndShow(wid, group, [], { subtype: 'create', body: title });
  return { wid, subject: title, creator: account.wid(), ts: group.creation, participants: outcomes };
}

async function refusal(wid) {
  if (!(await queryExists(wid))) return 404;
  return createWid(wid).user.endsWith(SHY) ? 403 : null;
}

export async function addOne(wid, given) {
  const person = served(given);
  const error = (await isRefused('add')) || (await refusal(person));
  if (error) return error;
  if (memberOf(await recordOf(wid), person)) return 409;
  const what = { subtype: 'add', recipients: [String(person)] };
  const anyMemberAdds = ({ member_add_mode }) => member_add_mode === 'all_member_add';
  await change(wid, anyMemberAdds, what, (group) =>
    group.participants.push({ id: String(person), role: 'member' }),
  );
  return 200;
}

const names = (members) => members.map((member) => String(served(member.id ?? member)));

/* ---- what is done to members: by one request for all, with an outcome for each ---- */

async function each(wid, people, act) {
  const participants = [];
  for (const person of people) {
    const code = await act(person).catch((error) => {
      if (!error.statusCode || error.statusCode === 403) throw error;
      return error.statusCode;
    });
    participants.push({ userWid: createWid(person), code: String(code), subCode: null });
  }
  return { status: 207, participants };
}

const onMember = (subtype, mutate) => async (wid, person) => {
  const refusal = await isRefused(subtype);
  if (refusal) return refusal;
  const id = String(served(person));
  if (!memberOf(await recordOf(wid), id)) return 404;
  await change(wid, never, { subtype, recipients: [id] }, (group) => mutate(group, id));
  return 200;
};
const remove = onMember('remove', (group, id) => {
  group.participants = group.participants.filter((member) => member.id !== id);
});
const give = (role) => (group, id) => {
  const member = memberOf(group, id);
  if (member.role !== 'super_admin') member.role = role;
};
const promote = onMember('promote', give('admin'));
const demote = onMember('demote', give('member'));

export const addGroupParticipants = (wid, people) =>
  each(wid, people.map(({ lid, phoneNumber }) => phoneNumber ?? lid), (person) => addOne(wid, person));
export const removeGroupParticipants = (wid, people) => each(wid, people, (person) => remove(wid, person));
export const promoteGroupParticipants = (wid, people) => each(wid, people, (person) => promote(wid, person));
export const demoteGroupParticipants = (wid, people) => each(wid, people, (person) => demote(wid, person));

/* The same for the screen: silent about each member, and refused here where somebody may not be changed. */
const quietly = (job, allowed) => async (chat, members) => {
  const { participants } = chat.groupMetadata;
  if (!members.every((member) => participants[allowed](member))) throw new ActionError();
  await job(chat.id, members.map(({ id }) => id));
};
export const removeParticipants = quietly(removeGroupParticipants, 'canRemove');
export const promoteParticipants = quietly(promoteGroupParticipants, 'canPromote');
export const demoteParticipants = quietly(demoteGroupParticipants, 'canDemote');
export const addParticipants = (chat, contacts) =>
  addGroupParticipants(chat.id, contacts.map(({ id }) => (id.isLid() ? { lid: id } : { phoneNumber: id })));

export const setGroupSubject = (wid, subject) =>
  change(wid, unrestricted, { subtype: 'subject', body: subject }, (group) => {
    group.subject = subject;
  });
export const setGroupDescription = (wid, desc, newId) =>
  change(wid, unrestricted, { subtype: 'description', body: desc }, (group) => {
    Object.assign(group, { desc, desc_id: newId });
  });
export const setGroupPicture = (wid, picture) =>
  change(wid, unrestricted, { subtype: 'picture' }, (group) => {
    group.picture = picture;
  });

const PROPERTIES = {
  announcement: (group, value) => (group.announce = Boolean(value)),
  restrict: (group, value) => (group.restrict = Boolean(value)),
  member_add_mode: (group, value) => (group.member_add_mode = value ? 'all_member_add' : 'admin_add'),
  member_share_group_history_mode: (group, value) =>
    (group.member_share_history_mode = value ? 'all_member_share' : 'admin_share'),
  membership_approval_mode: (group, value) => (group.membership_approval_mode = Boolean(value)),
  ephemeral: (group, value) => (group.ephemeral = value),
};
const NOTICE = { announcement: 'announce' };

/* These resolve when the server refuses them, too; the others reject. */
const ANSWERED = new Set(['announcement', 'restrict', 'membership_approval_mode']);
const FIELD = {
  announcement: 'announce',
  restrict: 'restrict',
  member_add_mode: 'memberAddMode',
  member_share_group_history_mode: 'memberShareGroupHistoryMode',
  membership_approval_mode: 'membershipApprovalMode',
};

export async function setGroupProperty(chatOrWid, property, value) {
  if (!PROPERTIES[property]) throw new ServerStatusCodeError(400);
  const wid = chatOrWid.groupMetadata ? chatOrWid.id : chatOrWid;
  const { groupMetadata } = ChatStore.get(wid) ?? {};
  if (groupMetadata && !groupMetadata.participants.iAmAdmin()) throw new ActionError();
  const what = { subtype: NOTICE[property] ?? property, body: String(value) };
  try {
    await allow(property);
    await change(wid, never, what, (group) => PROPERTIES[property](group, value));
  } catch (error) {
    if (!ANSWERED.has(property) || !error.statusCode) throw error;
    return { name: 'SetPropertyResponseClientError', value: { errorCode: error.statusCode } };
  }
  /* After an own change the model holds the number. */
  groupMetadata?.set({ [FIELD[property]]: value });
  return { name: 'SetPropertyResponseSuccess' };
}

/* Whether the server let this account go. */
export async function sendExitGroup(chat) {
  if (!chat.groupMetadata) throw new ActionError();
  if (await isRefused('leave')) return false;
  const me = String(account.wid());
  await change(chat.id, always, { subtype: 'leave', recipients: [me] }, (group) => {
    group.participants = group.participants.filter(({ id }) => id !== me);
  });
  return true;
}

/* ---- invitations ---- */

export async function fetchInviteCode(id) {
  const group = await recordOf(id);
  if (!isAdmin(myPart(group)?.role)) throw new ServerStatusCodeError(403);
  await allow('invite_code');
  return { code: group.invite };
}

export async function resetInviteCode(wid) {
  const code = newCode();
  await change(wid, never, { subtype: 'revoke_invite' }, (group) => {
    group.invite = code;
  });
  return { code };
}

async function invitedTo(code) {
  const found = (await findAll('group')).find(([, group]) => group.invite === code);
  if (!found) throw new ServerStatusCodeError(404);
  return { participants: [], requests: [], ...found[1] };
}

/* Somebody as a group names its members, whether this account is in it or not. */
export const named = ({ addressing }, wid) =>
  memberId({ isLidAddressingMode: addressing ? addressing === 'lid' : isMigrated() }, wid);

export async function queryGroupInvite(code) {
  const group = await invitedTo(code);
  return {
    id: createWid(group.id),
    subject: group.subject,
    desc: group.desc,
    owner: group.owner && named(group, group.owner),
    creation: group.creation,
    restrict: Boolean(group.restrict),
    announce: Boolean(group.announce),
    memberAddMode: group.member_add_mode,
    membershipApprovalMode: Boolean(group.membership_approval_mode),
    size: group.participants.length,
    participants: group.participants.map(({ id, role }) => ({
      id: named(group, id),
      isAdmin: isAdmin(role),
      isSuperAdmin: role === 'super_admin',
    })),
  };
}

export class UnexpectedJoinGroupViaInviteResponse extends Error {}

/* Whoever is wrong about the approval has joined, or asked to, all the same. */
export async function joinGroupViaInvite(code, needsApproval = false) {
  await allow('join_group');
  const gid = await join(code);
  const { membership_approval_mode } = await invitedTo(code);
  if (Boolean(membership_approval_mode) !== needsApproval) throw new UnexpectedJoinGroupViaInviteResponse();
  return { gid };
}

async function join(code) {
  const group = await invitedTo(code);
  const wid = createWid(group.id);
  const me = String(account.wid());
  if (group.membership_approval_mode) {
    group.requests.push({ id: me, method: 'InviteLink', t: unixTime() });
    const note = { by: me, what: { subtype: 'created_membership_requests', recipients: [me] } };
    await keep('group', wid, group, others(group), note);
    return wid;
  }
  if (!memberOf(group, me)) group.participants.push({ id: me, role: 'member' });
  await keepAndShow(wid, group, [], { subtype: 'invite', recipients: [me] });
  return wid;
}

/* What the page knows of a group, brought up to date a moment after the answer, which is none: also of a group that is
 * gone (404), or not ours (403). Other errors reject. */
export async function refreshGroup(wid) {
  const status = await isRefused('query_group');
  if (status === 403 || status === 404) return;
  if (status) throw new ServerStatusCodeError(status);
  const group = await find('group', wid);
  if (!group) return;
  if (isAdmin(myPart({ participants: [], ...group })?.role)) await refreshJoinRequests(wid);
  setTimeout(() => applyGroup(group, null));
}
