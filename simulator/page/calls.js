/* Owns calls that ring: the collection that libraries watch, and refusing one. Nobody can speak here. */

import { Emitter } from './events.js';
import { createWid } from './ids.js';
import { Model } from './models.js';
import { did } from './records.js';

export const CALL_STATES = {
  INCOMING_RING: 'INCOMING_RING',
  ReceivedCall: 'ReceivedCall',
  ENDED: 'ENDED',
  REJECTED: 'REJECTED',
};

export class CallModel extends Model {
  static props = ['id', 'peerJid', 'isVideo', 'isGroup', 'outgoing', 'offerTime', 'state', 'participants'];
  getState() {
    return this.state;
  }
  get canHandleLocally() {
    return false;
  }
  get webClientShouldHandle() {
    return false;
  }
}
CallModel.prototype.proxyName = 'call';

/* whatsapp-web.js looks for the Map inside to notice calls. */
class CallCollection extends Emitter {
  calls = new Map();
  activeCall = null;
  processIncomingCall() {}
  getModelsArray() {
    return [...this.calls.values()];
  }
  get(id) {
    return this.calls.get(id);
  }
  findFirst(test) {
    return this.getModelsArray().find(test);
  }
  get length() {
    return this.calls.size;
  }
}
export const CallStore = new CallCollection();

export function receiveCall({ id, from, video, group, state, timestamp }) {
  const known = CallStore.get(id);
  if (state === 'ended') return known && end(known, CALL_STATES.ENDED);
  const call = new CallModel({
    id,
    peerJid: createWid(from),
    isVideo: video,
    isGroup: group,
    outgoing: false,
    offerTime: timestamp,
    state: 'NONE',
    participants: [],
  });
  CallStore.calls.set(id, call);
  CallStore.trigger('add', call, CallStore);
  call.state = CALL_STATES.INCOMING_RING;
  CallStore.trigger('change:state', call, call.state);
  CallStore.trigger('change', call);
}

function end(call, state) {
  call.state = state;
  CallStore.trigger('change:state', call, state);
  CallStore.trigger('change', call);
  CallStore.calls.delete(call.id);
  CallStore.trigger('remove', call, CallStore);
}

/* A stanza as libraries build it, when it refuses a call. */
export async function sendStanza(stanza) {
  const [refusal] = (stanza.content ?? []).filter(({ tag }) => tag === 'reject');
  if (stanza.tag !== 'call' || !refusal) return;
  const id = refusal.attrs['call-id'];
  await did('reject_call', { id, from: String(stanza.attrs.to) });
  const call = CallStore.get(id);
  if (call) end(call, CALL_STATES.REJECTED);
}
export const wap = (tag, attrs, content) => ({ tag, attrs, content });
