/* What both sides share: the simulated WhatsApp with its phones, and the receiver of webhooks. */

import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { naming } from './processes.mjs';
import { json, start, stop, until } from './run.mjs';

export async function simulator(binary, log) {
  const process = start(binary, ['--listen', '127.0.0.1:0'], { log });
  const address = await new Promise((resolve, reject) => {
    process.child.stdout.on('data', (data) => {
      const line = /listening on (\S+)/.exec(data);
      if (line) resolve(line[1]);
    });
    process.exited.then(() => reject(new Error(`the simulator ended; see ${log}`)));
  });
  const phone = async (path, body) => {
    const { status, body: answer } = await json(`${address}/phone/${path}`, body);
    if (status !== 200) throw new Error(`/phone/${path}: ${status} ${answer.error}`);
    return answer;
  };
  return { address, phone, stop: () => stop(process) };
}

/* Notes when each text arrived first, and how often. */
export async function receiver() {
  const arrived = new Map();
  const times = new Map();
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part) => (text += part));
    request.on('end', () => {
      const { body } = JSON.parse(text);
      if (!times.has(body)) arrived.set(body, performance.now());
      times.set(body, (times.get(body) ?? 0) + 1);
      response.end('{}');
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/webhook`,
    arrived: (text) => until(`the webhook has "${text}"`, () => arrived.get(text), 60_000, 1),
    times: (text) => times.get(text) ?? 0,
    stop: () => server.close(),
  };
}

/* A new one. Workers outlive a supervisor that is killed, and so would those of a benchmark that is broken off: whatever
 * names the folder ends with us. */
const folders = [];
export function folder() {
  folders.push(mkdtempSync(join(tmpdir(), 'cmb-')));
  return folders.at(-1);
}
process.on('exit', () => {
  for (const path of folders) {
    for (const { pid } of naming(path)) process.kill(pid, 'SIGKILL');
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }
});

/* The number of user k's phone, and of the one who writes to it. */
export const numberOf = (user) => `55119${String(10_000_000 + user)}`;
export const friendOf = (user) => `55118${String(10_000_000 + user)}`;

/* The user's phone scans the code that is shown, until it is linked. `ask` asks the server. A code that has just expired
 * is followed by the next one. */
export const scan = (simulator, ask, user) =>
  until(`user ${user} is linked`, async () => {
    const { qr, ready } = await ask(`/qr?user_id=${user}`);
    if (ready) return true;
    if (!qr) return false;
    const shown = { qr, number: numberOf(user), name: `User ${user}` };
    return simulator.phone('scan', shown).then(() => true, () => false);
  });
