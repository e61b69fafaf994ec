/* From the page's models to the worker's records. Owns the mapping of names; asks nothing of the network.
 * Ids are read with toString() only: the property behind it has changed its name before. */

const idOf = (id) => (id == null ? null : String(id));
const textOf = (value) => (typeof value === 'string' && value !== '' ? value : null);
const toMs = (seconds) => Math.round((Number(seconds) || 0) * 1000);

/* Kinds whose `body` is what somebody wrote; that of the others is a thumbnail or nothing. */
const WRITTEN = new Set(['chat', 'vcard', 'poll_creation', 'event_creation', 'list', 'list_response', 'buttons_response', 'template_button_reply', 'interactive', 'interactive_response']);
const MEDIA = new Set(['image', 'video', 'audio', 'ptt', 'ptv', 'document', 'sticker', 'gif']);
/* What the page notes for itself and nobody wrote. */
const NOT_A_MESSAGE = new Set(['ciphertext', 'e2e_notification', 'notification', 'notification_template', 'broadcast_notification', 'newsletter_notification', 'gp2', 'protocol', 'call_log', 'debug', 'unknown', 'pinned_message', 'keep_in_chat']);

const isMessage = (model) => !NOT_A_MESSAGE.has(model.type);

function senderName(model) {
  const contact = found.contacts?.get(model.author || model.from);
  return textOf(contact?.name) || textOf(contact?.pushname) || textOf(model.notifyName);
}

function messageRecord(model) {
  const { id } = model;
  const hasMedia = MEDIA.has(model.type);
  const body = hasMedia ? model.caption : WRITTEN.has(model.type) ? model.body || model.pollName || model.eventName : model.caption;
  return {
    id: idOf(id),
    chat: idOf(id.remote),
    from: idOf(model.from) || idOf(id.fromMe ? myself : id.remote) || '',
    to: idOf(model.to),
    author: idOf(model.author),
    from_me: Boolean(id.fromMe),
    kind: String(model.type || 'unknown'),
    body: typeof body === 'string' ? body : '',
    timestamp_ms: toMs(model.t),
    ack: Number.isInteger(model.ack) ? model.ack : 0,
    has_media: hasMedia,
    mimetype: hasMedia ? textOf(model.mimetype) : null,
    filename: hasMedia ? textOf(model.filename) : null,
    sender_name: id.fromMe ? null : senderName(model),
    details: messageDetails(model),
  };
}

/* What this page has sent, so that it is told apart from what the phone did. Models, as in events.js. */
const sentHere = new WeakSet();

/* What most messages do not have: only what is there is told. */
function messageDetails(model) {
  const details = {};
  const tell = (name, value) => {
    if (Array.isArray(value) ? value.length : value) details[name] = value;
  };
  tell('quoted', quotedRecord(model));
  tell('mentions', (model.mentionedJidList ?? []).map(idOf));
  tell('location', placeRecord(model));
  tell('vcards', cardsOf(model));
  tell('poll', pollRecord(model));
  tell('chosen', textOf(model.selectedId) ?? textOf(model.selectedButtonId) ?? textOf(model.listResponse?.singleSelectReply?.selectedRowId));
  tell('starred', Boolean(model.star));
  tell('forwarded', Boolean(model.isForwarded));
  tell('edited', Boolean(model.latestEditMsgKey));
  tell('by_api', sentHere.has(model));
  return Object.keys(details).length ? details : null;
}

function quotedRecord({ quotedStanzaID, quotedMsg, quotedParticipant, id, from, to }) {
  if (!quotedStanzaID) return null;
  const participant = idOf(quotedParticipant);
  /* Its complete id names the chat and who wrote it; without knowing who, only the part within the chat is known. */
  const chat = idOf(id.remote);
  const mine = participant === null ? null : participant === idOf(myself) || participant === idOf(id.fromMe ? from : to);
  const author = isGroupId(id.remote) ? `_${participant}` : '';
  return {
    id: mine === null ? quotedStanzaID : `${mine}_${chat}_${quotedStanzaID}${author}`,
    participant,
    kind: textOf(quotedMsg?.type),
    body: (MEDIA.has(quotedMsg?.type) ? textOf(quotedMsg?.caption) : textOf(quotedMsg?.body)) ?? '',
    has_media: MEDIA.has(quotedMsg?.type),
  };
}

function placeRecord({ type, lat, lng, loc, clientUrl, isLive }) {
  if (type !== 'location' && type !== 'live_location') return null;
  const [name, ...address] = String(loc ?? '').split('\n');
  return {
    latitude: String(lat), longitude: String(lng), name: textOf(name), address: textOf(address.join('\n')),
    url: textOf(clientUrl), live: type === 'live_location' || Boolean(isLive),
  };
}

function cardsOf({ type, body, vcardList }) {
  if (type === 'vcard') return [String(body ?? '')];
  return type === 'multi_vcard' ? (vcardList ?? []).map(({ vcard }) => String(vcard)) : [];
}

function pollRecord({ type, pollName, pollOptions, pollSelectableOptionsCount }) {
  if (type !== 'poll_creation') return null;
  return {
    question: String(pollName ?? ''),
    choices: (pollOptions ?? []).map(({ name }) => String(name)),
    multiple: pollSelectableOptionsCount !== 1,
  };
}

const isGroupId = (id) => idOf(id).endsWith('@g.us');

function byTime(models) {
  return [...models].sort((left, right) => (left.t || 0) - (right.t || 0));
}

function chatRecord(chat) {
  const last = byTime((chat.msgs?.getModelsArray() ?? []).filter(isMessage)).pop();
  const contact = found.contacts?.get(chat.id);
  return {
    id: idOf(chat.id),
    name: textOf(chat.formattedTitle) || textOf(chat.name) || textOf(contact?.name) || textOf(contact?.pushname),
    is_group: isGroupId(chat.id),
    unread: Number.isInteger(chat.unreadCount) ? chat.unreadCount : 0,
    last_message: last ? messageRecord(last) : null,
    timestamp_ms: toMs(chat.t || last?.t),
    pinned: Boolean(chat.pin),
    archived: Boolean(chat.archive),
  };
}

function contactRecord(contact) {
  return {
    id: idOf(contact.id),
    name: textOf(contact.name),
    pushname: textOf(contact.pushname) || textOf(contact.notifyName),
    is_my_contact: Boolean(contact.isAddressBookContact || contact.isMyContact),
    is_blocked: Boolean(contact.isContactBlocked),
  };
}

function groupRecord(chat) {
  const participants = chat.groupMetadata?.participants?.getModelsArray?.() ?? [];
  return {
    id: idOf(chat.id),
    name: textOf(chat.groupMetadata?.subject) || textOf(chat.formattedTitle) || textOf(chat.name),
    participants: participants.map(({ id }) => idOf(id)),
  };
}
