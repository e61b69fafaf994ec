/* Owns the two shapes everything in the page has: a model with observable attributes, and a
 * collection of models that passes their changes on. Knows nothing of chats or messages. */

import { Emitter } from './events.js';

/* Values that serialise as plain objects rather than as models. */
const isId = (value) => typeof value?.toString === 'function' && value.constructor?.isId === true;

export class Model extends Emitter {
  /* Subclasses name the attributes that exist even while they are undefined. */
  static props = [];

  constructor(attributes = {}) {
    super();
    Object.defineProperty(this, 'attributes', { value: {}, enumerable: false });
    for (const name of this.constructor.props) this.#declare(name);
    this.set(attributes, { silent: true });
    this.initialize();
  }

  initialize() {}

  /* An attribute looks like a property; a getter of the class with the same name wins. */
  #declare(name) {
    if (name in this) return;
    Object.defineProperty(this, name, {
      enumerable: true,
      configurable: true,
      get: () => this.attributes[name],
      set: (value) => this.set(name, value),
    });
  }

  set(nameOrAttributes, valueOrOptions, maybeOptions) {
    const single = typeof nameOrAttributes === 'string';
    const attributes = single ? { [nameOrAttributes]: valueOrOptions } : nameOrAttributes || {};
    const { silent } = (single ? maybeOptions : valueOrOptions) || {};
    const changed = [];
    for (const name of Object.keys(attributes)) {
      this.#declare(name);
      const before = this.attributes[name];
      if (before === attributes[name]) continue;
      this.attributes[name] = attributes[name];
      changed.push([name, before]);
    }
    if (silent || changed.length === 0) return this;
    for (const [name, before] of changed) this.trigger(`change:${name}`, this, this.attributes[name], before);
    this.trigger('change', this);
    return this;
  }

  get(name) {
    return this.attributes[name];
  }
  unset(name) {
    return this.set(name, undefined);
  }

  serialize() {
    const plain = {};
    for (const [name, value] of Object.entries(this.attributes)) {
      if (value === undefined || typeof value === 'function') continue;
      plain[name] = serializeValue(value);
    }
    return plain;
  }
  toJSON() {
    return this.serialize();
  }

  /* Some builds hand out proxies of models; here the model is its own proxy. */
  unsafe() {
    return this;
  }
  safe() {
    return this;
  }
  get isState() {
    return true;
  }
}

function serializeValue(value) {
  if (value instanceof Collection) return value.getModelsArray().map((model) => model.serialize());
  if (value instanceof Model) return value.serialize();
  return isId(value) ? Object.assign({}, value) : value;
}

const keyOf = (id) => (id == null ? undefined : String(id));

export class Collection extends Emitter {
  #models = [];
  #byKey = new Map();

  constructor(modelClass = Model) {
    super();
    if (!modelClass) throw new Error('Collection initialized without model');
    this.modelClass = modelClass;
    /* Listening to a collection hears every model in it. */
    Object.defineProperty(this, 'passOn', {
      value: (name, ...values) => /^change/.test(name) && this.trigger(name, ...values),
    });
  }

  add(modelOrList) {
    if (Array.isArray(modelOrList)) return modelOrList.map((one) => this.add(one));
    const given = modelOrList;
    const known = this.#byKey.get(keyOf(given.id));
    if (known) return known === given ? known : known.set(given instanceof Model ? given.attributes : given);
    const model = given instanceof this.modelClass ? given : new this.modelClass(given);
    if (!model.collection) Object.defineProperty(model, 'collection', { value: this, configurable: true });
    this.#models.push(model);
    this.#byKey.set(keyOf(model.id), model);
    model.on('all', this.passOn);
    this.trigger('add', model, this);
    return model;
  }
  gadd(id) {
    return this.get(id) || this.add({ id });
  }

  /* Puts older models in front, where a chat's earlier messages belong. */
  addInFront(list) {
    const added = this.add(list);
    const front = new Set(added);
    this.#models = [...added, ...this.#models.filter((model) => !front.has(model))];
    return added;
  }

  remove(modelOrId) {
    const key = keyOf(modelOrId?.id ?? modelOrId);
    const model = this.#byKey.get(key);
    if (!model) return undefined;
    this.#byKey.delete(key);
    this.#models = this.#models.filter((other) => other !== model);
    model.off('all', this.passOn);
    this.trigger('remove', model, this);
    return model;
  }

  /* A model is known by another id from now on, which it gets itself afterwards. */
  rename(id, newId) {
    const model = this.#byKey.get(keyOf(id));
    this.#byKey.delete(keyOf(id));
    if (model) this.#byKey.set(keyOf(newId), model);
  }

  reset() {
    for (const model of this.#models) model.off('all', this.passOn);
    this.#models = [];
    this.#byKey.clear();
    this.trigger('reset');
  }

  get(idOrModel) {
    const id = idOrModel instanceof Model ? idOrModel.id : idOrModel;
    return this.#byKey.get(keyOf(id));
  }
  assertGet(id) {
    const model = this.get(id);
    if (!model) throw new Error(`collection: ${id} is not here`);
    return model;
  }
  async find(id) {
    return this.gadd(id);
  }
  async findImpl(id) {
    return this.find(id);
  }
  async update(id) {
    return this.get(id);
  }

  get length() {
    return this.#models.length;
  }
  get models() {
    return this.#models;
  }
  /* Some libraries reach behind the collection. */
  get _models() {
    return this.#models;
  }
  getModelsArray() {
    return this.#models;
  }
  serialize() {
    return this.#models.map((model) => model.serialize());
  }
  toArray() {
    return [...this.#models];
  }
  map(change) {
    return this.#models.map(change);
  }
  filter(test) {
    return this.#models.filter(test);
  }
  forEach(visit) {
    this.#models.forEach(visit);
  }
  some(test) {
    return this.#models.some(test);
  }
  findFirst(test) {
    return this.#models.find(test);
  }
  head() {
    return this.#models[0];
  }
  last() {
    return this.#models.at(-1);
  }
  byIndex() {
    return [];
  }
}
