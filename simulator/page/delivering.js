/* Owns the way of what is sent to the server. */

import { channel } from './channel.js';
import { createWid, MsgKey } from './ids.js';
import { served } from './lids.js';
import { untilReachable } from './reach.js';
import { heard } from './records.js';

export async function deliver({ to, ...message }, what) {
  await untilReachable();
  return channel.ask('send', { what, message: { ...message, to: String(served(createWid(to))) } });
}

/* What the server says to something that is sent. */
export async function taken(what, message) {
  const { refused, ...answer } = await deliver(message, what);
  return refused ? { ok: false, error: await heard(refused) } : answer;
}

/* The phone sees edits, revocations and reactions as messages of their own, about another one. */
export async function tellAbout(message, type, details, key) {
  const id = `true_${message.id.remote}_${key ?? (await MsgKey.newId())}`;
  return taken(type, { id, to: String(message.id.remote), type, about: String(message.id), ...details });
}
