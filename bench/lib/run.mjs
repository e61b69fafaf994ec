/* Starts programs as an ordinary user and ends them; waits on conditions. Nothing outlives the benchmark. */

import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const ROOT = process.getuid() === 0;
const USER = 'nobody';
const GROUP = 'nogroup';
const running = new Set();

/* Chromium's sandbox is on for both sides, which root cannot have. */
export function start(program, args, { log, env = {}, ordinary = true }) {
  const [command, ...rest] =
    ROOT && ordinary
      ? ['setpriv', '--reuid', USER, '--regid', GROUP, '--clear-groups', program, ...args]
      : [program, ...args];
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => appendFileSync(log, data));
  const exited = new Promise((done) => {
    child.once('exit', done);
    child.once('error', (error) => done(appendFileSync(log, `${error}\n`)));
  }).then(() => running.delete(child));
  running.add(child);
  return { child, pid: child.pid, exited, alive: () => running.has(child) };
}

export async function stop({ child, exited }, patience = 60_000) {
  child.kill('SIGTERM');
  const late = await Promise.race([exited.then(() => false), pause(patience, true, { ref: false })]);
  if (late) child.kill('SIGKILL');
  await exited;
}

process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

export const giveAway = (folder) => ROOT && execFileSync('chown', ['-R', `${USER}:${GROUP}`, folder]);

/* Asks until the answer is truthy, and gives it back. */
export async function until(what, ask, patience = 300_000, every = 20) {
  const end = performance.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await pause(every);
  }
}

export async function json(url, body) {
  const request = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await fetch(url, { ...request, signal: AbortSignal.timeout(60_000) });
  return { status: response.status, body: await response.json() };
}
