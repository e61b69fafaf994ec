/* Owns what is put on messages beside their text: stars, pins, votes in polls, and the reactions that were given.
 * The phone sees stars as records, everything else as rows of what was sent. */

import { account } from './account.js';
import { tellAbout } from './delivering.js';
import { storeMessage } from './history.js';
import { createWid, MsgKey } from './ids.js';
import { meIn } from './groups.js';
import { Collection, Model } from './models.js';
import { allow, keep, own } from './records.js';

/* ---- stars ---- */

export async function sendStarMsgs(chat, messages, star) {
  await allow('star');
  for (const message of messages) {
    await keep('star', own(message.id), star ? { id: String(message.id) } : null);
    message.star = star;
    storeMessage(message);
  }
}

/* ---- pins ---- */

const PIN_SECONDS = { OneDay: 86_400, SevenDays: 604_800, ThirtyDays: 2_592_000 };

/* Libraries replace the function, so it is called through the object. */
export const pinConstants = {
  PinExpiryDurationOption: Object.fromEntries(Object.keys(PIN_SECONDS).map((name) => [name, name])),
  PIN_STATE: { PIN: 1, UNPIN: 2 },
  getPinExpiryDuration: (option) => PIN_SECONDS[option],
};

class PinModel extends Model {
  static props = ['id', 'parentMsgKey', 'chatId', 'pinType', 'sender'];
}
class PinInChatCollectionImpl extends Collection {
  getByParentMsgKey(key) {
    return this.get(key);
  }
}
export const PinInChat = new PinInChatCollectionImpl(PinModel);
export const pinTable = {
  async equals(fields, chatId) {
    return PinInChat.filter((pin) => pin.chatId === String(chatId)).map((pin) => pin.serialize());
  },
};

export async function sendPinInChatMsg(message, type, option) {
  const { PIN, UNPIN } = pinConstants.PIN_STATE;
  if (type !== PIN && type !== UNPIN) return null;
  const seconds = type === PIN ? pinConstants.getPinExpiryDuration(option) : undefined;
  if (type === PIN && !seconds) throw new Error(`sendPinInChatMsg: how long is ${option}?`);
  const { ok } = await tellAbout(message, type === PIN ? 'pin' : 'unpin', { seconds });
  if (!ok) throw new Error('Pin send error');
  const parentMsgKey = String(message.id);
  PinInChat.add({ id: parentMsgKey, parentMsgKey, chatId: String(message.id.remote), pinType: type });
  return { messageSendResult: 'OK' };
}

/* ---- polls ---- */

/* Decrypted votes, as the page holds them: a changed vote is added before the old one goes. */
class PollVoteModel extends Model {
  static props = ['id', 'msgKey', 'parentMsgKey', 'sender', 'selectedOptionLocalIds', 'senderTimestampMs', 't', 'ack', 'read'];
}
export const PollVotes = new Collection(PollVoteModel);

const votes = new Map();
export const voteTable = {
  async equals(fields, parentMsgKey) {
    return [...votes.values()].filter((vote) => vote.parentMsgKey === String(parentMsgKey));
  },
  async anyOf(fields, keys) {
    return [...votes.values()].filter((vote) => keys.map(String).includes(vote.parentMsgKey));
  },
};

/* Libraries wrap this to hear of votes. */
export const pollVoteTableMode = {
  async bulkUpsert(rows) {
    for (const row of rows) {
      const place = `${row.parentMsgKey}/${row.sender}`;
      const before = votes.get(place);
      votes.set(place, row);
      PollVotes.add({
        id: row.msgKey,
        msgKey: row.id,
        parentMsgKey: row.pollUpdateParentKey,
        sender: row.from,
        selectedOptionLocalIds: row.selectedOptionLocalIds,
        senderTimestampMs: row.senderTimestampMs,
        t: Math.floor(row.senderTimestampMs / 1000),
        ack: 1,
        read: false,
      });
      if (before) PollVotes.remove(before.msgKey);
    }
  },
};

function voteOf(message, sender, names, { key, ms }) {
  const selectedOptionLocalIds = message.pollOptions
    .filter(({ name }) => names.includes(name))
    .map(({ localId }) => localId);
  const fromMe = account.isMe(sender);
  const participant = message.id.remote.isGroup() ? sender : undefined;
  return {
    id: new MsgKey({ fromMe, remote: message.id.remote, id: key, participant }),
    msgKey: String(new MsgKey({ fromMe, remote: message.id.remote, id: key, participant })),
    parentMsgKey: String(message.id),
    pollUpdateParentKey: message.id,
    selectedOptionLocalIds,
    from: sender,
    author: sender,
    t: ms,
    sender: String(sender),
    senderUserJid: String(sender),
    senderTimestampMs: ms,
    stanzaId: key,
  };
}

export async function sendVote(message, localIds) {
  const names = message.pollOptions.filter(({ localId }) => localIds.has(localId)).map(({ name }) => name);
  if (!(await tellAbout(message, 'poll_vote', { choices: names })).ok) throw new Error('Vote send error');
  const times = { key: await MsgKey.newId(), ms: Date.now() };
  await pollVoteTableMode.bulkUpsert([voteOf(message, meIn(message.chat), names, times)]);
}

export const receiveVote = (message, { from, choices, key, timestamp_ms }) =>
  pollVoteTableMode.bulkUpsert([voteOf(message, createWid(from), choices, { key, ms: timestamp_ms })]);

/* ---- reactions ---- */

class ReactionsModel extends Model {
  static props = ['id', 'reactions'];
}
class AggregateModel extends Model {
  static props = ['id', 'aggregateEmoji', 'senders', 'hasReactionByMe'];
}
class SenderModel extends Model {
  static props = ['id', 'reactionText', 'senderUserJid', 'timestamp', 'msgKey', 'parentMsgKey'];
}

class ReactionsCollectionImpl extends Collection {
  async find(id) {
    return this.get(id) || this.add({ id, reactions: new Collection(AggregateModel) });
  }
}
export const Reactions = new ReactionsCollectionImpl(ReactionsModel);

/* One per sender; an empty one takes it back. */
export async function noteReaction(message, { senderUserJid, reactionText, reactionTimestamp, msgKey }) {
  const { reactions } = await Reactions.find(message.id);
  for (const group of reactions.toArray()) {
    group.senders.remove(senderUserJid);
    if (!group.senders.length) reactions.remove(group.id);
  }
  if (reactionText) {
    const group =
      reactions.get(reactionText) ||
      reactions.add({ id: reactionText, aggregateEmoji: reactionText, senders: new Collection(SenderModel) });
    group.senders.add({
      id: senderUserJid,
      senderUserJid,
      reactionText,
      timestamp: reactionTimestamp,
      msgKey,
      parentMsgKey: String(message.id),
    });
    group.hasReactionByMe = group.senders.some((one) => account.isMe(createWid(one.senderUserJid)));
  }
  message.hasReaction = reactions.length > 0;
  storeMessage(message);
}
