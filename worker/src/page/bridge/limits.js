/* What WhatsApp restricts this account in: the lock on writing to people who never wrote to it (the reach-out timelock),
 * and its quota of new chats (capping). Owns reading both, when they are read again, and which refused sends they explain.
 * A page without these modules tells nothing of them, and sends as ever. */

/* For asking about what nobody outside has asked for. */
const LIMITS_ASK_MS = 3000;
/* Of a call's time, for what comes after that: whoever asks must have the answer. */
const LIMITS_SPARE_MS = 1500;
/* Without a word when it ends, the page takes a lock for so long. */
const UNTOLD_LOCK_MS = 60_000;
/* The server may be a moment behind its own word. */
const AFTER_END_MS = 1000;
/* Where it did not answer then, or the end is farther away than a timer reaches, it is looked at again after so long. */
const LOOK_AGAIN_MS = 60_000;
const LONGEST_TIMER_MS = 6 * 3600_000;

/* As they were read last; null while they are not known. */
const limits = { timelock: null, capping: null };

/* The server's numbers are texts: seconds. */
function momentOf(seconds) {
  const number = Number(seconds);
  return number > 0 && number < 1e11 ? Math.round(number * 1000) : null;
}
const wholeOf = (value) => {
  const number = Math.trunc(Number(value));
  return Number.isSafeInteger(number) ? number : 0;
};

const READ = {
  async timelock() {
    const { is_active, time_enforcement_ends, enforcement_type } = await found.fetchTimelock();
    const active = is_active === true;
    const until_ms = active ? (momentOf(time_enforcement_ends) ?? Date.now() + UNTOLD_LOCK_MS) : null;
    return { active, enforcement: textOf(enforcement_type) ?? 'DEFAULT', until_ms };
  },
  async capping() {
    const told = await found.fetchCapping();
    return {
      status: textOf(told.capping_status) ?? 'NONE',
      total: wholeOf(told.total_quota),
      used: wholeOf(told.used_quota),
      cycle_start_ms: momentOf(told.cycle_start_timestamp),
      cycle_end_ms: momentOf(told.cycle_end_timestamp),
      mv_status: textOf(told.mv_status) ?? '',
      ote_status: textOf(told.ote_status) ?? '',
    };
  },
};
const MEMBER_OF = { timelock: 'fetchTimelock', capping: 'fetchCapping' };

/* When what is known of it ends, while it means anything. */
const endOf = {
  timelock: (lock) => (lock?.active ? lock.until_ms : null),
  capping: (quota) => (quota && quota.status !== 'NONE' ? quota.cycle_end_ms : null),
};
const inForce = (what) => {
  const told = limits[what];
  const is = what === 'timelock' ? told?.active : told?.status === 'CAPPED';
  return Boolean(is) && (endOf[what](told) ?? Infinity) > Date.now();
};

async function readLimit(what) {
  limits[what] = await READ[what]();
  armLimit(what);
  tell();
  return limits[what];
}

/* The end of either is told by nobody: it is asked about then. */
const limitTimers = {};
function armLimit(what) {
  clearTimeout(limitTimers[what]);
  const end = endOf[what](limits[what]);
  if (end === null) return;
  const left = end + AFTER_END_MS - Date.now();
  const wait = left > 0 ? Math.min(left, LONGEST_TIMER_MS) : LOOK_AGAIN_MS;
  limitTimers[what] = setTimeout(() => {
    if (end > Date.now()) armLimit(what);
    else refreshLimit(what);
  }, wait);
}

/* Asks without being asked. Whatever comes of it, nothing else is the worse for it. */
async function refreshLimit(what) {
  const member = MEMBER_OF[what];
  found[member] ??= lookUp(RARE[member]);
  if (found[member] === undefined || phase() !== 'main') return armLimit(what);
  await readLimit(what).catch(() => armLimit(what));
}
function refreshLimits() {
  for (const what of Object.keys(limits)) refreshLimit(what);
}
completion.then(refreshLimits);

const getTimelock = () => readLimit('timelock');
const getCapping = () => readLimit('capping');

/* ---- sends ---- */

const restrictionBy = {
  timelock: () => ({ name: 'reachout_timelock', until_ms: endOf.timelock(limits.timelock) }),
  capping: () => ({ name: 'message_capping', until_ms: limits.capping?.cycle_end_ms ?? null }),
};
const RESTRICTED = {
  timelock: 'WhatsApp does not let this account write to people who never wrote to it',
  capping: 'WhatsApp lets this account begin no more new chats in this cycle',
};

/* Asks within a time, and makes do with what is known. */
async function isNowInForce(what, within_ms) {
  if (within_ms > 0) await Promise.race([refreshLimit(what), pause(Math.min(within_ms, LIMITS_ASK_MS))]);
  return inForce(what);
}
const timeLeft = (call) => call.ends_at - Date.now() - LIMITS_SPARE_MS;

/* Before a message is handed over: what the page's own screen does not let anybody send is not sent here either, since
 * each such message counts against the account. The page keeps a lock past its end, so that is asked about first. */
async function mayWrite(call, chat) {
  call.to = chat;
  found.lockRules ??= lookUp(RARE.lockRules);
  const rules = found.lockRules;
  if (!rules?.isUserReachoutTimelocked() || rules.canSendMsgWhileTimelocked({ chat, contact: chat.contact })) return;
  if (!inForce('timelock') && !(await isNowInForce('timelock', timeLeft(call)))) return;
  throw Object.assign(new Failure('refused', RESTRICTED.timelock), { restriction: restrictionBy.timelock() });
}

/* Whether this is somebody who never wrote: who did has given the account a token. */
const isStranger = (chat) => isPerson(idOf(chat.id)) && !isMe(chat.id) && chat.getTcToken?.() == null;

/* What a refusal of the server's is for. It names the quota; of the lock it says nothing, so it is asked. */
async function restrictionFor(call, failure) {
  if (!call.to || !isStranger(call.to)) return null;
  if (failure.code === CAPPED_CODE) {
    await isNowInForce('capping', timeLeft(call));
    return restrictionBy.capping();
  }
  return (await isNowInForce('timelock', timeLeft(call))) ? restrictionBy.timelock() : null;
}
