/* Owns a business account's labels and which chats have them. */

import { ChatStore } from './stores.js';
import { Collection, Model } from './models.js';
import { keepFlags } from './chatlist.js';
import { Conn } from './connection.js';
import { allow, findOwn, isRefused, keep, own, ServerStatusCodeError } from './records.js';

export const PALETTE = [
  '#ff9485',
  '#64c4ff',
  '#ffd429',
  '#dfaef0',
  '#99b6c1',
  '#55ccb3',
  '#ff9dff',
  '#d3a91d',
  '#6d7cce',
  '#d7e752',
  '#00d0e2',
  '#ffc5c7',
  '#93ceac',
  '#f74848',
  '#00a0f2',
  '#83e422',
  '#ffaf04',
  '#b5ebff',
  '#9ba6ff',
  '#9368cf',
];

class LabelItemModel extends Model {
  static props = ['id', 'parentType', 'parentId', 'labelId'];
}

export class LabelModel extends Model {
  static props = ['id', 'name', 'colorIndex', 'predefinedId', 'labelItemCollection'];
  initialize() {
    this.attributes.labelItemCollection ??= new Collection(LabelItemModel);
  }
  get hexColor() {
    return this.attributes && PALETTE[this.colorIndex];
  }
  get count() {
    return this.attributes && this.labelItemCollection.length;
  }
}
LabelModel.prototype.proxyName = 'label';

export class LabelCollectionImpl extends Collection {
  async addOrRemoveLabels(changes, chats) {
    await allow('label');
    for (const chat of chats) {
      const labels = new Set((chat.labels ?? []).map(String));
      for (const { id, type } of changes) {
        if (!this.get(id)) throw new ServerStatusCodeError(404);
        if (type === 'add') labels.add(String(id));
        else labels.delete(String(id));
      }
      chat.labels = [...labels];
      showItems(chat);
      await keepFlags(chat);
    }
  }
  getNextAvailableColor() {
    return this.length % PALETTE.length;
  }
}
export const LabelStore = new LabelCollectionImpl(LabelModel);

/* Libraries look from the label to its chats. */
export function showItems(chat) {
  const id = String(chat.id);
  for (const label of LabelStore.getModelsArray()) {
    if ((chat.labels ?? []).includes(String(label.id))) {
      label.labelItemCollection.add({ id, parentType: 'Chat', parentId: id, labelId: label.id });
    } else label.labelItemCollection.remove(id);
  }
}

const store = ({ id, name, colorIndex }) => keep('label', own(id), { id, name, color: colorIndex });

export const nextId = async () => Math.max(0, ...LabelStore.map(({ id }) => Number(id))) + 1;

/* A label of the phone's: new, or changed. */
export async function putLabel(id, name, color = 0) {
  const colorIndex = Number(color ?? 0);
  const label = LabelStore.get(id)?.set({ name, colorIndex }) ?? LabelStore.add({ id, name, colorIndex });
  await store(label);
}

function mustBeBusiness() {
  if (!Conn.isSMB) throw new Error('Invariant Violation: labels cannot be edited');
}

/* Its failure is no answer. */
export async function addLabel(name, colorIndex) {
  mustBeBusiness();
  if (await isRefused('label')) return undefined;
  const label = LabelStore.add({ id: String(await nextId()), name, colorIndex: Number(colorIndex) });
  await store(label);
  return label.id;
}
/* How a refusal of these two looks is not certain. */
export async function editLabel(id, name, predefinedId, colorIndex) {
  mustBeBusiness();
  await allow('label');
  await store(LabelStore.get(String(id)).set({ name, colorIndex: Number(colorIndex) }));
}
export async function deleteLabel(idOrOptions) {
  mustBeBusiness();
  await allow('label');
  await dropLabel(String(idOrOptions?.labelId ?? idOrOptions));
}

/* A label is gone, here or on the phone. */
export async function dropLabel(id) {
  const labelled = ChatStore.filter((chat) => (chat.labels ?? []).includes(id));
  await LabelStore.addOrRemoveLabels([{ id, type: 'remove' }], labelled);
  LabelStore.remove(id);
  await keep('label', own(id), null);
}

export async function loadLabels() {
  for (const [id, { name, color }] of await findOwn('label')) LabelStore.add({ id, name, colorIndex: color });
  ChatStore.getModelsArray().forEach(showItems);
}
