/* Labels, which business accounts have. Owns what is done with them; what one looks like is in flags.js. */

const labelStore = () => W.whatsapp.LabelStore;

function theLabel(id) {
  const label = labelStore().get(id);
  if (!label) throw new Failure('not_found', 'no such label');
  return label;
}

function needsBusiness() {
  if (!W.profile.isBusiness()) throw new Failure('unsupported', 'only business accounts have labels');
}

const listLabels = async () => labelStore().getModelsArray().map(labelRecord);

async function createLabel(call, { label: name, color }) {
  needsBusiness();
  const before = new Set(
    labelStore()
      .getModelsArray()
      .map(({ id }) => String(id)),
  );
  call.hand();
  /* As text: wa-js takes the number 0 for none. */
  await W.labels.addNewLabel(name, { labelColor: String(color) });
  const made = labelStore()
    .getModelsArray()
    .find((one) => !before.has(String(one.id)) && one.name === name);
  if (!made) throw new Failure('outcome_unknown', 'the page does not show the label that it made');
  return labelRecord(made);
}

async function updateLabel(call, { id, label: name, color }) {
  needsBusiness();
  theLabel(id);
  call.hand();
  await W.labels.editLabel(id, { name, labelColor: String(color) });
  return labelRecord(theLabel(id));
}

async function deleteLabel(call, { id }) {
  needsBusiness();
  theLabel(id);
  call.hand();
  await W.labels.deleteLabel(id);
}

const labelsOfChat = async (call, { chat }) =>
  ((await knownChat(chat)).labels ?? [])
    .map((id) => labelStore().get(id))
    .filter(Boolean)
    .map(labelRecord);

async function setLabelsOfChat(call, { chat: id, labels }) {
  needsBusiness();
  const chat = await knownChat(id);
  labels.forEach(theLabel);
  const present = (chat.labels ?? []).map(String);
  const changes = [
    ...labels.filter((label) => !present.includes(label)).map((labelId) => ({ labelId, type: 'add' })),
    ...present.filter((label) => !labels.includes(label)).map((labelId) => ({ labelId, type: 'remove' })),
  ];
  call.hand();
  if (changes.length) await W.labels.addOrRemoveLabels(idOf(chat.id), changes);
}

async function chatsOfLabel(call, { id }) {
  theLabel(id);
  return use('chats')
    .getModelsArray()
    .filter((chat) => (chat.labels ?? []).map(String).includes(id))
    .map(chatRecord);
}
