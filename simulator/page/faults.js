/* Owns misbehaving on demand. Each fault takes the value given with it; `none` ends what can end.
 * Faults of sending and synchronising are played by the server, not here. */

import { channel } from './channel.js';
import { nextQr } from './linking.js';
import { ban, endOffline, enterConflict, goOffline, leaveConflict } from './session.js';

const MEGABYTE = 1024 * 1024;
const HELD = [];
let leaking;

/* Live objects, not one buffer: buffers lie outside the heap that the browser reports. */
function hold(megabytes) {
  for (let count = 0; count < megabytes; count++) {
    HELD.push(Array.from({ length: MEGABYTE / 64 }, (_, index) => ({ index, text: `kept ${index}` })));
  }
}

function stop() {
  clearInterval(leaking);
  HELD.length = 0;
}

const faults = {
  hang(ms) {
    const end = ms ? performance.now() + ms : Infinity;
    while (performance.now() < end);
  },
  leak(megabytesPerSecond) {
    clearInterval(leaking);
    if (!megabytesPerSecond) return stop();
    leaking = setInterval(() => hold(1), 1000 / megabytesPerSecond);
  },
  ballast(megabytes) {
    stop();
    hold(megabytes || 0);
  },
  /* Beyond the heap's limit V8 ends the renderer; strings too large to collect get there fast. */
  crash() {
    for (;;) HELD.push(new Array(4 * MEGABYTE).fill({}));
  },
  conflict(value) {
    if (value === 0) leaveConflict();
    else enterConflict();
  },
  offline(ms) {
    if (ms === 0) endOffline();
    else goOffline(ms);
  },
  ban,
  expire_qr: nextQr,
  none() {
    stop();
    leaveConflict();
    endOffline();
  },
};

channel.on('fault', ({ fault, value }) => faults[fault]?.(value));
