/* What is done to whole chats, here or on the phone: the archive, and the labels of business accounts. Owns what is known
 * of each, so that only changes are told: a fresh link brings along all that was, and a start loads it.
 *
 * Whether a chat's labels change on the chat, in the list of the label's items, or in both is not certain: both are
 * watched, and what they say together is told once. */

/* The page's palette as WhatsApp numbers it; a byte. */
const labelColor = (label) => (Number(label.colorIndex ?? 0) || 0) & 0xff;

function labelRecord(label) {
  return {
    id: String(label.id),
    label: String(label.name ?? ''),
    color: labelColor(label),
    color_hex: String(label.hexColor ?? '').toLowerCase(),
  };
}

/* ---- the archive ---- */

const archiveKnown = new WeakMap();

function onArchive(chat) {
  const archived = Boolean(chat.archive);
  if (archiveKnown.get(chat) === archived) return;
  archiveKnown.set(chat, archived);
  if (isHistoryComing()) return;
  const id = idOf(chat.id);
  happened('archived', { chat: id, archived, at_ms: Date.now(), other_names: otherNames(id) });
}

/* ---- the labels of a chat ---- */

const labelsKnown = new WeakMap();
const labelsIn = (chat) => new Set((chat.labels ?? []).map(String));

function onLabels(chat, now) {
  const before = labelsKnown.get(chat) ?? new Set();
  labelsKnown.set(chat, now);
  if (isHistoryComing()) return;
  const id = idOf(chat.id);
  const tell = (label, added) => {
    const known = found.labelStore?.get(label) ?? labelsSeen.get(label) ?? { id: label };
    const record = known.color_hex === undefined ? labelRecord(known) : known;
    happened('chat_label', { chat: id, label: record, added, at_ms: Date.now(), other_names: otherNames(id) });
  };
  for (const label of before) if (!now.has(label)) tell(label, false);
  for (const label of now) if (!before.has(label)) tell(label, true);
}

/* The items are loaded one by one when the page starts; what they say then is no change. */
function onItem({ parentType, parentId, labelId }, added) {
  const chat = parentType === 'Chat' ? found.chats?.get(parentId) : null;
  if (!chat) return;
  const now = new Set(labelsKnown.get(chat));
  if (added) now.add(String(labelId));
  else now.delete(String(labelId));
  if (firstPhase) labelsKnown.set(chat, now);
  else onLabels(chat, now);
}

/* ---- the labels themselves ---- */

/* As they were told last. */
const labelsSeen = new Map();

function onLabel(label) {
  const record = labelRecord(label);
  const before = labelsSeen.get(record.id);
  labelsSeen.set(record.id, record);
  if (firstPhase || isHistoryComing() || (before && stringify(before) === stringify(record))) return;
  happened('label', { label: record, deleted: false, at_ms: Date.now() });
}

function onLabelGone(label) {
  const record = labelsSeen.get(String(label.id)) ?? labelRecord(label);
  labelsSeen.delete(record.id);
  if (!isHistoryComing()) happened('label', { label: record, deleted: true, at_ms: Date.now() });
}

function watchLabel(label) {
  const items = label.labelItemCollection;
  items?.on?.('add', (item) => onItem(item, true));
  items?.on?.('remove', (item) => onItem(item, false));
  /* Name and colour change together. */
  label.on?.('change', () => queueMicrotask(() => labelsSeen.has(String(label.id)) && onLabel(label)));
  onLabel(label);
}

function watchLabels(collection) {
  collection.on('add', watchLabel);
  collection.on('remove', onLabelGone);
  collection.getModelsArray().forEach(watchLabel);
}

function watchChats(collection) {
  const know = (chat) => {
    archiveKnown.set(chat, Boolean(chat.archive));
    labelsKnown.set(chat, labelsIn(chat));
  };
  collection.on('add', know);
  collection.on('change:archive', onArchive);
  collection.on('change:labels', (chat) => onLabels(chat, labelsIn(chat)));
  collection.getModelsArray().forEach(know);
}

Object.assign(whenFound, { chats: watchChats, labelStore: watchLabels });
