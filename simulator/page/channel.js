/* Owns the page's channel to its own server: commands in, states and questions out.
 * Reconnects by itself; questions that were not answered are asked again on the next channel. */

import { pause } from './bytes.js';

const RETRY_MS = 300;

const handlers = new Map();
const unanswered = new Map();
let socket = null;
let lastQuestion = 0;
let present = { op: 'state', state: 'loading' };

export const channel = {
  /* Called with true when the channel has opened, with false when it was lost. */
  onConnection: () => {},

  on(op, handler) {
    handlers.set(op, handler);
  },

  open() {
    return new Promise((resolve) => connect(resolve));
  },

  /* The server is told the present state, now and on every new channel. */
  setState(state, shown = {}) {
    present = { op: 'state', state, ...shown };
    tell(present);
  },
  get state() {
    return present.state;
  },

  tell,
  isOpen: () => socket?.readyState === WebSocket.OPEN,

  ask(ask, details = {}) {
    const rid = ++lastQuestion;
    const question = { op: 'ask', rid, ask, ...details };
    return new Promise((resolve) => {
      unanswered.set(rid, { question, resolve });
      tell(question);
    });
  },
};

function tell(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect(ready) {
  const address = new URL('/sim/channel', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  socket = new WebSocket(address);
  socket.onopen = async () => {
    tell({ op: 'hello', user_agent: navigator.userAgent });
    tell(present);
    channel.onConnection(true);
    for (const { question } of unanswered.values()) tell(question);
    ready();
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.op === 'reply') {
      unanswered.get(message.rid)?.resolve(message.answer);
      unanswered.delete(message.rid);
      return;
    }
    handlers.get(message.op)?.(message);
  };
  socket.onclose = async () => {
    channel.onConnection(false);
    await pause(RETRY_MS);
    connect(ready);
  };
}
