/* Labels, which business accounts have, through the page's own modules. What an edit or a deletion answers is not
 * certain, so what the page shows afterwards counts. */

function theLabel(id) {
  const label = found.labels.get(id);
  if (!label) throw new Failure('not_found', 'no such label');
  return label;
}

function needsBusiness() {
  const { isSMB, platform } = found.conn ?? {};
  if (!(isSMB ?? /^smb/.test(platform))) throw new Failure('unsupported', 'only business accounts have labels');
}

/* The page's models may follow a moment later. */
async function isShown(test) {
  if (!test()) await pause(MODEL_FOLLOWS_MS);
  return test();
}

const listLabels = async () => found.labels.getModelsArray().map(labelRecord);

async function createLabel(call, { label: name, color }) {
  needsBusiness();
  call.hand();
  const id = await found.labelActions.labelAddAction(name, color);
  if (id == null) throw new Failure('refused', 'WhatsApp did not make the label');
  const there = () => found.labels.get(String(id));
  await isShown(there);
  return labelRecord(there() ?? { id, name, colorIndex: color });
}

async function updateLabel(call, { id, label: name, color }) {
  needsBusiness();
  const label = theLabel(id);
  call.hand();
  const { predefinedId = 0, isActive = true, type } = label;
  await found.labelActions.labelEditAction(id, name, predefinedId, color, isActive, type);
  const isIt = () => theLabel(id).name === name && labelColor(theLabel(id)) === color;
  if (!(await isShown(isIt))) throw new Failure('outcome_unknown', 'the page does not show the label as changed');
  return labelRecord(theLabel(id));
}

async function deleteLabel(call, { id }) {
  needsBusiness();
  const { name } = theLabel(id);
  const color = labelColor(theLabel(id));
  const { labelDeleteAction: remove } = found.labelActions;
  call.hand();
  /* It took three arguments before it took one. */
  await (remove.length === 1 ? remove({ labelId: id, name, color }) : remove(id, name, color));
  const isGone = () => !found.labels.get(id);
  if (!(await isShown(isGone))) throw new Failure('outcome_unknown', 'the page goes on showing the label');
}

const idsOfLabels = (chat) => (chat.labels ?? []).map(String);

const labelsOfChat = async (call, { chat }) =>
  idsOfLabels(await knownChat(chat)).map((id) => found.labels.get(id)).filter(Boolean).map(labelRecord);

async function setLabelsOfChat(call, { chat: id, labels }) {
  needsBusiness();
  const chat = await knownChat(id);
  labels.forEach(theLabel);
  const present = idsOfLabels(chat);
  const changes = [
    ...labels.filter((label) => !present.includes(label)).map((label) => ({ id: label, type: 'add' })),
    ...present.filter((label) => !labels.includes(label)).map((label) => ({ id: label, type: 'remove' })),
  ];
  if (!changes.length) return;
  call.hand();
  await found.labels.addOrRemoveLabels(changes, [chat]);
  const areThose = () => idsOfLabels(chat).sort().join() === [...labels].sort().join();
  if (!(await isShown(areThose))) throw new Failure('outcome_unknown', 'the page shows other labels on the chat');
}

async function chatsOfLabel(call, { id }) {
  theLabel(id);
  return use('chats').getModelsArray().filter((chat) => idsOfLabels(chat).includes(id)).map(chatRecord);
}
