/* Owns who is who: which lid stands for which number, as far as this page was told; kept in the profile.
 * The server behind the simulator knows people by their numbers. Where an account is migrated, or a group names its
 * members by lids, everything passes through here on its way in (`shown`) and out (`served`). */

import * as database from './database.js';
import { createWid } from './ids.js';
import { options } from './options.js';

/* WhatsApp names no lid for numbers with this ending. */
const WITHOUT_LID = '9404';

export const isMigrated = () => options.migrated;

/* The lid that the server gives a number. It looks nothing like the number, but is always the same for it. */
export function lidOf(number) {
  if (number.endsWith(WITHOUT_LID)) return undefined;
  let mixed = 7n;
  for (const digit of number) mixed = (mixed * 31n + BigInt(digit) + 11n) % 89_999_999_999_989n;
  return createWid(`${10_000_000_000_000n + mixed}@lid`);
}

/* ---- what the page was told ---- */

const numbers = new Map();
const lids = new Map();

export function learn(lid, number) {
  if (!lid || !number) return;
  numbers.set(String(lid), createWid(number));
  lids.set(String(number), createWid(lid));
  database.put('lids', { id: String(lid), number: String(number) });
}

export async function loadLids() {
  for (const { id, number } of await database.all('lids')) {
    numbers.set(id, createWid(number));
    lids.set(number, createWid(id));
  }
}

/* The page's own cache. Nothing is asked. */
function ofUser(wid) {
  const asked = createWid(wid);
  if (asked.isCompanion()) throw new Error(`${asked.server}: a user's wid is needed, not a device's`);
  return String(asked);
}
export const getPhoneNumber = (lid) => numbers.get(ofUser(lid));
export const getCurrentLid = (number) => lids.get(ofUser(number));
export const otherName = (wid) => (createWid(wid).isLid() ? getPhoneNumber(wid) : getCurrentLid(wid));

/* ---- on the way in and out ---- */

/* Somebody as the server names them, by lid; who wrote to this account tells its number with it. */
export function byLid(wid) {
  const person = createWid(wid);
  if (!person?.isRegularUserPn()) return person;
  const lid = getCurrentLid(person) ?? lidOf(person.user);
  learn(lid, person);
  return lid ?? person;
}

/* Somebody as this account's server names them. */
export const shown = (wid) => (isMigrated() ? byLid(wid) : createWid(wid));

/* As the server behind the simulator knows somebody: by number, where there is one. */
export const served = (wid) => (createWid(wid)?.isLid() ? (getPhoneNumber(wid) ?? wid) : wid);
