/* Owns who asks to be let into a group, and the words of the protocol in which some libraries add people and answer
 * such requests. */

import { createWid } from './ids.js';
import { served } from './lids.js';
import { addOne, change, isAdmin, myPart, named, never, recordOf } from './membership.js';
import { allow, isRefused, ServerStatusCodeError } from './records.js';

/* What the page's database holds, which is what was last asked for. */
const requestsOf = new Map();
export const joinRequests = async (wid) => requestsOf.get(String(wid)) ?? [];

export async function refreshJoinRequests(wid) {
  const group = await recordOf(wid);
  if (!isAdmin(myPart(group)?.role)) throw new ServerStatusCodeError(403);
  await allow('join_requests');
  const requests = group.requests.map(({ id, method, t, added_by }) => ({
    id: named(group, id),
    addedBy: named(group, added_by || id),
    requestMethod: method || 'InviteLink',
    t: t || group.creation,
  }));
  requestsOf.set(String(wid), requests);
}

async function answerJoinRequest(wid, person, approve) {
  const refusal = await isRefused('answer_join_request');
  if (refusal) return refusal;
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
      const name = code === 403 ? 'ParticipantRequestCodeCanBeSent' : 'ParticipantError';
      const mixins = code === 200 ? null : { name, value: { error: String(code) } };
      rows.push({
        addParticipantsParticipantAddedOrNonRegisteredWaUserParticipantErrorLidResponseMixinGroup: {
          name: 'ParticipantAddedOrNonRegisteredWaUserParticipantErrorLidResponse',
          value: { jid: participantJid, addParticipantsParticipantMixins: mixins },
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
