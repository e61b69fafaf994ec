/* Statuses, which disappear after a day. */

const STATUS = 'status@broadcast';

/* wa-js wants the whole key of an id that was chosen beforehand. */
async function statusKey(call, id) {
  if (!id) return {};
  const messageId = `true_${STATUS}_${id}_${idOf(await use('me')())}`;
  await unused(call, messageId);
  return { messageId };
}

/* wa-js answers with the key, and with a promise of WhatsApp's answer. */
async function sentByWaJs({ id, sendMsgResult }) {
  accepted(await sendMsgResult);
  const message = await theMessage(idOf(id));
  return { message: idOf(message.id), timestamp_ms: toMs(message.t) };
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
  if (kind === 'audio') {
    return sentByWaJs(
      await W.chat.sendFileMessage(STATUS, file, { ...options, type: 'audio', isPtt: style === 'voice' }),
    );
  }
  const send = kind === 'image' ? W.status.sendImageStatus : W.status.sendVideoStatus;
  return sentByWaJs(await send(file, options));
}

async function deleteStatus(call, { message }) {
  const { id } = await theMessage(message);
  if (idOf(id.remote) !== STATUS || !id.fromMe) {
    throw new Failure('invalid_argument', 'this message is no status of this account');
  }
  call.hand();
  await W.status.remove(idOf(id));
}
