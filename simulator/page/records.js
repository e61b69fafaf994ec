/* Owns the page's way to what its server knows beyond messages: records by kind and id. Ids of what belongs to one
 * account begin with its number. The rules of the real server are with those who call. */

import { account } from './account.js';
import { channel } from './channel.js';

/* How the page refuses by itself: nothing was sent, and nothing is said. */
export class ActionError extends Error {
  constructor() {
    super('');
    this.name = 'ActionError';
  }
}

/* How the real server refuses. */
export class ServerStatusCodeError extends Error {
  constructor(statusCode) {
    super(`server status ${statusCode}`);
    this.name = 'ServerStatusCodeError';
    this.statusCode = statusCode;
    this.status = statusCode;
  }
}

/* How the page says that there is no connection, where it asks first. */
export class NetworkUnavailable extends Error {
  constructor() {
    super('no connection');
    this.name = 'NetworkUnavailable';
  }
}

/* What the server refuses this account, for tests: record `refusal`, by what is done, a status; or `network`; or `lost`:
 * the answer did not come, and the page fails without saying anything; or `silent`: it waits for one. */
export const isRefused = async (what) => heard((await find('refusal', own(what))) ?? 0);
export async function heard(said) {
  if (said === 'lost') throw new Error('the answer was lost');
  if (said === 'silent') await new Promise(() => {});
  return said;
}
export async function allow(what, otherwise) {
  const status = (await isRefused(what)) || otherwise;
  if (status === 'network') throw new NetworkUnavailable();
  if (status) throw new ServerStatusCodeError(status);
}

export const own = (id) => `${account.identity.number}/${id}`;

export const find = async (kind, id) => (await channel.ask('find', { kind, id: String(id) })).value;
export const findAll = async (kind) => Object.entries((await channel.ask('find', { kind })).values ?? {});

/* This account's records of a kind, without the number in their ids. */
export async function findOwn(kind) {
  const prefix = own('');
  const rows = await findAll(kind);
  return rows.filter(([id]) => id.startsWith(prefix)).map(([id, value]) => [id.slice(prefix.length), value]);
}

export const keep = (kind, id, value, tell = [], change = null) =>
  channel.ask('keep', { kind, id: String(id), value, tell, change });

export const did = (what, details = {}) => channel.ask('did', { what, details });
