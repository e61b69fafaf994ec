/* What people do with a message and no message tells: votes in polls, and the receipts of single members of a group.
 * Owns the mapping of the page's words to ours. Both members are optional, as in aside.js. */

/* The page shows old votes like new ones whenever it loads a poll. What the journal recognises is told again without
 * harm; what is older than that is no news. */
const VOTES_MS = 29 * 24 * 3600 * 1000;

async function onVote(model) {
  /* Votes may come before the messages, and before it is known whether the phone was linked here. */
  while (!settled) await pause(SLOW_TICK_MS);
  const timestamp_ms = Math.round(Number(model?.senderTimestampMs ?? model?.t)) || 0;
  if (isHistory(timestamp_ms) || timestamp_ms < Date.now() - VOTES_MS) return;
  const [id, poll, sender] = [model.msgKey, model.parentMsgKey, model.sender].map(idOf);
  if (!id || !poll || !sender) return;
  const message = found.messages.get(poll) ?? (await found.messages.getMessagesById?.([poll]))?.messages?.[0];
  /* Without the poll nobody can say what was chosen, and no choice means that a vote was taken back. */
  if (!message?.pollOptions) return;
  const chosen = [...(model.selectedOptionLocalIds ?? [])];
  const options = message.pollOptions.filter(({ localId }) => chosen.includes(localId)).map(({ name }) => String(name));
  const chat = idOf(message.id.remote);
  happened('poll_vote', { id, poll: idOf(message.id), chat, sender, from_me: id.startsWith('true_'), options, timestamp_ms, other_names: otherNames(chat, sender) });
}

function watchVotes(collection) {
  collection.on('add', onVote);
  collection.getModelsArray().forEach(onVote);
}

/* A member of a group has received, read or played what was sent here. */
function onGroupReceipt({ ack, from, participant, externalIds }) {
  if (!participant || !isGroupId(from) || !(Number(ack) >= 2)) return;
  const sent = found.chats?.get(from)?.msgs?.getModelsArray() ?? [];
  for (const part of externalIds ?? []) {
    const message = sent.findLast(({ id }) => id.fromMe && id.id === part);
    const who = idOf(participant);
    if (!message) continue;
    const other_names = otherNames(who, idOf(message.id.participant));
    happened('group_ack', { message: idOf(message.id), participant: who, ack: Number(ack), other_names });
  }
}

/* The message's own ack says how far it went with everyone; for each single one this function is called. */
function watchGroupReceipts(receipts) {
  const handle = receipts.handleGroupSimpleReceipt;
  receipts.handleGroupSimpleReceipt = function (...args) {
    try {
      onGroupReceipt(args[0]);
    } catch {
      /* A receipt of another shape than today's is no reason to keep the page from it. */
    }
    return handle.apply(this, args);
  };
}
