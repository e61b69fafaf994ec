/* What the page has stored and nobody was told: before this document there was another one, and another worker, which
 * may have stood still or died over it. Owns how far back it looks, and that what comes meanwhile waits, so that each
 * chat is told in its order. Whoever receives it knows by the ids what was told already.
 *
 * The page keeps the newest messages of a chat in memory, twenty or one; those before them it reads when it is asked. */

/* The worker knows how far the page was heard. One that does not answer is asked again. */
const ASK_MS = 2000;
/* How long one page of a chat may take to be read, and all of them. */
const LOAD_MS = 20_000;
const CATCH_UP_MS = 120_000;
/* "No earlier ones" is final only where the page says so, too; else it is asked again so many times. */
const EMPTY_MOST = 3;
/* More of one chat than this are not read: the page would not have the memory. */
const STORED_MOST = 5000;
/* When what waits at the server has surely come, although the page does not say so. */
const ALL_HERE_MS = 60_000;

/* { from, chats: { chat: [id, t] } }, in seconds; null when nobody knows of anything. */
let marks;
let giveMarks = () => {};
let caughtUp = false;
let held = [];

/* New ones wait until the older ones are told. */
function listen(model) {
  if (caughtUp || linkedHere()) hear(model);
  else held.push(model);
}

/* Whether everything that the page has was told. */
const isHeard = () => caughtUp && (!comesLate || Date.now() - movedAt > ALL_HERE_MS);

const within = (ms, work) =>
  Promise.race([
    work,
    pause(ms).then(() => {
      throw new Failure('refused', 'no answer in time');
    }),
  ]);

function markOf(chat) {
  const id = idOf(chat.id);
  const [message, t] = marks.chats[id] ?? marks.chats[otherName(id)] ?? [null, Infinity];
  return { message, t };
}

const timed = (models) => byTime(models.filter(({ t }) => Number(t) > 0));

function isBehind(model, mark) {
  return Number(model.t) >= marks.from || Number(model.t) > mark.t;
}

/* Whether the page has to read more of this chat. One that is not in memory at all has a time of its own. */
function goesFurtherBack(chat, mark) {
  const [oldest] = timed(chat.msgs?.getModelsArray() ?? []);
  return isBehind(oldest ?? { t: chat.t }, mark);
}

/* Reads until what was told is reached. Says why it could not. */
async function readBack(chat, mark, until) {
  for (let empty = 0; goesFurtherBack(chat, mark); ) {
    if (chat.msgs.getModelsArray().length >= STORED_MOST) return 'too_many';
    const left = Math.min(LOAD_MS, until - Date.now());
    if (left <= 0) return 'not_loaded';
    try {
      const earlier = await within(left, use('loadEarlier')({ chat }));
      if (earlier?.length) {
        empty = 0;
        continue;
      }
    } catch {
      return 'not_loaded';
    }
    empty += 1;
    if (chat.msgs.msgLoadState?.noEarlierMsgs ?? true) return 'not_stored';
    if (empty >= EMPTY_MOST) return 'not_stored';
    await pause(SLOW_TICK_MS);
  }
  return null;
}

/* How many more than it has the page itself counts as unread. */
function lackingIn(chat) {
  const theirs = chat.msgs.getModelsArray().filter((model) => !model.id?.fromMe && isMessage(model));
  return Math.max(0, (chat.unreadCount || 0) - theirs.length);
}

/* What could not be had is told, too. The end of what is stored is none, unless the page knows of more. */
function tellMissed(chat, mark, reason) {
  const count = lackingIn(chat);
  if (reason === 'not_stored' && count === 0) return;
  const [oldest] = timed(chat.msgs.getModelsArray());
  const id = idOf(chat.id);
  happened('missed', {
    chat: id,
    count: count || null,
    since_ms: toMs(Math.min(mark.t, marks.from)),
    until_ms: oldest ? toMs(oldest.t) : Date.now(),
    reason,
    other_names: otherNames(id),
  });
}

/* What was sent from a browser has an id like this. Which browser it was, nobody knows any more. */
const isFromBrowser = ({ id }) => id.fromMe && String(id.id).startsWith('3EB0');

/* A send that was under way when the worker died is told by its outcome. */
const isSettled = ({ id, ack }) => !id.fromMe || ack >= 1;

function tellBehind(model) {
  if (announced.has(model) || !isSettled(model)) return;
  if (model.type === 'revoked') {
    announced.set(model, null);
    onType(model);
    return;
  }
  if (isFromBrowser(model)) sentHere.add(model);
  hear(model);
}

async function tellWhatIsBehind() {
  const until = Date.now() + CATCH_UP_MS;
  if (found.loadEarlier === undefined) await untilComplete().catch(() => {});
  const behind = [];
  const missed = [];
  for (const chat of found.chats?.getModelsArray() ?? []) {
    const mark = markOf(chat);
    if (!chat.msgs) continue;
    const is = (model) => Boolean(model.id) && !model.isMdHistoryMsg && idOf(model.id) !== mark.message && isBehind(model, mark);
    const any = chat.msgs.getModelsArray().some(is) || goesFurtherBack(chat, mark);
    if (!any) continue;
    const reason = await readBack(chat, mark, until);
    if (reason) missed.push([chat, mark, reason]);
    behind.push(...timed(chat.msgs.getModelsArray()).filter(is));
  }
  byTime(behind).forEach(tellBehind);
  for (const one of missed) tellMissed(...one);
}

async function catchUp() {
  const given = new Promise((done) => (giveMarks = done));
  while (marks === undefined) {
    emit('behind', {});
    await Promise.race([given.then((told) => (marks = told)), pause(ASK_MS)]);
  }
  /* What is told from here on belongs to the new link. */
  let linkTold = false;
  while (phase() !== 'main') {
    if (linkedHere() && myself && !linkTold) emit('linked', {});
    linkTold ||= linkedHere() && Boolean(myself);
    await pause(SLOW_TICK_MS / 4);
  }
  try {
    if (marks && !linkedHere()) await tellWhatIsBehind();
  } finally {
    marks = null;
    caughtUp = true;
    const came = held;
    held = [];
    for (const model of came) if (!announced.has(model)) hear(model);
    if (linkedHere() && !linkTold) emit('linked', {});
    tell();
  }
}
