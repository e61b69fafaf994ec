/* One session's worker and browser from their start to rest, as /proc tells: the peak on the way, the processor time of
 * the first seconds, and what is left after a while at rest. Owns no process. */

import { setTimeout as pause } from 'node:timers/promises';

import { memory, processorSeconds, tree } from './processes.mjs';

const FIRST_SECONDS = 20;
const SAMPLE_MS = 250;

const sum = (values) => [...values].reduce((left, right) => left + right, 0);
const seconds = (since) => (performance.now() - since) / 1000;

/* Without the server itself: the worker, and the browser with all its processes. */
const session = (server, folder) => tree(server, folder).filter(({ pid }) => pid !== server);

/* `isReady` asks the server. To be called when the server has just been started. */
export async function follow(server, folder, isReady, restSeconds) {
  let begun = null;
  let peak = 0;
  let first = null;
  let readyAfter = null;
  let readyAt = null;
  while (readyAt === null || first === null || seconds(readyAt) < restSeconds) {
    const processes = session(server, folder);
    if (processes.length > 0) begun ??= performance.now();
    if (begun !== null) {
      /* Once up, memory only falls, and looking at it wakes what is at rest. */
      if (first === null) peak = Math.max(peak, memory(processes).pss);
      if (first === null && seconds(begun) >= FIRST_SECONDS) first = sum(processorSeconds(processes).values());
      if (readyAt === null && (await isReady())) {
        readyAt = performance.now();
        readyAfter = seconds(begun);
      }
    }
    await pause(SAMPLE_MS);
  }
  const processes = session(server, folder);
  const { pss, anonymous } = memory(processes);
  return {
    pss_mb: pss / 2 ** 20,
    anon_mb: anonymous / 2 ** 20,
    peak_mb: peak / 2 ** 20,
    first_cpu_s: first,
    rest_cpu_s: sum(processorSeconds(processes).values()),
    ready_s: readyAfter,
  };
}
