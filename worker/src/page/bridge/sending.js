/* Sends. Owns the making of a message, and the moment from which on nobody can say that nothing was sent:
 * `call.hand()`. */

const isChannelId = (id) => String(idOf(id)).endsWith('@newsletter');

/* A channel that this account may write to. */
async function ownChannel(id) {
  await need('channels');
  const chat = found.channels.get(id);
  if (!chat) throw new Failure('not_found', 'this account neither owns nor follows such a channel');
  const role = String(chat.newsletterMetadata?.membershipType ?? '').toLowerCase();
  if (role !== 'owner' && role !== 'admin') {
    throw new Failure('forbidden', 'only the owner and the admins of a channel write to it');
  }
  return chat;
}

function needsConnection() {
  if (phase() !== 'main') throw new Failure('not_ready', 'the session is not connected');
}

/* Ids that callers chose, of the calls that are under way. */
const chosen = new Set();

/* An id is for one message: a second one with it would take the first one's place, here and on the phones. */
async function unused(call, key) {
  const id = idOf(key);
  const taken = () => new Failure('invalid_argument', 'id is that of a message which is there already');
  if (chosen.has(id)) throw taken();
  chosen.add(id);
  call.atEnd = () => chosen.delete(id);
  if (await findMessage(id)) throw taken();
}

async function envelope(call, chat, { message_id } = {}) {
  const Key = use('MessageKey');
  const isGroup = isGroupId(chat.id);
  const byLid = idOf(chat.id).endsWith('@lid') || (isGroup && chat.groupMetadata?.isLidAddressingMode);
  const from = (byLid && (await found.meLid?.())) || (await use('me')());
  const id = new Key({ from, to: chat.id, id: message_id ?? (await Key.newId()), participant: isGroup ? from : undefined, selfDir: 'out' });
  if (message_id) await unused(call, id);
  return {
    id, from, to: chat.id, ack: 0, local: true, self: 'out', isNewMsg: true,
    t: Math.floor(Date.now() / 1000),
    ...(await use('ephemeral')(chat)),
  };
}

const SEND_FAILURES = {
  ERROR_NETWORK: 'there was no connection',
  ERROR_EXPIRED: 'it was too late',
  ERROR_CANCELLED: 'it was called off',
  ERROR_UPLOAD: 'the file could not be uploaded',
  ERROR_RATE_LIMIT: 'too many messages at once',
};
/* The only refusals of the server that the page keeps a name of. */
const CAPPED_CODE = 'UserReachedMaxMonthlyLimitForNewMessages';
const REASONS = {
  [CAPPED_CODE]: 'no more new conversations this month',
  EditWindowExpired: 'it is too old to be changed',
};
const reasonOf = (message) => REASONS[message?.errorCode] ?? textOf(message?.errorCode) ?? 'no reason given';

/* The server's refusal of a message, with the name that the page has for it. */
const notTaken = (text, message) => Object.assign(new Failure('refused', text), { code: message?.errorCode });

/* The page answers when WhatsApp's server has the message. */
function sent(result, message) {
  const verdict = typeof result === 'string' ? result : result?.messageSendResult;
  if (verdict !== 'OK') {
    const model = found.messages?.get(message.id);
    const reason = SEND_FAILURES[verdict] ?? reasonOf(model);
    throw notTaken(`WhatsApp did not take the message: ${reason} (${verdict ?? 'no result'})`, model);
  }
  return { reply: 'sent', ...receiptOf(message) };
}

/* What is said of a message that WhatsApp's server has. */
function receiptOf({ id, t }) {
  return { message: idOf(id), timestamp_ms: toMs(t), other_names: otherNames(idOf(id.remote)) };
}

/* What goes to a channel, by the names that its own way of sending has for it. */
const TO_CHANNELS = { chat: 'text', poll_creation: 'pollCreation' };

/* Hands a message to the page. A channel's go another way than a chat's: the page's clients hand them to a job of its
 * own, whose server has no acknowledgements but its answer. Which way a page has for channels was not seen on the real
 * one; so where it lacks the job, its ordinary way is taken, which says by its result whether it can. */
async function post(call, chat, message) {
  const send = use('send');
  if (!isChannelId(chat.id)) {
    await mayWrite(call, chat);
    call.hand();
    const [, result] = await send(chat, message);
    return sent(await result, message);
  }
  const type = TO_CHANNELS[message.type];
  if (!type) throw new Failure('invalid_argument', 'a channel takes texts, polls and files');
  const [job, records, data] = ['sendToChannel', 'channelRecords', 'messageData'].map((name) => lookUp(RARE[name]));
  if (!job || !records || !data) {
    call.hand();
    const [, result] = await send(chat, message);
    return sent(await result, message);
  }
  const model = new (use('messages').modelClass)(message);
  await records.addNewsletterMsgsRecords([await data(model)]);
  call.hand();
  const answer = await job({ type, msg: model, msgData: message, newsletterJid: idOf(chat.id) });
  if (!answer?.success) throw new Failure('refused', 'WhatsApp did not take the message');
  chat.msgs.add(model);
  if (answer.ack?.t) model.t = Number(answer.ack.t);
  model.serverId = answer.serverId;
  model.updateAck?.(1, true);
  /* It is out; what the page keeps of it for itself changes nothing of that. */
  await Promise.resolve(records.updateNewsletterMsgRecord(model)).catch(() => {});
  return sent('OK', model);
}

async function sendText(call, { chat: id, text, options, link_preview }) {
  needsConnection();
  const chat = await chatFor(id);
  const added = { ...(await extras(chat, options)), ...(await previewOf(call, text, link_preview)) };
  const message = { ...(await envelope(call, chat, options)), ...added, type: 'chat', body: text };
  return post(call, chat, message);
}

/* How the page prepares a file that its type alone does not say how to show. */
const STYLES = {
  voice: { isPtt: true },
  video_note: {},
  gif: { asGif: true },
  sticker: { asSticker: true },
};

async function sendMedia(call, { chat: id, mimetype, filename, caption, as_document, style, options: wishes }) {
  needsConnection();
  const prepare = use('prepareMedia');
  const chat = await chatFor(id);
  if (!isChannelId(chat.id)) await mayWrite(call, chat);
  const added = await extras(chat, wishes);
  const file = new File(call.takeParts(), filename, { type: mimetype });
  const asDocument = as_document || (!style && !/^(image|video|audio)\//.test(mimetype));
  const media = prepare(await use('Opaque').createFromData(file, mimetype), { asDocument, ...STYLES[style] });
  const prepared = await media.waitForPrep();
  /* A round video is an ordinary one until its type says otherwise. */
  if (style === 'video_note') prepared.type = 'ptv';
  const message = { ...(await envelope(call, chat, wishes)), ...added };
  const options = { caption: caption ?? undefined, productMsgOptions: { ...message, filename } };
  call.hand();
  /* It took two arguments before it took one. */
  const result = await (media.sendToChat.length === 2 ? media.sendToChat(chat, options) : media.sendToChat({ chat, options }));
  return sent(result, message);
}
