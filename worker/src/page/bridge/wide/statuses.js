/* Statuses, which disappear after a day. wa-js knows how the page builds them; taking one back is the core's. */

/* wa-js wants the whole key of an id that was chosen beforehand. */
async function statusKey(call, id) {
  if (!id) return {};
  const messageId = `true_${STATUS}_${id}_${idOf(await use('me')())}`;
  await unused(call, messageId);
  return { messageId };
}

/* wa-js answers with the key, and with a promise of WhatsApp's answer. */
async function sentByWaJs({ id, sendMsgResult }) {
  accepted(await sendMsgResult, use('messages').get(idOf(id)));
  /* It is out, whether or not the page keeps it. */
  const message = await findMessage(idOf(id)).catch(() => null);
  return { message: idOf(message?.id ?? id), timestamp_ms: toMs(message?.t) || Date.now() };
}

async function postTextStatus(call, { text, background, font, message_id }) {
  const key = await statusKey(call, message_id);
  call.hand();
  return sentByWaJs(
    await W.status.sendTextStatus(text, {
      ...key,
      waitForAck: true,
      font: font ?? 0,
      backgroundColor: background ?? '#000000',
    }),
  );
}

async function postMediaStatus(call, { mimetype, filename, caption, style, message_id }) {
  const file = new File(call.takeParts(), filename ?? 'status', { type: mimetype });
  const kind = mimetype.split('/')[0];
  if (!['image', 'video', 'audio'].includes(kind)) {
    throw new Failure('invalid_argument', 'a status is an image, a video or a voice');
  }
  const options = {
    ...(await statusKey(call, message_id)),
    createChat: true,
    waitForAck: true,
    caption: caption ?? undefined,
    filename: file.name,
    mimetype,
  };
  call.hand();
  const send = {
    image: W.status.sendImageStatus,
    video: W.status.sendVideoStatus,
    audio: (voice, common) => W.chat.sendFileMessage(STATUS, voice, { ...common, type: 'audio', isPtt: style === 'voice' }),
  }[kind];
  const sending = send(file, options);
  /* wa-js goes on waiting for a file that was refused; the message itself tells. */
  return Promise.race([sending.then(sentByWaJs), newestOf(call, { id: STATUS }, () => sending)]);
}
