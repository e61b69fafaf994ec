/* From the page's models to the worker's records. Owns the mapping of names; asks nothing of the network.
 * Ids are read with toString() only: the property behind it has changed its name before. */

/* Of whom or of which message; people without the number of their device. */
const idOf = (id) => (id == null ? null : String(id).replace(/^(\d+):\d+@/, '$1@'));
const textOf = (value) => (typeof value === 'string' && value !== '' ? value : null);
const toMs = (seconds) => Math.round((Number(seconds) || 0) * 1000);

/* Kinds whose `body` is what somebody wrote; that of the others is a thumbnail or nothing. */
const WRITTEN = new Set(['chat', 'comment', 'automated_greeting_message', 'hsm', 'native_flow', 'rich_response', 'vcard', 'poll_creation', 'event_creation', 'list', 'list_response', 'buttons_response', 'template_button_reply', 'interactive', 'interactive_response']);
const MEDIA = new Set(['image', 'video', 'audio', 'ptt', 'ptv', 'document', 'sticker']);
/* What the page notes for itself and nobody wrote, and what only belongs to a message that is told by itself: an album's
 * pictures, what a poll or an event was answered, another text. */
const NOT_A_MESSAGE = new Set([
  'album', 'biz_content_placeholder', 'broadcast_notification', 'call_log', 'ciphertext', 'debug', 'debug_placeholder',
  'e2e_notification', 'event_edit_encrypted', 'event_response', 'gp2', 'group-history', 'guest_upsell_system_msg',
  'history_bundle', 'keep_in_chat', 'loading_media', 'message_edit_encrypted', 'message_history_notice',
  'newsletter_notification', 'notification', 'notification_template', 'oversized', 'pin_message', 'pinned_message',
  'poll_add_option_decrypted', 'poll_add_option_encrypted', 'poll_edit_encrypted', 'poll_update', 'protocol',
  'quarantined', 'reaction', 'reaction_enc', 'status_notification', 'unknown',
]);
/* What these become is told when it is there. */
const NOT_YET = new Set(['ciphertext', 'loading_media']);

/* What can be looked at only once is shown by the phone alone: a linked device is given a note that it came, which
 * never becomes readable. Whether that note is this type or a file without a place is not certain. */
const isNoteOfViewOnce = ({ type, subtype }) => type === 'ciphertext' && /view_once/.test(subtype ?? '');
const isViewOnce = (model) => Boolean(model.isViewOnce) || isNoteOfViewOnce(model);

const isMessage = (model) => !NOT_A_MESSAGE.has(model.type) || isNoteOfViewOnce(model);
const isNotYet = (model) => NOT_YET.has(model.type) && !isNoteOfViewOnce(model);

function senderName(model) {
  const names = contactsOf(idOf(model.author || model.from));
  return nameIn(names, 'name') || nameIn(names, 'pushname') || textOf(model.notifyName);
}

/* What the page knows of somebody: a name of the address book is with the number, another one perhaps with the lid. */
const contactsOf = (id) =>
  [id, otherName(id)].map((name) => name && found.createWid && found.contacts?.get(found.createWid(name))).filter(Boolean);
const nameIn = (contacts, field) => contacts.map((contact) => textOf(contact[field])).find(Boolean) ?? null;

/* The page writes a document's name below it where nobody wrote anything. */
const captionOf = ({ type, caption, filename, isCaptionByUser }) =>
  type === 'document' && (isCaptionByUser === false || caption === filename) ? '' : caption;

function messageRecord(model) {
  const { id } = model;
  const hasMedia = MEDIA.has(model.type) && !(model.isViewOnce && !model.directPath);
  const details = messageDetails(model);
  const chat = idOf(id.remote);
  const from = idOf(model.from) || idOf(id.fromMe ? myself : id.remote) || '';
  const [to, author] = [idOf(model.to), idOf(model.author)];
  const body = hasMedia ? captionOf(model) : WRITTEN.has(model.type) ? model.body || model.pollName || model.eventName : model.caption;
  return {
    id: idOf(id),
    chat,
    from,
    to,
    author,
    from_me: Boolean(id.fromMe),
    kind: isNoteOfViewOnce(model) ? 'view_once' : String(model.type || 'unknown'),
    body: typeof body === 'string' ? body : '',
    timestamp_ms: toMs(model.t),
    ack: Number.isInteger(model.ack) ? model.ack : 0,
    has_media: hasMedia,
    mimetype: hasMedia ? textOf(model.mimetype) : null,
    filename: hasMedia ? textOf(model.filename) : null,
    sender_name: id.fromMe ? null : senderName(model),
    details,
    other_names: otherNames(chat, from, to, author, details?.mentions ?? [], details?.quoted?.participant),
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
  tell('view_once', isViewOnce(model));
  tell('referral', referralOf(model));
  return Object.keys(details).length ? details : null;
}

/* The advertisement that led somebody here. Its thumbnail is no news, and as long as everything else together. */
const LONGEST_REFERRAL = 2048;
function referralOf({ ctwaContext }) {
  const isPlain = (value) => (typeof value === 'string' ? value && value.length <= LONGEST_REFERRAL : ['number', 'boolean'].includes(typeof value));
  const told = Object.entries(ctwaContext ?? {}).filter(([name, value]) => name !== 'thumbnail' && isPlain(value));
  return told.length ? Object.fromEntries(told) : null;
}

function quotedRecord({ quotedStanzaID, quotedMsg, quotedParticipant, id, from, to }) {
  if (!quotedStanzaID) return null;
  const participant = idOf(quotedParticipant);
  /* Its complete id names the chat and who wrote it; without knowing who, only the part within the chat is known. */
  const chat = idOf(id.remote);
  const mine = participant === null ? null : isMe(participant) || participant === idOf(id.fromMe ? from : to);
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
  const contacts = contactsOf(idOf(chat.id));
  return {
    id: idOf(chat.id),
    other_names: otherNames(idOf(chat.id)),
    name: textOf(chat.formattedTitle) || textOf(chat.name) || nameIn(contacts, 'name') || nameIn(contacts, 'pushname'),
    is_group: isGroupId(chat.id),
    unread: Number.isInteger(chat.unreadCount) ? chat.unreadCount : 0,
    last_message: last ? messageRecord(last) : null,
    timestamp_ms: toMs(chat.t || last?.t),
    pinned: Boolean(chat.pin),
    archived: Boolean(chat.archive),
  };
}

function contactRecord(contact) {
  const id = idOf(contact.id);
  const both = contactsOf(id);
  const is = (...fields) => both.some((one) => fields.some((field) => one[field]));
  return {
    id,
    other_names: otherNames(id),
    name: nameIn(both, 'name'),
    pushname: nameIn(both, 'pushname') || nameIn(both, 'notifyName'),
    is_my_contact: is('isAddressBookContact', 'isMyContact'),
    is_blocked: is('isContactBlocked'),
  };
}

function groupRecord(chat) {
  const participants = chat.groupMetadata?.participants?.getModelsArray?.() ?? [];
  return {
    id: idOf(chat.id),
    name: textOf(chat.groupMetadata?.subject) || textOf(chat.formattedTitle) || textOf(chat.name),
    participants: participants.map(({ id }) => idOf(id)),
    other_names: otherNames(participants.map(({ id }) => idOf(id))),
  };
}
