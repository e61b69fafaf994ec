/* Operations on groups through the page's own modules; their members are in participants.js. */

/* The page's name of each setting; all take 1 and 0. */
const GROUP_PROPERTY = {
  info_admins_only: 'restrict',
  messages_admins_only: 'announcement',
  members_add: 'member_add_mode',
  members_share_history: 'member_share_group_history_mode',
  join_approval: 'membership_approval_mode',
};

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
  await refreshed(chat);
  return chat;
}

/* After a change: what was done stays done, whatever becomes of the look at it. */
const lookedAt = (chat) => refreshed(chat).catch(() => {});

/* The model follows a moment after the answer, and says nothing where nothing has changed. */
const MODEL_FOLLOWS_MS = 250;

async function refreshed({ id, groupMetadata }) {
  const { participants } = groupMetadata;
  let follow = () => {};
  const followed = new Promise((done) => (follow = done));
  groupMetadata.on('change', follow);
  participants?.on?.('add remove', follow);
  try {
    await found.groupQuery.queryAndUpdateGroupMetadataById({ id });
    await Promise.race([followed, pause(MODEL_FOLLOWS_MS)]);
    /* All of what comes with the first change. */
    await pause(0);
  } finally {
    groupMetadata.off('change', follow);
    participants?.off?.('add remove', follow);
  }
}

/* From the server these are words, after an own change they are numbers. */
const isOn = (value, word) => value === word || value === true || value === 1;

const roleOf = ({ isAdmin, isSuperAdmin }) => (isSuperAdmin ? 'super_admin' : isAdmin ? 'admin' : 'member');

function memberRecord({ id, ...member }) {
  const text = idOf(id);
  return { id: text, phone: numberOf(text), lid: isLid(text) ? text : otherName(text), role: roleOf(member) };
}

const listed = (list) => list?.getModelsArray?.() ?? list ?? [];

/* Of a group's metadata, or of what the server says about an invitation. */
async function groupInfo(data, withMembers = true) {
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
    members_add: isOn(data.memberAddMode, 'all_member_add'),
    members_share_history: isOn(data.memberShareGroupHistoryMode, 'all_member_share'),
    join_approval: Boolean(data.membershipApprovalMode),
    participants: withMembers ? participants : [],
  };
}

async function createGroup(call, { subject, participants }) {
  const invited = [];
  for (const id of participants) {
    const place = await whereIs(id);
    if (!place) throw new Failure('not_on_whatsapp', 'a participant is not on WhatsApp');
    const number = numberOf(place);
    invited.push(number ? { phoneNumber: use('createWid')(number) } : { lid: use('createWid')(place) });
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
  const id = idOf(made.wid);
  const chat = present(id) ?? (await opened(id).catch(() => null));
  if (chat) await lookedAt(chat);
  const members = made.participants.filter(({ error }) => !error).map(({ wid }) => ({ id: wid }));
  const told = { id: made.wid, subject, owner: made.creator, creation: made.ts, participants: members };
  return groupInfo(chat?.groupMetadata ?? told);
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
    if (!without_participants && !listed(data.participants).length) {
      await need('groupQuery');
      await freshGroup(idOf(data.id));
    }
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
  return groupInfo(await found.groupQuery.queryGroupInvite(code));
}

async function joinGroup(call, { code }) {
  /* The page must know which answer to expect; it makes the request even if it is wrong about it. */
  const { id, membershipApprovalMode } = await found.groupQuery.queryGroupInvite(code);
  const byApproval = Boolean(membershipApprovalMode);
  call.hand();
  try {
    const { gid } = await found.invitations.joinGroupViaInvite(code, byApproval);
    return { id: idOf(gid), waiting: byApproval };
  } catch (error) {
    /* The group has changed its mind meanwhile: the request was made, and the answer was the other one. */
    if (nameOfError(error) !== 'UnexpectedJoinGroupViaInviteResponse') throw error;
    return { id: idOf(id), waiting: !byApproval };
  }
}

async function leaveGroup(call, { group }) {
  const chat = groupOf(group);
  call.hand();
  if ((await found.exitGroup(chat)) === false) throw new Failure('refused', 'WhatsApp did not let this account leave');
}

async function setGroupSubject(call, { group, subject }) {
  const chat = groupOf(group);
  if (chat.groupMetadata.restrict) asAdmin(chat);
  call.hand();
  await found.groupInfo.setGroupSubject(chat.id, subject);
}

async function setGroupDescription(call, { group, description }) {
  const chat = groupOf(group);
  if (chat.groupMetadata.restrict) asAdmin(chat);
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
  call.hand();
  answered(await found.groupProperty(chat, GROUP_PROPERTY[setting], on ? 1 : 0));
}

/* Some of the server's refusals are no error to the page, but an answer. */
function answered(answer) {
  if (/(Client|Server)Error/.test(answer?.name ?? '')) throw answerOf(answer);
}

/* As an error with the status that is somewhere in it. Where there is none, the name has to do. */
function answerOf({ name, value }) {
  const inside = Object.values(value ?? {}).map((one) => one?.value?.code);
  const status = [value?.errorCode, ...inside].map(Number).find((one) => one > 0);
  return { status: status ?? (/ServerError/.test(name) ? 500 : 403) };
}

const codeOf = (answer) => ({ code: String(answer?.code ?? answer) });

async function inviteCode(call, { group }) {
  asAdmin(groupOf(group));
  return codeOf(await found.inviteCode(group));
}

async function revokeInviteCode(call, { group }) {
  const chat = asAdmin(groupOf(group));
  call.hand();
  return codeOf(await found.invitations.resetGroupInviteCode(chat.id));
}
