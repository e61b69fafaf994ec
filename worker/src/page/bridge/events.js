/* What the page tells by itself. Owns the subscriptions: all are made first, then the present state is read,
 * because a fast resume fires its events before anybody listens. */

/* Models, not ids: they go when the page forgets them. With each, what was told of it. */
const announced = new WeakMap();

function announce(model) {
  if (model.type === 'gp2') announceChange(model);
  if (!isMessage(model)) return;
  const message = messageRecord(model);
  announced.set(model, message);
  emit('message', { message });
}

/* Only what is sent from this very page begins without an ack: what another device sent, the server has. */
const isSentHere = ({ id, isNewMsg, local, ack }) => Boolean(id?.fromMe && isNewMsg && (local || ack === 0));

/* A message that cannot be read yet becomes readable by a change of its type. History is none, whatever else it says. */
function onMessage(model) {
  if (model && !announced.has(model) && !model.isMdHistoryMsg && model.isNewMsg) listen(model);
}

function hear(model) {
  announced.set(model, null);
  if (isSentHere(model)) sentHere.add(model);
  if (isNotYet(model)) {
    if (model.type === 'ciphertext') happened('waiting', messageRecord(model));
    const readable = () => {
      if (isNotYet(model)) return;
      model.off?.('change:type', readable);
      announce(model);
    };
    model.on('change:type', readable);
  } else {
    announce(model);
  }
}

/* The text was changed. The rest of the change comes with it, so it is read when all of it is there. */
function onEdited(model) {
  queueMicrotask(() => {
    if (!model?.latestEditMsgKey || !isMessage(model)) return;
    const at_ms = Math.round(Number(model.latestEditSenderTimestampMs)) || Date.now();
    happened('edited', { message: messageRecord(model), at_ms });
  });
}

function onType(model) {
  if (model?.type !== 'revoked') return;
  /* It has the revocation's id now; who received it knows it by its own. */
  const id = idOf(model.protocolMessageKey ?? model.id);
  happened('revoked', { message: { ...messageRecord(model), id }, before: announced.get(model) ?? null });
}

/* It falls while an own text is being changed, and comes without a value at another's first change. */
const acknowledged = new WeakMap();
function onAck(model) {
  const { id, ack } = model ?? {};
  if (!id?.fromMe || !Number.isInteger(ack) || (ack >= 0 && ack <= (acknowledged.get(model) ?? -1))) return;
  acknowledged.set(model, ack);
  emit('ack', { message: idOf(id), ack, other_names: otherNames(idOf(id.remote), idOf(id.participant)) });
}

function onLinkEnded() {
  if (linkEnded) return;
  linkEnded = true;
  emit('logout', {});
  tell();
}

/* What waits at the server while nobody is connected comes between the connection and the end of that phase. Whether each
 * of these messages counts as new is not certain: those that do not, and that nobody has read, are told at the end of
 * the phase. What is loaded from the page's own store meanwhile says that it is history, or was read. */
let comesLate = true;
let firstPhase = true;
let quietly = [];

function onAdded(model) {
  if (comesLate && model && !model.isNewMsg && !model.isMdHistoryMsg && !model.id?.fromMe) quietly.push(model);
  onMessage(model);
}

/* Those of these messages that are among the unread ones of their chats. Each chat is looked at once, however many of
 * its messages came. */
function unreadAmong(models) {
  const unread = new Set();
  const remotes = new Map(models.map(({ id }) => [idOf(id.remote), id.remote]));
  for (const remote of remotes.values()) {
    const chat = found.chats?.get(remote);
    const count = Math.max(0, chat?.unreadCount ?? 0);
    const theirs = count ? byTime((chat.msgs?.getModelsArray() ?? []).filter(({ id }) => !id?.fromMe)) : [];
    for (const model of theirs.slice(-count)) unread.add(model);
  }
  return models.filter((model) => unread.has(model));
}

/* With a fresh link the page is given all that was, over minutes: at the most for so long. */
const HISTORY_MS = 10 * 60_000;
let historyOver = false;

/* Whether what changes now may still be history that a fresh link brings along. */
const isHistoryComing = () => linkedHere() && !historyOver && performance.now() < HISTORY_MS;

async function onHistory() {
  if (historyOver || firstPhase) return;
  /* Pages that cannot say it have told everything with what waited. */
  historyOver = !found.historyDone || Boolean(await found.historyDone());
}

function onOfflineEnd() {
  comesLate = false;
  const came = quietly;
  quietly = [];
  /* What comes with a new link is history; a later phase of the same document is none. */
  const history = linkedHere() && firstPhase;
  firstPhase = false;
  onHistory();
  if (history) return;
  for (const model of byTime(unreadAmong(came))) if (!announced.has(model)) listen(model);
}

/* After each login it begins anew. */
function onStreamOpened() {
  comesLate = true;
  onStream(true);
  resubscribe();
  /* What was told meanwhile went past. */
  if (complete) refreshLimits();
}

/* Members that may come, or be put in their place, after the others. */
Object.assign(whenFound, {
  conn: (conn) => {
    for (const name of ['change:pushname', 'change:platform', 'change:ref', 'change:wid']) conn.on(name, tell);
  },
  stream: (stream) => {
    for (const name of ['change:mode', 'change:info']) stream.on(name, tell);
    stream.on('change:available', () => stayAsWanted(stream));
    stayAsWanted(stream);
  },
  cmd: (cmd) => {
    for (const name of ['main_stream_mode_ready_from_bridge', 'offline_progress_update_from_bridge']) cmd.on(name, tell);
    for (const name of ['starting_logout_from_bridge', 'logout_from_bridge']) cmd.on(name, onLinkEnded);
    cmd.on('unexpected_logout_modal_from_bridge', onForcedLogout);
    cmd.on('open_socket_stream_from_bridge', onStreamOpened);
    cmd.on('socket_stream_disconnected_from_bridge', () => onStream(false));
    cmd.on('offline_delivery_end_from_bridge', onOfflineEnd);
    for (const name of ['new_history_sync_chunk_processed_from_bridge', 'on_initial_chat_synced_from_bridge']) cmd.on(name, onHistory);
    cmd.on('service_unavailable_503_from_bridge', onUnavailable);
    cmd.on('account_temporarily_banned_from_bridge', onBan);
    cmd.on('reachout_timelock_state_change', () => refreshLimit('timelock'));
    cmd.on('new_chat_message_capping_state_change', () => refreshLimit('capping'));
  },
});

function subscribe() {
  const { socket, messages } = found;
  for (const name of ['change:state', 'change:stream', 'change:hasSynced']) socket.on(name, onMoved);
  messages.on('add', onAdded);
  messages.on('change:latestEditMsgKey', onEdited);
  messages.on('change:type', onType);
  messages.on('change:ack', onAck);
  /* Those that came before we listened; whoever receives them keys on their ids. */
  byTime(messages.getModelsArray()).forEach(onMessage);
  catchUp();
}
