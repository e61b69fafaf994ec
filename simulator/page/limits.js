/* Owns what the page knows of the restrictions of its account: the lock on writing to people who never wrote (the
 * reach-out timelock), which it stores, and the quota of new chats, for which it only asks. What is refused for them is the
 * server's business. */

import { channel } from './channel.js';
import { Cmd } from './connection.js';
import * as database from './database.js';
import { ServerStatusCodeError, allow } from './records.js';

/* The page's key in its user preferences. */
export const REACHOUT_TIMELOCK_IDB_KEY = 'WAReachoutTimelockState';
/* Without a word when it ends, the page takes it for so long. */
const UNTOLD_MS = 60_000;

/* { id, state, time_enforcement_ends (ms), enforcement_type }, or null: stored until something tells that it is over. */
let stored = null;

export async function loadLimits() {
  stored = (await database.get('account', REACHOUT_TIMELOCK_IDB_KEY)) ?? null;
}

async function answered(what) {
  await allow(what);
  const answer = await channel.ask(what);
  if (!answer) throw new ServerStatusCodeError(500);
  return answer;
}

/* What the server says: its numbers are texts there. */
export async function mexFetchReachoutTimelock() {
  const { is_active, time_enforcement_ends, enforcement_type } = await answered('timelock');
  return { is_active, time_enforcement_ends, enforcement_type };
}
export const mexFetchNewChatMessageCapping = () => answered('capping');

/* Answers nothing: what it was told is stored. */
export async function fetchReachoutTimelock() {
  const { is_active, enforcement_type, time_enforcement_ends } = await mexFetchReachoutTimelock();
  await handleReachoutTimelockUpdate(is_active, enforcement_type, time_enforcement_ends);
}

export async function handleReachoutTimelockUpdate(active, type, ends) {
  if (active) {
    stored = {
      id: REACHOUT_TIMELOCK_IDB_KEY,
      state: stored?.state ?? 'hidden',
      time_enforcement_ends: ends == null ? Date.now() + UNTOLD_MS : Number(ends) * 1000,
      enforcement_type: type ?? 'DEFAULT',
    };
    database.put('account', stored);
  } else {
    stored = null;
    database.remove('account', REACHOUT_TIMELOCK_IDB_KEY);
  }
  await database.flush();
  Cmd.trigger('reachout_timelock_state_change');
}

/* Whether one is stored, also after its end. */
export const isUserReachoutTimelocked = () => stored !== null;
export const isUserReachoutTimelockedAndVisible = () => stored?.state === 'visible';

/* Whoever has written is written to as ever, and so is who is no person. */
export function canSendMsgWhileTimelocked({ chat, contact }) {
  if (!isUserReachoutTimelocked() || !contact.isUser || contact.isMe || contact.isEnterprise) return true;
  return chat?.getTcToken() != null;
}

export const onCapped = () => Cmd.trigger('new_chat_message_capping_state_change');

/* What the server tells by itself. */
export const limitReceivers = {
  timelock: ({ value }) =>
    handleReachoutTimelockUpdate(value.is_active, value.enforcement_type, value.time_enforcement_ends),
  async capping() {
    onCapped();
  },
};
