/* How many `/status` a second each side answers. The load is wrk's. */

import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { promisify } from 'node:util';

import { json, until } from './run.mjs';
import { folder as newFolder } from './world.mjs';

/* Makes the side know this many users besides the one that has a session. */
const KNOW = {
  /* There is room for one session, so all others wait in the queue, each with a task of its own. Each is configured
   * first: of names that nobody knows only some may wait. */
  async Colmeia(url, users) {
    for (let id = 1; id <= users; id++) {
      await json(`${url}/api/sessions`, { name: `known_${id}`, start: false });
      await json(`${url}/qr?user_id=known_${id}`);
    }
  },
  'whatsapp-web.js': (url, users) => json(`${url}/known`, { users }),
};

export async function http(side, { users, seconds, page, receiver, log }) {
  log(`${side.name}: /status with ${users} users known`);
  const folder = newFolder();
  const server = await side.start(folder, page, receiver.url);
  try {
    const asked = users > 1 ? `known_${users - 1}` : 'holder';
    const known = async (user) => (await json(`${server.url}/status?user_id=${user}`)).body;
    await json(`${server.url}/qr?user_id=holder`);
    await until('a code is there', async () => (await known('holder')).hasQr);
    await KNOW[side.name](server.url, users - 1);
    await until('all are known', async () => (await known(asked)).clientInitialized);
    const { stdout } = await promisify(execFile)('wrk', [
      '-t1',
      '-c16',
      `-d${seconds}s`,
      '--latency',
      `${server.url}/status?user_id=${asked}`,
    ]);
    if (/Non-2xx/.test(stdout)) throw new Error(`/status was refused:\n${stdout}`);
    const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout);
    return {
      requests_per_second: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
      p99_ms: Number(p99) * { us: 0.001, ms: 1, s: 1000 }[unit],
    };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
