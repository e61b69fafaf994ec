/* Owns calls that ring: the collection that libraries watch, and refusing one. Nobody can speak here. */

import { Emitter } from './events.js';
import { createWid } from './ids.js';
import { Model } from './models.js';
import { allow, did } from './records.js';

/* Numbers, as the page has them. */
export const CALL_STATES = {
  None: 0,
  Calling: 1,
  ReceivedCall: 3,
  AcceptSent: 4,
  CallActive: 6,
  CallActiveElseWhere: 7,
  ReceivedCallWithoutOffer: 8,
  CallStateEnding: 13,
};

/* There is no property `state`; it tells of a change without saying which. */
export class CallModel extends Model {
  static props = ['id', 'peerJid', 'isVideo', 'isGroup', 'groupJid', 'outgoing', 'offerTime', 'participants'];
  #state = null;
  getState() {
    return this.#state;
  }
  become(state) {
    this.#state = state;
    this.trigger('change:state');
  }
  get canHandleLocally() {
    return false;
  }
  get webClientShouldHandle() {
    return false;
  }
}
CallModel.prototype.proxyName = 'call';

/* Tells nothing of calls that come and go: no `add`, no `remove`, no `change`, and no length. Whoever wants to notice
 * one looks at the Map inside. */
class CallCollection extends Emitter {
  calls = new Map();
  activeCall = null;
  setActiveCall(call) {
    this.activeCall = call;
    this.trigger('change:activeCall', this, call);
  }
  add(call) {
    this.calls.set(call.id, call);
    return call;
  }
  processIncomingCall(id, peerJid, offer) {
    return this.add(new CallModel({ id, peerJid, participants: [], outgoing: false, ...offer }));
  }
  getModelsArray() {
    return [...this.calls.values()];
  }
  get(id) {
    return this.calls.get(id);
  }
  findFirst(test) {
    return this.getModelsArray().find(test);
  }
}
export const CallStore = new CallCollection();

const HEARD = {
  ringing: CALL_STATES.ReceivedCall,
  active: CALL_STATES.CallActive,
  elsewhere: CALL_STATES.CallActiveElseWhere,
  ended: CALL_STATES.CallStateEnding,
};

/* Where a call is announced that this device is not offered. */
export const callNotifications = new Emitter();
const ANNOUNCED_MS = 45_000;

/* The model has no state; after 45 s it goes, and so does the announcement. An older one does nothing. */
function announce(id, peerJid, offer) {
  const left = offer.offerTime * 1000 + ANNOUNCED_MS - Date.now();
  if (left <= 0) return;
  CallStore.processIncomingCall(id, peerJid, offer);
  const { isVideo, isGroup } = offer;
  callNotifications.trigger('alert_call', { wid: peerJid, msgId: id, isVideo, isGroup, isSilenced: false });
  setTimeout(() => {
    if (CallStore.get(id)?.getState() !== null) return;
    callNotifications.trigger('cancel_call', { wid: peerJid, msgId: id });
    CallStore.calls.delete(id);
  }, left);
}

/* A call that is over stays in the collection. */
export function receiveCall({ id, from, video, group, state, timestamp }) {
  const offer = { isVideo: video, isGroup: group, offerTime: timestamp };
  if (state === 'announced') return announce(id, createWid(from), offer);
  const call = CallStore.get(id) ?? (state === 'ringing' && CallStore.processIncomingCall(id, createWid(from), offer));
  if (call) call.become(HEARD[state]);
}

/* A stanza as libraries build it, when it refuses a call. */
export async function sendStanza(stanza) {
  const [refusal] = (stanza.content ?? []).filter(({ tag }) => tag === 'reject');
  if (stanza.tag !== 'call' || !refusal) return;
  const id = refusal.attrs['call-id'];
  await allow('reject_call');
  await did('reject_call', { id, from: String(stanza.attrs.to) });
  const call = CallStore.get(id);
  if (call) call.become(CALL_STATES.CallStateEnding);
}
export const wap = (tag, attrs, content) => ({ tag, attrs, content });
