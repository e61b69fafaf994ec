/* Operations on the members of groups and on who wants to become one. Owns the reading of the server's answers about
 * each of them. */

const ADDED = 200;
const NOT_ON_WHATSAPP = 404;
const ALREADY_THERE = 409;
const UNKNOWN = 400;

/* One of somebody's two ids is the one under which the group knows it. */
function memberOf(chat, id) {
  const { participants } = chat.groupMetadata;
  const names = [id, otherName(id), known.get(id), otherName(known.get(id))].filter(Boolean);
  return names.map((name) => participants.get(use('createWid')(name))).find(Boolean);
}

const outcome = (id, code) => ({ id, done: code === ADDED, code: code === ADDED ? null : code });

/* By the name by which the group knows its members. */
const inGroup = (chat, id) =>
  Boolean(chat.groupMetadata.isLidAddressingMode) === isLid(id) ? id : (otherName(id) ?? id);

/* What the server says of one member of a change. */
async function outcomeOf(id, act) {
  const { participants } = await act();
  const code = Number(participants?.[0]?.code ?? participants?.[0]?.error ?? UNKNOWN);
  return outcome(id, code === 0 ? ADDED : code);
}

/* One after the other. What refuses the whole change refuses it as such only while nothing of it was done; after that it
 * is what became of this one. */
async function forEach(ids, act) {
  const outcomes = [];
  for (const id of ids) {
    try {
      outcomes.push(await act(id));
    } catch (error) {
      const status = statusOf(error);
      if (!status || !outcomes.some(({ done }) => done)) throw error;
      outcomes.push(outcome(id, status));
    }
  }
  return outcomes;
}

async function added(chat, id) {
  if (memberOf(chat, id)) return outcome(id, ALREADY_THERE);
  const place = await whereIs(meant(id));
  if (!place) return outcome(id, NOT_ON_WHATSAPP);
  const [number, lid] = isLid(place) ? [otherName(place), place] : [place, otherName(place)];
  const wid = (name) => (name ? use('createWid')(name) : undefined);
  return outcomeOf(id, () => found.members.addGroupParticipants(chat.id, [{ phoneNumber: wid(number), lid: wid(lid) }]));
}

const MEMBER_JOB = {
  remove: 'removeGroupParticipants',
  promote: 'promoteGroupParticipants',
  demote: 'demoteGroupParticipants',
};

async function changeParticipants(call, { group, change, participants }) {
  const chat = await freshGroup(group);
  const { groupMetadata } = chat;
  if (change !== 'add' || !isOn(groupMetadata.memberAddMode, 'all_member_add')) asAdmin(chat);
  const outcomes = await forEach(participants, (id) => {
    const member = memberOf(chat, id);
    if (change !== 'add' && !member) return outcome(id, NOT_ON_WHATSAPP);
    call.hand();
    if (change === 'add') return added(chat, id);
    return outcomeOf(id, () =>
      found.members[MEMBER_JOB[change]](chat.id, [member.id], Boolean(groupMetadata.isLidAddressingMode)),
    );
  });
  await lookedAt(chat);
  return outcomes;
}

async function listJoinRequests(call, { group }) {
  const chat = asAdmin(groupOf(group));
  /* The list is read from the page's database, which holds what was last asked for. */
  await found.askForJoinRequests(chat.id);
  return listed(await found.joinRequests(chat.id)).map(({ id, addedBy, parentGroupId, requestMethod, t }) => ({
    requester: idOf(id),
    phone: numberOf(idOf(id)),
    added_by: idOf(addedBy),
    parent_group: idOf(parentGroupId),
    method: textOf(requestMethod),
    timestamp_ms: toMs(t),
  }));
}

async function answerJoinRequests(call, { group, approve, requesters }) {
  const chat = asAdmin(groupOf(group));
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
  return forEach(requesters, async (id) => {
    const participantJid = found.toJid.widToUserJid(use('createWid')(inGroup(chat, id)));
    call.hand();
    const response = await found.answerJoinRequests({
      iqTo: found.toJid.widToGroupJid(chat.id),
      [side.send]: { participantArgs: [{ participantJid }] },
    });
    if (response.name !== 'MembershipRequestsActionResponseSuccess') throw answerOf(response);
    const row = response.value?.[side.answer]?.participant?.[0];
    return outcome(id, Number(row?.[side.mixin]?.value?.error ?? ADDED));
  });
}
