/* What one session takes, in single rows: each is Colmeia with something changed, or the page. One session on the page of
 * the real one's weight, restored from its profile, with a few chats; the rows in turn, as often as is asked for.
 *
 *   node session.mjs                      all rows, three times each; a table is printed
 *   --only 'today|none'   --runs 3   --rest 60   --chats 6   --settings FILE (more lines for all rows)
 */

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { median } from './lib/report.mjs';
import { json, until } from './lib/run.mjs';
import { ROWS } from './lib/rows.mjs';
import { follow } from './lib/session.mjs';
import { binary, colmeia } from './lib/sides.mjs';
import { folder as newFolder, numberOf, receiver as newReceiver, scan, simulator as newSimulator } from './lib/world.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '3' },
    rest: { type: 'string', default: '60' },
    chats: { type: 'string', default: '6' },
    settings: { type: 'string' },
  },
});
const extra = options.settings ? readFileSync(options.settings, 'utf8') : '';
const work = newFolder();
const began = Date.now();
const log = (text) => console.error(`${String(Math.round((Date.now() - began) / 1000)).padStart(5)} s  ${text}`);
const receiver = await newReceiver();
const rows = ROWS.filter(({ name }) => new RegExp(options.only).test(name));
const measured = new Map(rows.map(({ name }) => [name, []]));

async function measure({ query = '', settings = '' }) {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  const simulator = await newSimulator(binary('colmeia-simulator'), join(work, 'simulator.log'));
  const page = `${simulator.address}/?weight=real${query}`;
  const side = colmeia({ settings: `${settings}\n${extra}` });
  let server = await side.start(folder, page, receiver.url);
  const ask = async (path) => (await json(server.url + path)).body;
  const isReady = async () => (await ask('/status?user_id=1')).ready;
  try {
    await scan(simulator, ask, 1);
    await until('the session is ready', isReady);
    for (let chat = 1; chat <= Number(options.chats); chat++) {
      const text = `${folder} ${chat}`;
      await simulator.phone('message', { to: numberOf(1), from: `55117${10_000_000 + chat}`, name: `Friend ${chat}`, body: text });
      await receiver.arrived(text);
    }
    await server.stop();
    server = await side.start(folder, page, receiver.url);
    return await follow(server.pid, folder, isReady, Number(options.rest));
  } finally {
    await server.stop();
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const COLUMNS = [
  ['pss_mb', 'PSS MB'],
  ['anon_mb', 'anon MB'],
  ['peak_mb', 'peak MB'],
  ['first_cpu_s', 'processor s, first 20 s'],
  ['rest_cpu_s', 'until rest'],
  ['ready_s', 'ready after s'],
];
const shown = (value) => value.toFixed(value >= 100 ? 0 : 1);
const row = (...columns) => `| ${columns.join(' | ')} |`;
function table() {
  const lines = [row('', ...COLUMNS.map(([, title]) => title)), row('---', ...COLUMNS.map(() => '---'))];
  for (const [name, figures] of measured) {
    if (figures.length === 0) continue;
    lines.push(row(name, ...COLUMNS.map(([key]) => shown(median(figures.map((one) => one[key]))))));
  }
  return lines.join('\n');
}

try {
  for (let run = 0; run < Number(options.runs); run++)
    for (const one of rows) {
      const figures = await measure(one);
      measured.get(one.name).push(figures);
      log(`${one.name}: ${COLUMNS.map(([key]) => `${key} ${shown(figures[key])}`).join(', ')}`);
    }
  console.log(table());
} finally {
  receiver.stop();
  rmSync(work, { recursive: true, force: true });
}
process.exit();
