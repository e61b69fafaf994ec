/* Owns the two kinds of id: Wid (who or where) and MsgKey (which message).
 * Both are real classes: libraries find them by their shape and rely on their methods. */

import { hex, randomBytes } from './bytes.js';
import { options } from './options.js';

export class Wid {
  static isId = true;

  constructor(text) {
    const [userAndDevice, server] = String(text).split('@');
    if (!userAndDevice || !server) throw new Error(`wid error: invalid wid ${text}`);
    const [user, device] = userAndDevice.split(':');
    this.server = server === 's.whatsapp.net' ? 'c.us' : server;
    this.user = user;
    if (device) this.device = Number(device);
    this._serialized = `${userAndDevice}@${this.server}`;
  }

  static isXWid(server, wid) {
    return Wid.isWid(wid) && wid.server === server;
  }
  static isWid(value) {
    return value instanceof Wid;
  }
  static isUser(value) {
    return /@(c\.us|lid)$/.test(String(value));
  }
  static isGroup(value) {
    return String(value).endsWith('@g.us');
  }
  static isLid(value) {
    return String(value).endsWith('@lid');
  }
  static isStatus(value) {
    return String(value) === 'status@broadcast';
  }
  static isBroadcast(value) {
    return String(value).endsWith('@broadcast');
  }
  static isNewsletter(value) {
    return String(value).endsWith('@newsletter');
  }
  static isBot() {
    return false;
  }
  static isServer() {
    return false;
  }

  toString() {
    return this._serialized;
  }
  toJid() {
    return this._serialized.replace('@c.us', '@s.whatsapp.net');
  }
  equals(other) {
    return String(other) === this._serialized;
  }
  isLessThan(other) {
    return this._serialized < String(other);
  }

  isUser() {
    return Wid.isUser(this);
  }
  isRegularUser() {
    return this.isUser();
  }
  isRegularUserPn() {
    return this.server === 'c.us';
  }
  isLid() {
    return this.server === 'lid';
  }
  isGroup() {
    return this.server === 'g.us';
  }
  isStatus() {
    return Wid.isStatus(this);
  }
  isBroadcast() {
    return this.server === 'broadcast';
  }
  isNewsletter() {
    return this.server === 'newsletter';
  }
  isCompanion() {
    return Boolean(this.device);
  }
  isBot() {
    return false;
  }
  isServer() {
    return false;
  }
  isPSA() {
    return false;
  }
  isIAS() {
    return false;
  }
  isHosted() {
    return false;
  }
  isGroupCall() {
    return false;
  }
}

/* Accepts a Wid, its text, or a plain object that once was one. */
export function createWid(value) {
  if (value == null || value instanceof Wid) return value;
  return new Wid(typeof value === 'object' ? value._serialized || String(value) : value);
}

/* Accepts what createWid does, or a bare phone number. */
export const createUserWid = (user, server = 'c.us') =>
  createWid(String(user).includes('@') ? user : `${user}@${server}`);

/* Set by account.js. */
export const self = { isMe: () => false, isKnown: () => false };

/* Either whence and whither, or the chat and the direction; and only for somebody who is logged in. */
function fill(key, from) {
  const isWid = (value) => value instanceof Wid;
  if ((from.remote === undefined) === (from.from === undefined || from.to === undefined)) {
    throw new Error('MsgKey error: either from and to, or remote and fromMe');
  }
  if (![from.remote, from.from, from.to, from.participant].every((wid) => wid === undefined || isWid(wid))) {
    throw new Error('MsgKey error: ids have to be wids');
  }
  if (from.remote === undefined && !self.isKnown()) throw new Error('MsgKey error: nobody is logged in');
  key.fromMe = from.remote === undefined ? self.isMe(from.from) : Boolean(from.fromMe);
  key.remote = from.remote ?? (key.fromMe ? from.to : from.from);
  key.id = from.id;
  if (from.participant) key.participant = from.participant;
  if (from.selfDir) key.self = from.selfDir;
  return [key.fromMe, key.remote, key.id, ...(key.participant ? [key.participant] : [])].join('_');
}

function parse(MessageKey, text) {
  const [direction, remote, id, participant] = String(text).split('_');
  return new MessageKey({
    fromMe: direction === 'true',
    remote: createWid(remote),
    id,
    participant: participant && participant !== 'out' ? createWid(participant) : undefined,
  });
}

/* Ids made by a browser begin with 3EB0, those of phones with 3A. */
const newId = async () => '3EB0' + hex(randomBytes(9));

/* wa-js reads the name of the property out of toString's source, so the two builds of the class
 * are two classes whose toString is written out. */
class PlainMsgKey {
  static isId = true;
  constructor(from) {
    if (!from) throw new Error('MsgKey error: obj is null/undefined');
    this._serialized = fill(this, from);
  }
  toString() {
    return this._serialized;
  }
  clone() {
    return new PlainMsgKey(this);
  }
  equals(other) {
    return String(other) === this.toString();
  }
  static fromString(text) {
    return parse(PlainMsgKey, text);
  }
  static from(value) {
    return typeof value === 'string' ? parse(PlainMsgKey, value) : new PlainMsgKey(value);
  }
  static newId = newId;
}

class MinifiedMsgKey {
  static isId = true;
  constructor(from) {
    if (!from) throw new Error('MsgKey error: obj is null/undefined');
    this.$1 = fill(this, from);
  }
  toString() {
    return this.$1;
  }
  clone() {
    return new MinifiedMsgKey(this);
  }
  equals(other) {
    return String(other) === this.toString();
  }
  static fromString(text) {
    return parse(MinifiedMsgKey, text);
  }
  static from(value) {
    return typeof value === 'string' ? parse(MinifiedMsgKey, value) : new MinifiedMsgKey(value);
  }
  static newId = newId;
}

export const MsgKey = options.minifiedKeys ? MinifiedMsgKey : PlainMsgKey;
