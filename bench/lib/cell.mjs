/* One cell of the table: one side with N sessions on one page, from the first code to the end. Owns the order of
 * the measurements; every figure is in the unit that its name ends with. A wrong result throws, a slow one counts. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { browsers, naming, processorSeconds, pss, rss, scheduledSeconds, tree } from './processes.mjs';
import { json, until } from './run.mjs';
import { BROWSERS } from './sides.mjs';
import { folder as newFolder, friendOf, numberOf, scan } from './world.mjs';

/* Has the browsers' files in the page cache: a machine that gives back what was not used for a while would have one side
 * wait for its disk, and it is the one whose browser the other does not use. */
function warmUp() {
  const files = readdirSync(BROWSERS, { withFileTypes: true }).filter((entry) => entry.isFile());
  execFileSync('cat', files.map(({ name }) => join(BROWSERS, name)), { stdio: ['ignore', 'ignore', 'inherit'] });
}

const range = (count) => Array.from({ length: count }, (_, index) => index + 1);
const sum = (values) => [...values].reduce((left, right) => left + right, 0);
const seconds = (since) => (performance.now() - since) / 1000;

export function quantile(values, part) {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/* How long all sessions together may take to come back. */
const RESTORE_LIMIT = 90_000;

/* `plan`: {idleSeconds, busySeconds, sends, incoming, crash}; what is 0 or false is left out. Memory is looked at after
 * `idleSeconds` at rest, and processor time over `busySeconds` (as many, unless they are given) from then on. */
export async function cell(side, { sessions, page, simulator, receiver, plan, log }) {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  const users = range(sessions);
  const figures = {};
  let server;
  const ask = async (path, body) => (await json(server.url + path, body)).body;
  const isReady = async (user) => (await ask(`/status?user_id=${user}`)).ready;
  const step = (what) => log(`${side.name}, ${sessions}: ${what}`);
  try {
    warmUp();
    server = await side.start(folder, page, receiver.url);

    step('first codes');
    let begun = performance.now();
    const codes = await Promise.all(
      users.map(async (user) => {
        const { qr } = await until(`user ${user} has a code`, async () => {
          const answer = await ask(`/qr?user_id=${user}`);
          return answer.qr && answer;
        });
        return { user, qr, after: seconds(begun) };
      }),
    );
    figures.qr_first_s = Math.min(...codes.map(({ after }) => after));
    figures.qr_last_s = Math.max(...codes.map(({ after }) => after));

    step('linking');
    for (const user of users) await scan(simulator, ask, user);
    await until('all are ready', async () => (await Promise.all(users.map(isReady))).every(Boolean));

    if (plan.sends) await sending();
    if (plan.incoming) await receiving();

    step('idle');
    await pause(plan.idleSeconds * 1000);
    const processes = tree(server.pid, folder);
    figures.memory_mb = pss(processes) / 2 ** 20;
    // Not while they still tidy up after their start.
    const earlier = scheduledSeconds(processes);
    const busySeconds = plan.busySeconds ?? plan.idleSeconds;
    await pause(busySeconds * 1000);
    const later = scheduledSeconds(tree(server.pid, folder));
    let used = 0;
    for (const [pid, now] of later) used += Math.max(0, now - (earlier.get(pid) ?? 0));
    figures.idle_cpu_percent = (used / busySeconds) * 100;
    figures.server_rss_mb = rss(server.pid) / 2 ** 20;
    figures.workers_mb =
      pss(processes.filter(({ command }) => command.split('\0')[0].endsWith('colmeia-worker'))) / 2 ** 20 / sessions;
    for (const user of users) if (!(await isReady(user))) throw new Error(`user ${user} is no longer ready`);

    step('restoring');
    await server.stop();
    begun = performance.now();
    server = await side.start(folder, page, receiver.url);
    const allReady = async () => (await Promise.all(users.map(isReady))).every(Boolean);
    const restored = await until('all are ready again', allReady, RESTORE_LIMIT).catch(side.mayFail);
    figures.restore_s = restored ? seconds(begun) : null;
    figures.start_cpu_s = restored ? sum(processorSeconds(tree(server.pid, folder)).values()) : null;
    // At the end: one side does not come back from it, not even by a restart.
    if (plan.crash && restored) await crash();
  } catch (error) {
    // Why something was waited for in vain is in the log, which goes with the folder.
    const kept = join(folder, 'log');
    if (existsSync(kept)) log(readFileSync(kept, 'utf8').split('\n').slice(-60).join('\n'));
    throw error;
  } finally {
    await server?.stop();
    // What a server leaves behind would be counted in the next cell.
    for (const { pid } of naming(folder)) process.kill(pid, 'SIGKILL');
    await until('no process is left', () => naming(folder).length === 0);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return figures;

  async function sent(user, text) {
    const begun = performance.now();
    const { status, body } = await json(`${server.url}/send`, { user_id: String(user), phone: friendOf(user), message: text });
    if (status !== 200) throw new Error(`/send: ${status} ${body.error}`);
    return (performance.now() - begun);
  }

  async function sending() {
    step('sending');
    const before = await countSent();
    await sent(1, 'the first is not counted');
    const alone = [];
    for (const index of range(plan.sends)) alone.push(await sent(1, `alone ${index}`));
    figures.send_p50_ms = quantile(alone, 0.5);
    figures.send_p99_ms = quantile(alone, 0.99);
    const begun = performance.now();
    await Promise.all(
      users.map(async (user) => {
        for (const index of range(plan.sends)) await sent(user, `together ${index}`);
      }),
    );
    figures.sends_per_second = (users.length * plan.sends) / seconds(begun);
    const expected = before + 1 + plan.sends * (1 + users.length);
    const there = await countSent();
    if (there !== expected) throw new Error(`the phones have ${there} messages instead of ${expected}`);
  }

  async function countSent() {
    const lists = await Promise.all(users.map((user) => simulator.phone(`sent?number=${numberOf(user)}`)));
    return lists.reduce((sum, { sent }) => sum + sent.length, 0);
  }

  async function receiving() {
    step('receiving');
    const latencies = [];
    for (const index of range(plan.incoming)) {
      const user = users[index % users.length];
      const text = `${folder} ${index}`;
      const begun = performance.now();
      await simulator.phone('message', { to: numberOf(user), from: friendOf(user), name: 'Friend', body: text });
      latencies.push((await receiver.arrived(text)) - begun);
    }
    figures.webhook_p50_ms = quantile(latencies, 0.5);
    figures.webhook_p99_ms = quantile(latencies, 0.99);
  }

  /* One browser dies. The session counts as back when a message goes out again. */
  async function crash() {
    step('killing a browser');
    const LIMIT = 30_000;
    const [victim] = browsers(tree(server.pid, folder)).filter(({ command }) => command.includes('_user_1\0'));
    const begun = performance.now();
    process.kill(victim.pid, 'SIGKILL');
    const works = (user) => sent(user, `after the crash ${performance.now()}`).then(() => true, () => false);
    const back = await until('a message goes out again', () => works(1), LIMIT, 100).catch(() => false);
    figures.crash_recovery_s = back ? seconds(begun) : null;
    figures.crash_says_ready = (await isReady(1)) ? 1 : 0;
    const others = await Promise.all(users.slice(1).map(works));
    figures.crash_others_working = others.filter(Boolean).length;
  }
}
