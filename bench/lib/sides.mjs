/* The two sides. Each is a server that speaks the routes of the Flask contract on one port, so that the
 * measurements ask both the same way: `start(folder, page, webhook)` gives `{pid, url, stop}`. */

import { createServer } from 'node:net';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { giveAway, json, start, stop, until } from './run.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? here('../../target');
export const binary = (name) => process.env.COLMEIA_BIN_DIR ? join(process.env.COLMEIA_BIN_DIR, name) : join(target, 'release', name);

/* Where the browsers of both sides lie. */
export const BROWSERS = '/usr/lib/chromium';
export const CHROMIUM = join(BROWSERS, 'chromium');
export const HEADLESS_SHELL = join(BROWSERS, 'chromium-headless-shell');

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

async function serving(process, url, log) {
  await until(`${url} answers`, async () => {
    if (!process.alive()) throw new Error(`the server ended: ${readFileSync(log, 'utf8').slice(-2000)}`);
    return json(`${url}/health`).then(({ status }) => status === 200, () => false);
  });
  return { pid: process.pid, url, alive: process.alive, stop: () => stop(process) };
}

/* `settings` are more lines of its configuration; `browser` is the program in the browser's place. */
export const colmeia = ({ settings = '', maxUsers = 64, browser = HEADLESS_SHELL, env = {} } = {}) => ({
  name: 'Colmeia',
  mayFail(error) {
    throw error;
  },
  async start(folder, page, webhook) {
    const [state, runtime, log] = ['state', 'run', 'log'].map((part) => join(folder, part));
    const port = await freePort();
    if (!existsSync(state)) {
      mkdirSync(state);
      mkdirSync(runtime);
      writeFileSync(log, '');
      writeFileSync(join(folder, 'colmeia.toml'), `max_users = ${maxUsers}\n${settings}\n`);
      giveAway(folder);
    }
    const process = start(
      binary('colmeia-supervisor'),
      [
        ['--config', join(folder, 'colmeia.toml')],
        ['--listen', `127.0.0.1:${port}`],
        ['--state-dir', state],
        ['--runtime-dir', runtime],
        ['--page-url', page],
        ['--webhook-url', webhook],
        ['--browser', browser],
      ].flat(),
      { log, env },
    );
    return serving(process, `http://127.0.0.1:${port}`, log);
  },
});

/* whatsapp-web.js in one Node process with Express, as the server that Colmeia replaces. */
export const peer = {
  name: 'whatsapp-web.js',
  // What the peer cannot do is a finding and no error.
  mayFail: () => false,
  async start(folder, page, webhook) {
    const log = join(folder, 'log');
    const port = await freePort();
    if (!existsSync(log)) {
      writeFileSync(log, '');
      giveAway(folder);
    }
    const process = start('node', [here('../peer/server.js')], {
      log,
      env: { PORT: port, PAGE_URL: page, FLASK_WEBHOOK_URL: webhook, DATA: folder, HOME: folder, CHROMIUM },
    });
    return serving(process, `http://127.0.0.1:${port}`, log);
  },
};
