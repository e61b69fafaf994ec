/* Operations on messages through the page's own modules. Owns the translation of each into the page's call. */

/* WhatsApp's pins last so long, under the page's names; there are no other times. */
const PIN_SECONDS = { OneDay: 86400, SevenDays: 604800, ThirtyDays: 2592000 };
const PIN = 1;
const UNPIN = 2;
const FIND_MOST = 1000;

const secret = () => crypto.getRandomValues(new Uint8Array(32));

const sendLocation = (call, request) =>
  sendContent(call, request, {
    type: 'location',
    lat: request.latitude,
    lng: request.longitude,
    loc: [request.title, request.address].filter(Boolean).join('\n') || undefined,
  });

/* The name that a card shows. */
const cardName = (card) => /^FN[^:\n]*:(.*)$/im.exec(card)?.[1].trim() || '';

function sendVcards(call, request) {
  const cards = request.vcards;
  if (!cards.length) throw new Failure('invalid_argument', 'vcards is empty');
  if (cards.length === 1) {
    return sendContent(call, request, { type: 'vcard', body: cards[0], vcardFormattedName: cardName(cards[0]) });
  }
  const vcardList = cards.map((vcard) => ({ displayName: cardName(vcard), vcard }));
  return sendContent(call, request, { type: 'multi_vcard', vcardList, body: null });
}

function sendPoll(call, request) {
  const { choices } = request;
  if (choices.length < 2 || choices.length > 12 || new Set(choices).size !== choices.length) {
    throw new Failure('invalid_argument', 'a poll has 2 to 12 different choices');
  }
  return sendContent(call, request, {
    type: 'poll_creation',
    kind: 'pollCreation',
    pollName: request.question,
    pollOptions: choices.map((name, localId) => ({ name, localId })),
    pollSelectableOptionsCount: request.multiple ? 0 : 1,
    messageSecret: secret(),
  });
}

const sendEvent = (call, request) =>
  sendContent(call, request, {
    type: 'event_creation',
    kind: 'eventCreation',
    eventName: request.title,
    eventDescription: request.description ?? undefined,
    eventStartTime: Math.floor(request.start_ms / 1000),
    eventEndTime: request.end_ms ? Math.floor(request.end_ms / 1000) : undefined,
    eventLocation: request.location ? { degreesLatitude: 0, degreesLongitude: 0, name: request.location } : undefined,
    eventIsCallLink: false,
    isEventCanceled: false,
    eventExtraGuestsAllowed: request.extra_guests,
    messageSecret: secret(),
  });

async function vote(call, { message: id, choices }) {
  const message = await theMessage(id);
  if (message.type !== 'poll_creation') throw new Failure('invalid_argument', 'this message is no poll');
  const known = message.pollOptions ?? [];
  const chosen = choices.map((choice) => known.find(({ name }) => name === choice));
  if (chosen.includes(undefined)) throw new Failure('invalid_argument', 'the poll has no such choice');
  call.hand();
  accepted(await found.vote(message, new Set(chosen.map(({ localId }) => localId))));
}

/* Some of the page's actions answer with a verdict, some with nothing. */
function accepted(result, message) {
  const verdict = result?.messageSendResult ?? result;
  if (typeof verdict === 'string' && verdict !== 'OK') {
    throw notTaken(`WhatsApp did not take it: ${verdict}`, message);
  }
}

/* The page does not wait for the server here, and tells of no refusal: the copy itself does. */
async function forward(call, { chat: id, message: key }) {
  const message = await theMessage(key);
  const chat = await chatFor(id);
  const options = { chat, msgs: [message], multicast: true, includeCaption: true, appendedText: undefined };
  return newestOf(call, chat, async () => {
    const failed = await found.forward(options);
    if (failed?.length) throw new Failure('refused', 'the file could not be sent');
  });
}

/* What an action of the page has sent into a chat, when the action itself does not say it. */
async function newestOf(call, chat, act) {
  if (chat.contact) await mayWrite(call, chat);
  const isNew = (one) => one.id.fromMe && idOf(one.id.remote) === idOf(chat.id) && isMessage(one) && one.isNewMsg;
  const messages = use('messages');
  let stop = () => {};
  const made = new Promise((done) => {
    const hear = (one) => isNew(one) && done(one);
    messages.on('add', hear);
    stop = () => messages.off('add', hear);
  });
  try {
    call.hand();
    const acting = act();
    /* Its failure counts. That it ends does not, and it may wait for what does not come. */
    const failed = new Promise((_, fail) => acting.catch(fail));
    /* The call's own deadline ends this. */
    const copy = await Promise.race([made, failed]);
    await Promise.race([untilServerHas(copy), failed]);
    return receiptOf(copy);
  } finally {
    stop();
  }
}

/* The call's own deadline ends this, too. Without a connection the ack stays as it is. */
function untilServerHas(message) {
  return new Promise((done, fail) => {
    const look = () => {
      if (message.isSendFailure || message.ack < 0) fail(notTaken(`WhatsApp did not take the message: ${reasonOf(message)}`, message));
      else if (message.ack >= 1) done();
      else return;
      message.off('change:ack change:isSendFailure', look);
    };
    message.on('change:ack change:isSendFailure', look);
    look();
  });
}

async function react(call, { message: id, reaction }) {
  const message = await theMessage(id);
  call.hand();
  reactedHere.set(idOf(message.id), reaction);
  try {
    accepted(await found.react(message, reaction));
  } catch (error) {
    reactedHere.delete(idOf(message.id));
    throw error;
  }
}

async function editMessage(call, { message: id, text, mentions = [], link_preview }) {
  const message = await theMessage(id);
  if (!found.may.canEditText(message) && !found.may.canEditCaption(message)) {
    throw new Failure('forbidden', 'this message cannot be edited (any more)');
  }
  const chat = await chatFor(idOf(message.id.remote));
  const preview = await previewOf(call, text, link_preview);
  const options = {
    linkPreview: Object.keys(preview).length ? preview : undefined,
    mentionedJidList: await mentioned(chat, mentions),
  };
  call.hand();
  await found.edit(message, text, options);
  /* It resolves either way; the message tells. */
  if (message.isSendFailure) throw new Failure('refused', `WhatsApp did not take the change: ${reasonOf(message)}`);
}

async function deleteMessage(call, { message: id, for_everyone }) {
  const message = await theMessage(id);
  const chat = await chatFor(idOf(message.id.remote));
  const selection = { list: [message], type: 'message' };
  if (!for_everyone) {
    call.hand();
    const count = await found.messageActions.sendDeleteMsgs(chat, selection, true);
    if (count === 0) throw new Failure('refused', 'the page did not delete the message');
    return;
  }
  if (!found.may.canSenderRevokeMsg(message) && !found.may.canAdminRevokeMsg(message)) {
    throw new Failure('forbidden', 'this message cannot be deleted for everyone (any more)');
  }
  call.hand();
  const results = await found.messageActions.sendRevokeMsgs(chat, selection, true);
  results?.forEach?.(accepted);
  if (message.type !== 'revoked') throw new Failure('outcome_unknown', 'the page does not show the message as deleted');
}

async function star(call, { message: id, starred }) {
  const message = await theMessage(id);
  if (!found.may.canStarMsg(message)) throw new Failure('forbidden', 'this message cannot be starred');
  const chat = await chatFor(idOf(message.id.remote));
  call.hand();
  await found.messageActions.sendStarMsgs(chat, [message], starred);
  if (Boolean(message.star) !== starred) throw new Failure('refused', 'WhatsApp did not change the star');
}

async function setPin(call, id, state, time) {
  const message = await theMessage(id);
  call.hand();
  const answer = await found.pinMessage(message, state, found.pinTimes[time]);
  if (answer === null) throw new Failure('unsupported', 'the page does not know this kind of pin');
  accepted(answer);
}

function pinMessage(call, { message, seconds }) {
  const times = Object.keys(PIN_SECONDS);
  return setPin(call, message, PIN, times.find((time) => PIN_SECONDS[time] >= seconds) ?? times.at(-1));
}
const unpinMessage = (call, { message }) => setPin(call, message, UNPIN, 'SevenDays');

async function getMessage(call, { message: id }) {
  const message = await theMessage(id);
  const record = messageRecord(message);
  const given = message.hasReaction ? await reactionsOf(message) : [];
  return given.length ? { ...record, details: { ...record.details, reactions: given } } : record;
}

async function reactionsOf(message) {
  await need('reactions');
  const all = await found.reactions.find(message.id);
  const groups = all?.reactions?.getModelsArray?.() ?? all?.reactions ?? [];
  return groups.flatMap(({ aggregateEmoji, id, senders }) =>
    (senders?.getModelsArray?.() ?? senders ?? []).map((one) => ({
      sender: idOf(one.senderUserJid ?? one.from),
      reaction: one.reactionText ?? aggregateEmoji ?? id,
    })),
  );
}

const passes =
  ({ since_ms, until_ms, from_me, ack } = {}) =>
  (record) =>
    !(since_ms != null && record.timestamp_ms < since_ms) &&
    !(until_ms != null && record.timestamp_ms > until_ms) &&
    !(from_me != null && record.from_me !== from_me) &&
    !(ack != null && record.ack !== ack);

/* Reads backwards until there is enough, or nothing before it can pass. */
async function findMessages(call, { chat: id, limit, offset = 0, oldest_first, filter }) {
  const most = Math.min(limit, FIND_MOST) + offset;
  const wanted = passes(filter);
  const chats = id ? [await knownChat(id)] : listedChats();
  const matches = [];
  for (const chat of chats) {
    for (let hasMore = Boolean(id); ;) {
      call.check();
      const all = byTime(chat.msgs.getModelsArray().filter(isMessage)).map(messageRecord);
      const fit = all.filter(wanted);
      const tooOld = filter?.since_ms != null && all.length && all[0].timestamp_ms < filter.since_ms;
      if (!hasMore || tooOld || (!oldest_first && fit.length >= most)) {
        matches.push(...fit);
        break;
      }
      const earlier = await use('loadEarlier')({ chat });
      hasMore = Array.isArray(earlier) && earlier.length > 0;
    }
  }
  const direction = oldest_first ? 1 : -1;
  const order = new Map(matches.map((record, index) => [record, index]));
  matches.sort((a, b) => direction * (a.timestamp_ms - b.timestamp_ms || order.get(a) - order.get(b)));
  return matches.slice(offset, most);
}

const newMessageId = async () => ({ id: await use('MessageKey').newId() });
