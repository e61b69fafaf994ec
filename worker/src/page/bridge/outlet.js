/* The way out. Owns the binding through which the bridge tells the worker; everything it tells is JSON of
 * version 1 with a `type`. The files of this folder are one function body, in the order of script.rs;
 * `settings` is its argument. */

const VERSION = 1;
const outlet = window[settings.binding];
/* The page has no business here, and neither has a frame inside it: the binding is there for them too. */
delete window[settings.binding];
if (window.top !== window || location.origin !== settings.origin || typeof outlet !== 'function') return;

/* Own copies: a page that replaces these must not change what the bridge says. */
const { stringify } = JSON;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/* By when it began: a later one has a greater number. */
const DOCUMENT = performance.timeOrigin;

function emit(type, fields) {
  outlet(stringify({ v: VERSION, type, ...fields }));
}

/* An error that the worker understands; `kind` is one of its CallErrorKind. Texts carry no number, no message. */
class Failure extends Error {
  constructor(kind, text) {
    super(text);
    this.kind = kind;
  }
}
