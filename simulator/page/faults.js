/* Owns misbehaving on demand. Each fault takes the value given with it; `none` ends what can end.
 * Faults of sending and synchronising are played by the server, not here. */

import { channel } from './channel.js';
import { SOCKET_STATE, SOCKET_STREAM, Socket } from './connection.js';
import { nextQr } from './linking.js';
import { forgetFiles } from './media.js';
import {
  endOffline,
  enterConflict,
  forceLogout,
  goOffline,
  leaveConflict,
  lockScreen,
  loseTabLock,
  refuseWith,
  relogin,
} from './session.js';

const HELD = [];
const DEFAULT_LEAK = 10;
let leaking;

/* Live arrays of random numbers: buffers would lie outside the heap that the browser reports, and
 * equal pages could be merged by the kernel. */
const KILOBYTES_PER_ARRAY = 2;
const newArray = () => Array.from({ length: (KILOBYTES_PER_ARRAY * 1024) / 8 }, Math.random);
function hold(megabytes) {
  HELD.push(Array.from({ length: (megabytes * 1024) / KILOBYTES_PER_ARRAY }, newArray));
}

function stop() {
  clearInterval(leaking);
  HELD.length = 0;
}

/* The stream that is shown as lost and back, time after time, while the socket itself stays: only the state flips. */
const DEFAULT_FLIP_MS = 10;
let flipping;
function endFlips() {
  if (flipping === undefined) return;
  flipping = clearInterval(flipping);
  if (Socket.state === SOCKET_STATE.CONNECTED) Socket.stream = SOCKET_STREAM.CONNECTED;
}
function flip() {
  const { CONNECTED, DISCONNECTED } = SOCKET_STREAM;
  if (Socket.state !== SOCKET_STATE.CONNECTED) return;
  Socket.stream = Socket.stream === CONNECTED ? DISCONNECTED : CONNECTED;
}

const faults = {
  hang(ms) {
    const end = performance.now() + (ms ?? Infinity);
    while (performance.now() < end);
  },
  leak(megabytesPerSecond) {
    clearInterval(leaking);
    if (megabytesPerSecond === 0) return stop();
    leaking = setInterval(() => hold(1), 1000 / (megabytesPerSecond ?? DEFAULT_LEAK));
  },
  ballast(megabytes) {
    stop();
    hold(megabytes || 0);
  },
  /* An array beyond V8's largest ends the renderer at once; a V8 that refuses runs out of heap. */
  crash() {
    try {
      HELD.push('ab'.repeat(2 ** 27 + 8).split(''));
    } catch {
      for (;;) HELD.push(new Array(4_000_000).fill(HELD));
    }
  },
  /* 2: the stream's own state does not show it. */
  conflict(value) {
    if (value === 0) leaveConflict();
    else enterConflict(value === 2);
  },
  /* ms between two flips. */
  flip(ms) {
    endFlips();
    if (ms !== 0) flipping = setInterval(flip, ms ?? DEFAULT_FLIP_MS);
  },
  offline(ms) {
    if (ms === 0) endOffline();
    else goOffline(ms);
  },
  refuse(code) {
    refuseWith(code ?? 503);
  },
  /* The account is locked. */
  ban() {
    refuseWith(403);
  },
  relogin,
  expire_qr: nextQr,
  /* ms until the phone has uploaded a file again; absent: until it is online, which 0 says. */
  reupload: (ms) => forgetFiles(ms, false),
  reupload_fails: (ms) => forgetFiles(ms, true),
  screen_lock: (on) => lockScreen(on !== 0),
  other_tab: loseTabLock,
  /* ms until the dialog goes by itself; absent: it waits for a click. */
  forced_logout: forceLogout,
  none() {
    stop();
    endFlips();
    refuseWith(0);
    leaveConflict();
    endOffline();
    forgetFiles(0);
    lockScreen(false);
  },
};

/* The value 0 ends a fault; those that cannot end have nothing to do then. */
const ENDLESS = ['crash', 'ban', 'expire_qr', 'relogin', 'other_tab', 'forced_logout'];
channel.on('fault', ({ fault, value }) => {
  if (value !== 0 || !ENDLESS.includes(fault)) faults[fault]?.(value);
});
