/* Owns who this page is: the keys shown in the QR code and, once linked, the registration.
 * The registration is in the profile before anything else happens with it. */

import { encodeBase64, randomBytes } from './bytes.js';
import * as database from './database.js';
import { createWid, self } from './ids.js';
import { learn, lidOf } from './lids.js';

/* There while a logout clears the profile: if it is cut short, the next document goes on with it. */
export const CLEARING_KEY = 'post-logout';
/* Two keys go at once when a logout begins; their names on the real page are not known. */
const SESSION_KEYS = ['WASimulatedSession', 'WASimulatedSessionIv'];

const newKeys = () => ({
  noisePublic: randomBytes(32),
  identityPublic: randomBytes(32),
  advSecret: encodeBase64(randomBytes(32)),
  registrationId: randomBytes(2)[0] * 256 + 1,
});

export const account = {
  /* { number, device, name } once linked */
  identity: null,
  keys: newKeys(),

  isLinked() {
    return this.identity !== null;
  },
  wid() {
    return this.identity ? createWid(`${this.identity.number}@c.us`) : null;
  },
  deviceWid() {
    return this.identity ? createWid(`${this.identity.number}:${this.identity.device}@c.us`) : null;
  },
  lid() {
    return this.identity ? lidOf(this.identity.number) : null;
  },
  isMe(wid) {
    return this.isLinked() && (this.wid().equals(wid) || Boolean(this.lid()?.equals(wid)));
  },

  async load() {
    const saved = await database.get('account', 'me');
    if (saved) Object.assign(this, { identity: saved.identity, keys: saved.keys });
    learn(this.lid(), this.wid());
    return this.isLinked();
  },
  async register(identity) {
    this.identity = identity;
    learn(this.lid(), this.wid());
    localStorage.setItem('last-wid-md', JSON.stringify(String(this.deviceWid())));
    for (const key of SESSION_KEYS) localStorage.setItem(key, encodeBase64(randomBytes(16)));
    database.put('account', { id: 'me', identity, keys: this.keys });
    await database.flush();
  },
  /* The first step of a logout, before the server is told. */
  dropSessionKeys() {
    for (const key of SESSION_KEYS) localStorage.removeItem(key);
  },
  /* Registration and keys; what stands in the databases goes with `database.wipe()`. */
  forget() {
    this.identity = null;
    for (const key of Object.keys(localStorage)) if (key !== CLEARING_KEY) localStorage.removeItem(key);
  },
};

/* Message keys need to know whose they are. */
self.isMe = (wid) => account.isMe(wid);
self.isKnown = () => account.isLinked();

/* What a phone's camera reads. */
export const qrText = (ref) =>
  [
    ref,
    encodeBase64(account.keys.noisePublic),
    encodeBase64(account.keys.identityPublic),
    account.keys.advSecret,
    '1',
  ].join(',');
