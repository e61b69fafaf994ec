/* What the page tells by itself. Owns the subscriptions: all are made first, then the present state is read,
 * because a fast resume fires its events before anybody listens. */

/* Models, not ids: they go when the page forgets them. */
const announced = new WeakSet();

function announce(model) {
  if (!isMessage(model)) return;
  emit('message', { message: messageRecord(model) });
}

/* Stored by the page while a worker died over it: not new, and perhaps told to nobody. */
function fellIntoTheGap(model) {
  if (settings.gap === null || linkedHere || model.id?.fromMe) return false;
  const at = Number(model.t);
  return at >= settings.gap[0] && at <= settings.gap[1];
}

/* A message that cannot be read yet becomes readable by a change of its type. */
function onMessage(model) {
  if (!model || announced.has(model) || !(model.isNewMsg || fellIntoTheGap(model))) return;
  announced.add(model);
  if (model.type === 'ciphertext') {
    const readable = () => {
      if (model.type === 'ciphertext') return;
      model.off?.('change:type', readable);
      announce(model);
    };
    model.on('change:type', readable);
  } else {
    announce(model);
  }
}

function onLinkEnded() {
  if (linkEnded) return;
  linkEnded = true;
  emit('logout', {});
  tell();
}

function subscribe() {
  const { socket, conn, stream, cmd, messages } = found;
  socket.on('change:state', tell);
  socket.on('change:hasSynced', tell);
  for (const name of ['change:pushname', 'change:platform', 'change:ref', 'change:wid']) conn?.on(name, tell);
  stream?.on('change:mode', tell);
  stream?.on('change:info', tell);
  for (const name of ['main_loaded', 'main_stream_mode_ready', 'offline_progress_update_from_bridge']) cmd?.on(name, tell);
  for (const name of ['logout', 'logout_from_bridge']) cmd?.on(name, onLinkEnded);
  messages.on('add', onMessage);
  messages.on('change:ack', (model, ack) => {
    if (model?.id?.fromMe) emit('ack', { message: idOf(model.id), ack: Number.isInteger(ack) ? ack : Number(model.ack) || 0 });
  });
  /* Those that came before we listened; whoever receives them keys on their ids. */
  byTime(messages.getModelsArray()).forEach(onMessage);
}
