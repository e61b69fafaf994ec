/* Owns what every conformance test needs: a simulator on a free port, a phone, a place for profiles,
 * waiting on conditions, and the certainty that no browser outlives its test. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import puppeteer from 'puppeteer-core';

const GENEROUS_MS = 60_000;

export const chromium =
  process.env.CHROMIUM ||
  ['/usr/lib/chromium/chromium-headless-shell', '/usr/lib/chromium/chromium', '/usr/bin/chromium'].find(
    existsSync,
  );

/* As root Chromium refuses to start with its sandbox. */
export const chromiumArguments = [
  ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--disable-breakpad',
];

/* Starts the simulator; everything is gone when the test is over, however it went. */
export async function start(test, ...flags) {
  const folder = await mkdtemp(join(tmpdir(), 'colmeia-conformance-'));
  let { child, address } = await run('127.0.0.1:0', flags);
  test.after(async () => {
    child.kill('SIGTERM');
    await endBrowsers(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return {
    folder,
    address,
    phone: phone(address),
    /* A new simulator at the same address, which remembers nothing. */
    async restart() {
      child.kill('SIGTERM');
      await once(child, 'exit', 'the simulator to end');
      ({ child } = await run(new URL(address).host, flags));
    },
  };
}

async function run(listen, flags) {
  const binary =
    process.env.COLMEIA_SIMULATOR ||
    fileURLToPath(new URL('../../target/debug/colmeia-simulator', import.meta.url));
  const child = spawn(binary, ['--listen', listen, '--sync-ms', '300', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line', 'the simulator to listen'),
    new Promise((_, reject) => child.once('error', reject)),
  ]);
  return { child, address: line.replace('listening on ', '') };
}

function phone(address) {
  const call = async (path, body) => {
    const request = body ? { method: 'POST', body: JSON.stringify(body) } : undefined;
    const response = await fetch(`${address}/phone/${path}`, request);
    const answer = await response.json();
    if (!response.ok) throw new Error(`/phone/${path}: ${response.status} ${answer.error}`);
    return answer;
  };
  return {
    scan: (body) => call('scan', body),
    pair: (body) => call('pair', body),
    message: (body) => call('message', body),
    read: (body) => call('read', body),
    react: (body) => call('react', body),
    edit: (body) => call('edit', body),
    revoke: (body) => call('revoke', body),
    fault: (body) => call('fault', body),
    passkey: (body) => call('passkey', body),
    checkpoint: (body) => call('passkey/checkpoint', body),
    timelock: (body) => call('timelock', body),
    capping: (body) => call('capping', body),
    vote: (body) => call('vote', body),
    group: (body) => call('group', body),
    call: (body) => call('call', body),
    presence: (body) => call('presence', body),
    chat: (body) => call('chat', body),
    label: (body) => call('label', body),
    history: (body) => call('history', body),
    setRecord: (kind, id, value) => call(`records/${kind}`, { id, value }),
    records: async (kind, number) =>
      (await call(`records/${kind}${number ? `?number=${number}` : ''}`)).records,
    actions: async (number) => (await call(`actions?number=${number}`)).actions,
    logout: (number) => call('logout', { number }),
    numbers: async () => (await call('numbers')).numbers,
    pages: async () => (await call('pages')).pages,
    sent: async (number) => (await call(`sent?number=${number}`)).sent,
    media: async (id) =>
      Buffer.from(await (await fetch(`${address}/phone/media/${encodeURIComponent(id)}`)).arrayBuffer()),
  };
}

/* A browser with this profile of the test's. */
export const launch = (folder, profile = 'profile') =>
  puppeteer.launch({
    executablePath: chromium,
    headless: 'shell',
    userDataDir: `${folder}/${profile}`,
    args: chromiumArguments,
  });

/* A browser with the page in it, in the profile of the test; `prelude` runs in each document before anything else. */
export async function openPage({ folder, address }, switches = '', prelude = null) {
  const browser = await launch(folder);
  const [page] = await browser.pages();
  if (prelude) await page.evaluateOnNewDocument(prelude);
  await page.goto(`${address}/${switches}`, { waitUntil: 'load' });
  return { browser, page };
}

/* Until a page says this of itself. */
export const shown = (phone, state) =>
  until(`a page is in ${state}`, async () => (await phone.pages()).find((page) => page.state === state));

/* The phone scans the code that the one page shows; the page is ready afterwards. */
export async function login(phone, number, contacts = []) {
  const qr = await until('a QR code', async () => (await phone.pages())[0]?.qr);
  await phone.scan({ qr, number, name: 'Acme', contacts });
  await shown(phone, 'main');
}

/* What is asked of a page; undefined while it navigates. */
export const ask = (page, question, ...values) => page.evaluate(question, ...values).catch(() => undefined);

/* The arguments of the next event, or a failure that names what was waited for. */
export function once(emitter, event, what = event, accept = () => true) {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), GENEROUS_MS);
    const hear = (...values) => {
      if (!accept(...values)) return;
      clearTimeout(limit);
      emitter.off(event, hear);
      resolve(values);
    };
    emitter.on(event, hear);
  });
}

/* What `ask` gives as soon as it gives something. */
export async function until(what, ask) {
  const end = Date.now() + GENEROUS_MS;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/* Ends every process whose command line names a profile below this folder: libraries leave them. */
async function endBrowsers(folder) {
  const running = async () => {
    const found = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.includes(folder)) found.push(Number(pid));
    }
    return found;
  };
  await until('no browser is left', async () => {
    const pids = await running();
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
    return pids.length === 0;
  });
}
