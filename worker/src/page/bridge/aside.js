/* What happens beside the messages: reactions, presences, changes of groups, calls. Owns the mapping of the page's
 * words to ours, and the watching of what other files map. Every member is optional: a page without one of them tells the rest, and nothing is degraded. */

const happened = (event, fields) => emit('happened', { what: { event, ...fields } });

/* A group with more members is told without their names. */
const MOST_MEMBERS = 1500;

/* ---- reactions ---- */

/* Where the phone is linked in this very document, its history comes in with all reactions of old. */
let linkedMs = 0;

function isHistory(timestamp_ms) {
  if (linkedHere()) linkedMs ||= Date.now() - 60_000;
  return timestamp_ms < linkedMs;
}

/* What was given here and not by the phone, until the page tells of it: by message. */
const reactedHere = new Map();

function onReactions(rows) {
  for (const row of rows) {
    const timestamp_ms = Math.round(Number(row.reactionTimestamp ?? row.t)) || Date.now();
    if (isHistory(timestamp_ms)) continue;
    const { id } = row;
    const message = idOf(row.reactionParentKey ?? row.parentMsgKey);
    const from_me = Boolean(id?.fromMe ?? String(id).startsWith('true_'));
    const sender = idOf(row.author ?? row.from ?? row.senderUserJid ?? (from_me ? myself : null));
    const chat = idOf(id?.remote) ?? String(message).split('_')[1];
    if (!message || !sender || !chat) continue;
    const text = String(row.reactionText ?? '');
    const by_api = from_me && reactedHere.get(message) === text;
    if (by_api) reactedHere.delete(message);
    happened('reaction', { id: idOf(id), message, chat, sender, from_me, by_api, text, timestamp_ms });
  }
}

/* The page has no event for it: the function that stores reactions is wrapped, and does what it did. */
function watchReactions(table) {
  const store = table.bulkUpsert;
  table.bulkUpsert = function (...args) {
    try {
      if (Array.isArray(args[0])) onReactions(args[0]);
    } catch {
      /* A row of another shape than today's is no reason to keep the page from storing it. */
    }
    return store.apply(this, args);
  };
}

/* ---- presences ---- */

function onPresence(chatstate) {
  const has = ({ chatstate: own, chatstates }) => own === chatstate || chatstates?.get?.(chatstate.id) === chatstate;
  const presence = found.presenceStore.getModelsArray().find(has);
  if (!presence) return;
  const who = isGroupId(presence.id) ? idOf(chatstate.id) : idOf(presence.id);
  const record = presenceRecords(presence).find(({ participant }) => participant === who);
  if (record) happened('presence', { chat: idOf(presence.id), ...record, at_ms: Date.now() });
}

/* ---- groups ---- */

const GROUP_CHANGES = {
  add: 'join',
  create: 'join',
  invite: 'join',
  linked_group_join: 'join',
  remove: 'leave',
  leave: 'leave',
  promote: 'promote',
  demote: 'demote',
};
/* What changes nothing about the group. */
const NO_CHANGES = /membership_request|membership_approval_request|change_number|modify/;

async function announceChange(model) {
  const { subtype } = model;
  if (!subtype || NO_CHANGES.test(subtype)) return;
  const change = GROUP_CHANGES[subtype] ?? 'update';
  const group = idOf(model.id.remote);
  const author = idOf(model.author);
  let participants = [...(model.recipients ?? [])].map(idOf);
  if (participants.length === 0 && subtype === 'leave' && author) participants = [author];
  const mine = [myself, await found.meLid?.()].map(idOf);
  const concerns_me = subtype === 'create' || participants.some((id) => mine.includes(id));
  const metadata = found.chats?.get(model.id.remote)?.groupMetadata;
  const comes = change === 'join' && concerns_me;
  const members = comes ? (metadata?.participants?.getModelsArray?.() ?? []).slice(0, MOST_MEMBERS) : [];
  happened('group', {
    id: idOf(model.id),
    group,
    change: change === 'update' || participants.length ? change : 'update',
    author,
    participants: change === 'update' ? [] : participants,
    concerns_me,
    subject: subtype === 'subject' ? textOf(model.body) : comes ? textOf(metadata?.subject) : null,
    description: subtype === 'description' ? textOf(model.body) : comes ? textOf(metadata?.desc) : null,
    settings: comes && metadata ? rulesOf(metadata) : null,
    members: members.map((member) => ({ id: idOf(member.id), role: roleOf(member) })),
    timestamp_ms: toMs(model.t),
  });
}

function rulesOf({ memberAddMode, announce: onlyAdmins, membershipApprovalMode }) {
  return {
    members_can_add: memberAddMode !== 'admin_add' && memberAddMode !== false,
    members_can_send: !onlyAdmins,
    approval_required: Boolean(membershipApprovalMode),
  };
}

/* ---- calls ---- */

const TAKEN = new Set(['ACTIVE', 'CONNECTING', 'HANDLED_REMOTELY', 'REMOTE_CALL_IN_PROGRESS', 'AcceptSent', 'CallActive']);
const OVER = new Set(['ENDED', 'REJECTED', 'NOT_ANSWERED', 'FAILED', 'REJECTED_BUSY', 'Rejected', 'CallEnding']);
/* How far each call that is under way was told. */
const callsToldOf = new Map();

function tellCall(call, state) {
  const from = idOf(call.peerJid);
  const timestamp_ms = Number(call.offerTime) > 0 ? toMs(call.offerTime) : Date.now();
  const [is_video, is_group] = [Boolean(call.isVideo), Boolean(call.isGroup)];
  happened('call', { id: String(call.id), from, state, is_video, is_group, timestamp_ms });
}

function onCall(call) {
  if (!call?.id || call.outgoing) return;
  const id = String(call.id);
  const state = isFunction(call.getState) ? call.getState() : call.state;
  if (!callsToldOf.has(id) && !OVER.has(state)) {
    callsToldOf.set(id, 'received');
    tellCall(call, 'received');
  }
  if (callsToldOf.get(id) === 'received' && TAKEN.has(state)) {
    callsToldOf.set(id, 'accepted');
    tellCall(call, 'accepted');
  }
  if (callsToldOf.has(id) && OVER.has(state)) {
    if (callsToldOf.get(id) === 'received') tellCall(call, 'rejected');
    callsToldOf.delete(id);
  }
}

/* Where the collection itself tells nothing, the map inside it is watched. What was put in is looked at when the page
 * has finished putting it together. */
function watchCalls(collection) {
  for (const name of ['add', 'change', 'change:state']) collection.on(name, onCall);
  const inside = Object.values(collection).find((value) => value instanceof Map);
  if (!inside) return;
  const { set } = inside;
  inside.set = function (key, call) {
    queueMicrotask(() => onCall(call));
    return set.call(this, key, call);
  };
}

/* ---- all of it ---- */

Object.assign(whenFound, {
  reactionTable: watchReactions,
  presenceStore: (collection) => collection.on('change:chatstate.type', onPresence),
  callStore: watchCalls,
  voteStore: watchVotes,
  groupReceipts: watchGroupReceipts,
});
