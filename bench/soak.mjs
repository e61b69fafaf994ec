/* Hours of life in minutes: four real sessions with messages both ways, codes that expire, connections that are lost,
 * a phone that logs out. Says what everything took over time, and whether that grew.
 *
 *   node soak.mjs --minutes 10 --messages 20000     SOAK.md is written; fails on a wrong result or on growth
 *   node soak.mjs --smoke                           half a minute; nothing is written, growth is only told
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { machine } from './lib/machine.mjs';
import { naming, pss, tree } from './lib/processes.mjs';
import { json, until } from './lib/run.mjs';
import { binary, colmeia } from './lib/sides.mjs';
import { grown, soaked } from './lib/soaked.mjs';
import {
  folder as newFolder,
  friendOf,
  numberOf,
  receiver as newReceiver,
  scan,
  simulator as newSimulator,
} from './lib/world.mjs';

const { values: options } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    messages: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});
const lasts = Number(options.minutes ?? (options.smoke ? 0.5 : 10)) * 60_000;
const messages = Number(options.messages ?? (options.smoke ? 200 : 20_000));
const USERS = [1, 2, 3, 4];
/* The one whose phone logs out now and then; it gets no messages meanwhile. */
const LEAVER = 4;
/* One in so many is sent, the others come in. */
const ONE_IN = 5;
/* The timers of a life sixty times as fast: a lost connection each ten minutes, a logout each hour. */
const RECONNECT_EVERY = 10_000;
const OFFLINE_MS = 1500;
const LOGOUT_EVERY = 60_000;
const SAMPLE_EVERY = Math.min(10_000, lasts / 20);
/* Nobody writes at the end of each minute, as at night. */
const NIGHT_EVERY = 60_000;
const NIGHT_MS = 10_000;
/* As often as an hour's probes and measurements would come in a minute, as far as a browser answers that fast. The
 * page keeps in memory what it has received, as the real one does: its browser is replaced, at night, once it takes
 * more than the soft limit, which stands near to what a fresh one takes. */
const SOFT_LIMIT_MB = 120;
const SETTINGS = `
[deadlines]
probe_interval_ms = 250
settle_ms = 1000
settle_every_ms = 30000
[memory]
poll_ms = 500
high_mb = ${SOFT_LIMIT_MB}
recycle_after_secs = 5
`;

const work = newFolder();
const began = performance.now();
const elapsed = () => performance.now() - began;
const log = (text) => console.error(`${String(Math.round(elapsed() / 1000)).padStart(5)} s  ${text}`);
const receiver = await newReceiver();
const simulator = await newSimulator(binary('colmeia-simulator'), join(work, 'simulator.log'));
const server = await colmeia({ settings: SETTINGS }).start(work, `${simulator.address}/`, receiver.url);
const ask = async (path, body) => (await json(server.url + path, body)).body;
const status = (user) => ask(`/status?user_id=${user}`);

const counts = { sent: 0, received: 0, codes: 0, reconnects: 0, logouts: 0 };
const samples = [];
const expected = [];
let leaving = false;
let over = false;

const fault = (target, name, value) => simulator.phone('fault', { ...target, fault: name, value });

/* Lets some codes expire, then scans one. */
async function link(user, expiring) {
  let known;
  const code = () =>
    until(`user ${user} has another code`, async () => {
      const { qr } = await ask(`/qr?user_id=${user}`);
      return qr && qr !== known && qr;
    });
  for (let index = 0; index < expiring; index++) {
    known = await code();
    counts.codes++;
    await fault({ qr: known }, 'expire_qr').catch(() => {}); // it may have expired by itself
  }
  await scan(simulator, ask, user);
  await until(`user ${user} is ready`, async () => (await status(user)).ready);
}

/* Messages at an even pace, each user's one after the other. */
async function talk(user) {
  const own = Math.floor(messages / USERS.length);
  for (let index = 1; index <= own; index++) {
    await pause(Math.max(0, (lasts * index) / own - elapsed()));
    while (user === LEAVER && leaving) await pause(100);
    const untilNight = NIGHT_EVERY - NIGHT_MS - (elapsed() % NIGHT_EVERY);
    if (untilNight < 0) await pause(NIGHT_MS + untilNight);
    const text = `${user}: message ${index}`;
    if (index % ONE_IN === 0) {
      const send = () => json(`${server.url}/send`, { user_id: String(user), phone: friendOf(user), message: text });
      // Refused while the connection is lost or the browser is replaced; what is refused was not sent.
      await until(`user ${user} sends`, async () => (await send()).status === 200, 60_000, 200);
      counts.sent++;
    } else {
      // Before it is on its way: who logs out waits for it.
      expected.push(text);
      await simulator.phone('message', { to: numberOf(user), from: friendOf(user), name: 'Friend', body: text });
      counts.received++;
    }
  }
}

async function loseConnections() {
  for (let turn = 0; !over; turn++) {
    await pause(RECONNECT_EVERY);
    const user = USERS[turn % USERS.length];
    const lost = await fault({ number: numberOf(user) }, 'offline', OFFLINE_MS).then(() => true, () => false);
    if (lost) counts.reconnects++;
  }
}

async function logOut() {
  for (;;) {
    await pause(Math.min(LOGOUT_EVERY, lasts / 3));
    if (over || elapsed() > lasts * 0.9) return;
    leaving = true;
    await until('all of the leaver arrived', () => expected.every((text) => !text.startsWith(`${LEAVER}:`) || receiver.times(text)));
    await fault({ number: numberOf(LEAVER) }, 'logout');
    counts.logouts++;
    await link(LEAVER, 3);
    leaving = false;
  }
}

function sample() {
  const processes = tree(server.pid, work);
  const is = (name) => ({ command }) => command.split('\0')[0].endsWith(name);
  const workers = processes.filter(is('colmeia-worker'));
  const rest = processes.filter((process) => process.pid !== server.pid && !is('colmeia-worker')(process));
  const mb = (list) => pss(list) / 2 ** 20;
  samples.push({
    at: elapsed() / 1000,
    supervisor: mb(processes.filter(({ pid }) => pid === server.pid)),
    worker: mb(workers) / USERS.length,
    browser: mb(rest) / USERS.length,
    messages: counts.sent + counts.received,
  });
}

/* How often a browser was replaced because of its memory. */
async function recycled() {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/worker_ends_total\{reason="cap_recycle"\} (\d+)/.exec(text)?.[1] ?? 0);
}

async function watch() {
  while (!over) {
    sample();
    log(JSON.stringify({ ...samples.at(-1), ...counts }));
    await pause(SAMPLE_EVERY);
  }
}

try {
  for (const user of USERS) await link(user, 3);
  const disturbing = Promise.all([loseConnections(), watch()]);
  await Promise.all([...USERS.map(talk), logOut()]);
  over = true;
  await disturbing;
  await until('all have arrived', () => expected.every((text) => receiver.times(text) > 0));
  const twice = expected.filter((text) => receiver.times(text) > 1).length;
  if (twice > 0) throw new Error(`${twice} messages came twice`);
  const lists = await Promise.all(USERS.map((user) => simulator.phone(`sent?number=${numberOf(user)}`)));
  const there = lists.reduce((sum, { sent }) => sum + sent.length, 0);
  if (there !== counts.sent) throw new Error(`the phones have ${there} messages instead of ${counts.sent}`);
  // The last lost connection may still be one.
  await until('everyone is ready', async () => (await Promise.all(USERS.map(status))).every(({ ready }) => ready));
  const limit = { mb: SOFT_LIMIT_MB, recycled: await recycled() };
  const verdict = grown(samples, limit);
  const text = soaked({ machine: machine(), samples, counts, verdict, limit, minutes: lasts / 60_000 });
  console.log(text);
  if (!options.smoke) writeFileSync(join(options.out, 'SOAK.md'), text);
  if (!options.smoke && verdict.some(({ fine }) => !fine)) throw new Error('something grew');
  console.log('soak: 1 passed, 0 failed');
} catch (error) {
  console.error(error);
  console.log('soak: 0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  over = true;
  await server.stop();
  await simulator.stop();
  receiver.stop();
  for (const { pid } of naming(work)) process.kill(pid, 'SIGKILL');
  await until('no process is left', () => naming(work).length === 0);
  rmSync(work, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();
