/* Operations on groups and their members through the page's own modules. Owns the reading of the server's answers
 * about single members. */

/* The page's name of each setting; all take 1 and 0. */
const GROUP_PROPERTY = {
  info_admins_only: 'restrict',
  messages_admins_only: 'announcement',
  members_add: 'member_add_mode',
  members_share_history: 'member_share_group_history_mode',
  join_approval: 'membership_approval_mode',
};

const ADDED = 200;
const NOT_ON_WHATSAPP = 404;
const ALREADY_THERE = 409;
const UNKNOWN = 400;

function groupOf(id) {
  if (!id.endsWith('@g.us')) throw new Failure('invalid_argument', 'a group is meant, and this is none');
  const chat = present(id);
  if (!chat?.groupMetadata) throw new Failure('not_found', 'no such group');
  return chat;
}

function asAdmin(chat) {
  if (chat.groupMetadata.participants?.iAmAdmin?.() === false) {
    throw new Failure('forbidden', 'this account is no admin of the group');
  }
  return chat;
}

async function freshGroup(id) {
  const chat = groupOf(id);
  await need('groupQuery');
  await found.groupQuery.queryAndUpdateGroupMetadataById({ id });
  return chat;
}

const roleOf = ({ isAdmin, isSuperAdmin }) => (isSuperAdmin ? 'super_admin' : isAdmin ? 'admin' : 'member');

function memberRecord({ id, ...member }) {
  const text = idOf(id);
  const phone = text.endsWith('@lid') ? idOf(found.lids.getPhoneNumber(id)) : text;
  return { id: text, phone, role: roleOf(member) };
}

const listed = (list) => list?.getModelsArray?.() ?? list ?? [];

/* Of a group's metadata, or of what the server says about an invitation. */
async function groupInfo(data, withMembers = true) {
  await need('lids');
  const participants = listed(data.participants).map(({ id, isAdmin, isSuperAdmin }) =>
    memberRecord({ id, isAdmin, isSuperAdmin }),
  );
  return {
    id: idOf(data.id),
    subject: textOf(data.subject) ?? '',
    description: textOf(data.desc),
    owner: idOf(data.owner),
    created_ms: toMs(data.creation),
    size: participants.length || data.size || 0,
    info_admins_only: Boolean(data.restrict),
    messages_admins_only: Boolean(data.announce),
    members_add: data.memberAddMode === 'all_member_add' || data.memberAddMode === true,
    members_share_history:
      data.memberShareGroupHistoryMode === 'all_member_share' || data.memberShareGroupHistoryMode === true,
    join_approval: Boolean(data.membershipApprovalMode),
    participants: withMembers ? participants : [],
  };
}

async function createGroup(call, { subject, participants }) {
  await need('createGroup', 'lids', 'groupQuery');
  const invited = [];
  for (const id of participants) {
    const place = await whereIs(id);
    if (!place) throw new Failure('not_on_whatsapp', 'a participant is not on WhatsApp');
    const wid = use('createWid')(place);
    const phoneNumber = place.endsWith('@lid') ? found.lids.getPhoneNumber(wid) : wid;
    invited.push(phoneNumber ? { phoneNumber } : { lid: wid });
  }
  call.hand();
  const made = await found.createGroup(
    {
      title: subject,
      addressingModeOverride: 'lid',
      memberAddMode: false,
      membershipApprovalMode: false,
      announce: false,
      restrict: false,
      ephemeralDuration: 0,
      parentGroupId: undefined,
    },
    invited,
  );
  const id = idOf(made.wid ?? made.gid);
  const chat = present(id) ?? (await use('findChat')(use('createWid')(id)))?.chat;
  await found.groupQuery.queryAndUpdateGroupMetadataById({ id });
  return groupInfo(chat.groupMetadata);
}

async function listGroupsByPage(call, { limit, offset = 0, by_subject, descending, without_participants }) {
  const direction = descending ? -1 : 1;
  const key = (data) => (by_subject ? (textOf(data.subject) ?? '').toLocaleLowerCase() : idOf(data.id));
  const groups = use('chats')
    .getModelsArray()
    .filter((chat) => isGroupId(chat.id) && chat.groupMetadata)
    .map((chat) => chat.groupMetadata)
    .sort((a, b) => direction * compare(key(a), key(b)));
  const page = groups.slice(offset, limit == null ? undefined : offset + limit);
  const records = [];
  for (const data of page) {
    call.check();
    if (!without_participants && !listed(data.participants).length) await freshGroup(idOf(data.id));
    records.push(await groupInfo(data, !without_participants));
  }
  return records;
}

const countGroups = async () => ({
  count: use('chats')
    .getModelsArray()
    .filter((chat) => isGroupId(chat.id)).length,
});

async function refreshGroups(call) {
  for (const chat of use('chats')
    .getModelsArray()
    .filter(({ id, groupMetadata }) => isGroupId(id) && groupMetadata)) {
    call.check();
    await freshGroup(idOf(chat.id));
  }
}

const getGroup = async (call, { group }) => groupInfo((await freshGroup(group)).groupMetadata);

async function inviteInfo(call, { code }) {
  await need('groupQuery');
  return groupInfo(await found.groupQuery.queryGroupInvite(code));
}

async function joinGroup(call, { code }) {
  await need('joinByInvite');
  call.hand();
  const { gid } = await found.joinByInvite(code);
  return { id: idOf(gid) };
}

async function leaveGroup(call, { group }) {
  const chat = groupOf(group);
  await need('exitGroup');
  call.hand();
  await found.exitGroup(chat);
}

async function setGroupSubject(call, { group, subject }) {
  const chat = groupOf(group);
  if (chat.groupMetadata.restrict) asAdmin(chat);
  await need('groupInfo');
  call.hand();
  await found.groupInfo.setGroupSubject(chat.id, subject);
}

async function setGroupDescription(call, { group, description }) {
  const chat = groupOf(group);
  if (chat.groupMetadata.restrict) asAdmin(chat);
  await need('groupInfo');
  const id = await use('MessageKey').newId();
  call.hand();
  await found.groupInfo.setGroupDescription(chat.id, description, id, chat.groupMetadata.descId);
}

async function setGroupPicture(call, { group, mimetype }) {
  const chat = groupOf(group);
  if (chat.groupMetadata.restrict) asAdmin(chat);
  await setPicture(call, chat.id, mimetype);
}

async function setGroupSetting(call, { group, setting, on }) {
  const chat = asAdmin(groupOf(group));
  await need('groupProperty');
  call.hand();
  await found.groupProperty(chat, GROUP_PROPERTY[setting], on ? 1 : 0);
}

const codeOf = (answer) => ({ code: String(answer?.code ?? answer) });

async function inviteCode(call, { group }) {
  asAdmin(groupOf(group));
  await need('inviteCode');
  return codeOf(await found.inviteCode(group));
}

async function revokeInviteCode(call, { group }) {
  const chat = asAdmin(groupOf(group));
  await need('groupQuery');
  call.hand();
  return codeOf(await found.groupQuery.resetGroupInviteCode(chat.id));
}

/* ---- members ---- */

/* One of somebody's two ids is the one under which the group knows it. */
function memberOf(chat, id) {
  const wid = use('createWid')(id);
  const other = id.endsWith('@lid') ? found.lids.getPhoneNumber(wid) : found.lids.getCurrentLid(wid);
  const { participants } = chat.groupMetadata;
  return participants.get(wid) ?? (other ? participants.get(other) : undefined);
}

async function added(chat, id) {
  const wid = use('createWid')(id);
  if (memberOf(chat, id)) return ALREADY_THERE;
  if (!(await whereIs(id))) return NOT_ON_WHATSAPP;
  const answer = await found.addMembers({
    participantArgs: [{ participantJid: found.toJid.widToUserJid(wid) }],
    iqTo: found.toJid.widToGroupJid(chat.id),
  });
  if (answer.name === 'AddParticipantsResponseSuccess') {
    const row = answer.value.addParticipant?.[0];
    const mixin = row?.addParticipantsParticipantAddedOrNonRegisteredWaUserParticipantErrorLidResponseMixinGroup;
    return Number(mixin?.value?.addParticipantsParticipantMixins?.value?.error ?? ADDED);
  }
  const refusal = answer.value?.errorAddParticipantsClientErrors?.value ?? answer.value?.errorServerErrors?.value;
  return Number(refusal?.code ?? UNKNOWN);
}

const outcome = (id, code) => ({ id, done: code === ADDED, code: code === ADDED ? null : code });

const MEMBER_ACTION = { remove: 'removeParticipants', promote: 'promoteParticipants', demote: 'demoteParticipants' };

async function changeParticipants(call, { group, change, participants }) {
  const chat = await freshGroup(group);
  if (change !== 'add' || chat.groupMetadata.memberAddMode !== 'all_member_add') asAdmin(chat);
  await need('lids', 'members', ...(change === 'add' ? ['addMembers', 'toJid'] : []));
  const outcomes = [];
  if (change === 'add') {
    for (const id of participants) {
      call.hand();
      outcomes.push(outcome(id, await added(chat, id)));
    }
    return outcomes;
  }
  const members = participants.map((id) => memberOf(chat, id));
  const there = members.filter(Boolean);
  if (there.length) {
    call.hand();
    await found.members[MEMBER_ACTION[change]](chat, there);
  }
  return participants.map((id, index) => outcome(id, members[index] ? ADDED : NOT_ON_WHATSAPP));
}

async function listJoinRequests(call, { group }) {
  const chat = asAdmin(groupOf(group));
  await need('joinRequests', 'lids');
  return listed(await found.joinRequests(chat.id)).map(({ id, addedBy, parentGroupId, requestMethod, t }) => ({
    requester: idOf(id),
    phone: idOf(id)?.endsWith('@lid') ? idOf(found.lids.getPhoneNumber(id)) : idOf(id),
    added_by: idOf(addedBy),
    parent_group: idOf(parentGroupId),
    method: textOf(requestMethod),
    timestamp_ms: toMs(t),
  }));
}

async function answerJoinRequests(call, { group, approve, requesters }) {
  const chat = asAdmin(groupOf(group));
  await need('answerJoinRequests', 'toJid');
  const side = approve
    ? {
        send: 'approveArgs',
        answer: 'membershipRequestsActionApprove',
        mixin: 'membershipRequestsActionAcceptParticipantMixins',
      }
    : {
        send: 'rejectArgs',
        answer: 'membershipRequestsActionReject',
        mixin: 'membershipRequestsActionRejectParticipantMixins',
      };
  const outcomes = [];
  for (const id of requesters) {
    const participantJid = found.toJid.widToUserJid(use('createWid')(id));
    call.hand();
    const response = await found.answerJoinRequests({
      iqTo: found.toJid.widToGroupJid(chat.id),
      [side.send]: { participantArgs: [{ participantJid }] },
    });
    const row = response.value?.[side.answer]?.participant?.[0];
    const done = response.name === 'MembershipRequestsActionResponseSuccess';
    outcomes.push(outcome(id, done ? Number(row?.[side.mixin]?.value?.error ?? ADDED) : UNKNOWN));
  }
  return outcomes;
}
