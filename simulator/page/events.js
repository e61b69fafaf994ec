/* Owns listening and telling, in the manner of the page's models: on, once, off, trigger.
 * A listener that throws is reported and never stops the others. */

export class Emitter {
  #listeners = new Map();

  on(names, listener, context) {
    for (const name of String(names).split(/\s+/)) {
      if (!this.#listeners.has(name)) this.#listeners.set(name, []);
      this.#listeners.get(name).push({ listener, context });
    }
    return this;
  }

  once(names, listener, context) {
    for (const name of String(names).split(/\s+/)) {
      const first = (...values) => {
        this.off(name, first);
        listener.apply(context || this, values);
      };
      first.original = listener;
      this.on(name, first);
    }
    return this;
  }

  off(names, listener) {
    if (!names) this.#listeners.clear();
    for (const name of names ? String(names).split(/\s+/) : []) {
      const kept = (this.#listeners.get(name) || []).filter(
        (entry) => listener && entry.listener !== listener && entry.listener.original !== listener,
      );
      this.#listeners.set(name, kept);
    }
    return this;
  }

  trigger(name, ...values) {
    this.#tell(name, values);
    if (name !== 'all') this.#tell('all', [name, ...values]);
    return this;
  }

  #tell(name, values) {
    for (const { listener, context } of [...(this.#listeners.get(name) || [])]) {
      try {
        listener.apply(context || this, values);
      } catch (error) {
        console.error(`a listener of ${name} failed`, error);
      }
    }
  }

  listenTo(other, names, listener) {
    other.on(names, listener, this);
    return this;
  }
  listenToOnce(other, names, listener) {
    other.once(names, listener, this);
    return this;
  }
  stopListening() {
    return this;
  }

  /* The same under the names of Node's emitters, which some libraries prefer. */
  addListener(name, listener) {
    return this.on(name, listener);
  }
  removeListener(name, listener) {
    return this.off(name, listener);
  }
  emit(name, ...values) {
    return this.trigger(name, ...values);
  }
}
