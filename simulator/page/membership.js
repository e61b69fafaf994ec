/* Owns what members and admins do with a group, by the rules of WhatsApp's server: who may, and what the others learn.
 * The server's record is the truth; the page's models follow it. */

import { account } from './account.js';
import { randomBytes, unixTime } from './bytes.js';
import { applyGroup, memberId } from './groups.js';
import { createWid } from './ids.js';
import { isMigrated, served } from './lids.js';
import { queryExists } from './outgoing.js';
import { find, findAll, keep, ServerStatusCodeError } from './records.js';
import { ChatStore } from './stores.js';

/* Numbers with this ending let nobody add them; they want an invitation. */
const SHY = '9403';
const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const newCode = () => [...randomBytes(22)].map((byte) => LETTERS[byte % LETTERS.length]).join('');

const isAdmin = (role) => role === 'admin' || role === 'super_admin';
const memberOf = (group, wid) => group.participants.find(({ id }) => id === String(served(wid)));
const myPart = (group) => memberOf(group, account.wid()) || memberOf(group, account.lid());

const others = (group) =>
  group.participants
    .filter(({ id }) => id.endsWith('@c.us') && !account.isMe(createWid(id)))
    .map(({ id }) => id.replace('@c.us', ''));

async function recordOf(wid) {
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
async function change(wid, mayMember, what, mutate) {
  const group = await recordOf(wid);
  const me = myPart(group);
  if (!me || !(isAdmin(me.role) || mayMember(group))) throw new ServerStatusCodeError(403);
  const before = others(group);
  mutate(group);
  await keepAndShow(wid, group, before, what);
}

const never = () => false;
const always = () => true;
const unrestricted = ({ restrict }) => !restrict;

export class GroupAlreadyExistsError extends Error {}

export async function createGroup(options, participants) {
  const title = typeof options === 'string' ? options : options.title;
  const wid = createWid(`1203${Date.now()}${randomBytes(1)[0]}@g.us`);
  const outcomes = [];
  for (const one of participants) {
    const id = served(one.phoneNumber || one.lid || one);
    const error = await refusal(id);
    outcomes.push({ wid: id, type: 'participant', ...(error ? { error } : {}) });
  }
  const members = outcomes
    .filter(({ error }) => !error)
    .map((one) => ({ id: String(one.wid), role: 'member' }));
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
    addressing: options.addressingModeOverride ?? (isMigrated() ? 'lid' : 'pn'),
    participants: [{ id: String(account.wid()), role: 'super_admin' }, ...members],
    requests: [],
  };
  await keepAndShow(wid, group, [], { subtype: 'create', body: title });
  return { wid, subject: title, ts: group.creation, participants: outcomes };
}

async function refusal(wid) {
  if (!(await queryExists(wid))) return 404;
  return createWid(wid).user.endsWith(SHY) ? 403 : null;
}

export async function addOne(wid, given) {
  const person = served(given);
  const error = await refusal(person);
  if (error) return error;
  if (memberOf(await recordOf(wid), person)) return 409;
  const what = { subtype: 'add', recipients: [String(person)] };
  const anyMemberAdds = ({ member_add_mode }) => member_add_mode === 'all_member_add';
  await change(wid, anyMemberAdds, what, (group) =>
    group.participants.push({ id: String(person), role: 'member' }),
  );
  return 200;
}

const names = (members) => members.map(({ id }) => String(served(id)));

export const removeParticipants = (chat, members) =>
  change(chat.id, never, { subtype: 'remove', recipients: names(members) }, (group) => {
    group.participants = group.participants.filter(({ id }) => !names(members).includes(id));
  });

export async function addParticipants(chat, members) {
  for (const { id } of members) await addOne(chat.id, id);
}

const setRole = (role, subtype) => (chat, members) =>
  change(chat.id, never, { subtype, recipients: names(members) }, (group) => {
    for (const member of group.participants) {
      if (names(members).includes(member.id) && member.role !== 'super_admin') member.role = role;
    }
  });
export const promoteParticipants = setRole('admin', 'promote');
export const demoteParticipants = setRole('member', 'demote');

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

export async function setGroupProperty(chatOrWid, property, value) {
  if (!PROPERTIES[property]) throw new ServerStatusCodeError(400);
  const wid = chatOrWid.groupMetadata ? chatOrWid.id : chatOrWid;
  const what = { subtype: NOTICE[property] ?? property, body: String(value) };
  await change(wid, never, what, (group) => PROPERTIES[property](group, value));
}

export async function sendExitGroup(chat) {
  const me = String(account.wid());
  await change(chat.id, always, { subtype: 'leave', recipients: [me] }, (group) => {
    group.participants = group.participants.filter(({ id }) => id !== me);
  });
}

/* ---- invitations ---- */

export async function fetchInviteCode(id) {
  const group = await recordOf(id);
  if (!isAdmin(myPart(group)?.role)) throw new ServerStatusCodeError(403);
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
const named = ({ addressing }, wid) =>
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

export async function joinGroupViaInvite(code) {
  const group = await invitedTo(code);
  const wid = createWid(group.id);
  const me = String(account.wid());
  if (group.membership_approval_mode) {
    group.requests.push({ id: me, method: 'InviteLink', t: unixTime() });
    const note = { by: me, what: { subtype: 'created_membership_requests', recipients: [me] } };
    await keep('group', wid, group, others(group), note);
    return { gid: wid, pendingApproval: true };
  }
  if (!memberOf(group, me)) group.participants.push({ id: me, role: 'member' });
  await keepAndShow(wid, group, [], { subtype: 'invite', recipients: [me] });
  return { gid: wid };
}

/* ---- who asks to be let in ---- */

export async function joinRequests(wid) {
  const group = await recordOf(wid);
  if (!isAdmin(myPart(group)?.role)) throw new ServerStatusCodeError(403);
  return group.requests.map(({ id, method, t, added_by }) => ({
    id: named(group, id),
    addedBy: named(group, added_by || id),
    requestMethod: method || 'InviteLink',
    t: t || group.creation,
  }));
}

async function answerJoinRequest(wid, person, approve) {
  const id = String(served(person));
  const group = await recordOf(wid);
  if (!group.requests.some((request) => request.id === id)) return 404;
  const what = { subtype: approve ? 'add' : 'revoked_membership_requests', recipients: [id] };
  await change(wid, never, what, (record) => {
    record.requests = record.requests.filter((request) => request.id !== id);
    if (approve) record.participants.push({ id, role: 'member' });
  });
  return 200;
}

/* ---- the same in the words of the protocol, which some libraries speak ---- */

const fromJid = (jid) => createWid(String(jid).replace('@s.whatsapp.net', '@c.us'));

export async function sendAddParticipantsRPC({ participantArgs, iqTo }) {
  const rows = [];
  try {
    for (const { participantJid } of participantArgs) {
      const code = await addOne(createWid(iqTo), fromJid(participantJid));
      const mixins = code === 200 ? null : { name: 'ParticipantError', value: { error: String(code) } };
      rows.push({
        addParticipantsParticipantAddedOrNonRegisteredWaUserParticipantErrorLidResponseMixinGroup: {
          value: { addParticipantsParticipantMixins: mixins },
        },
      });
    }
  } catch (error) {
    if (!error.statusCode) throw error;
    const errors = { value: { code: String(error.statusCode) } };
    return {
      name: 'AddParticipantsResponseClientError',
      value: { errorAddParticipantsClientErrors: errors },
    };
  }
  return { name: 'AddParticipantsResponseSuccess', value: { addParticipant: rows } };
}

export async function sendMembershipRequestsActionRPC({ iqTo, approveArgs, rejectArgs }) {
  const side = approveArgs
    ? ['membershipRequestsActionApprove', 'membershipRequestsActionAcceptParticipantMixins']
    : ['membershipRequestsActionReject', 'membershipRequestsActionRejectParticipantMixins'];
  const participant = [];
  for (const { participantJid } of (approveArgs || rejectArgs).participantArgs) {
    const code = await answerJoinRequest(createWid(iqTo), fromJid(participantJid), Boolean(approveArgs));
    participant.push({
      jid: participantJid,
      [side[1]]: code === 200 ? null : { value: { error: String(code) } },
    });
  }
  return { name: 'MembershipRequestsActionResponseSuccess', value: { [side[0]]: { participant } } };
}

/* What the page knows of a group, brought up to date. */
export async function refreshGroup(wid) {
  const group = await find('group', wid);
  if (group) applyGroup(group, null);
  return ChatStore.get(wid)?.groupMetadata;
}
