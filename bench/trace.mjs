/* Where a text's milliseconds go, from its request to its answer, and an incoming one's from the phone to the webhook. One
 * session, its texts one by one; each layer notes how long the layers below it took, in lines of its log with the target
 * `timing`, so that the difference is its own.
 *
 *   node trace.mjs          --sends 300   --page light|real   --settings FILE (more lines of the configuration)
 */

import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { friendOf, folder as newFolder, numberOf, receiver as newReceiver, scan, simulator as newSimulator } from './lib/world.mjs';
import { json, until } from './lib/run.mjs';
import { binary, colmeia } from './lib/sides.mjs';
import { quantile } from './lib/cell.mjs';

const { values: options } = parseArgs({
  options: {
    sends: { type: 'string', default: '300' },
    page: { type: 'string', default: 'light' },
    settings: { type: 'string' },
  },
});
const SENDS = Number(options.sends);
/* The first ones meet code that was never run. */
const WARM_UP = 20;
const extra = options.settings ? readFileSync(options.settings, 'utf8') : '';
const folder = newFolder();
mkdirSync(folder, { recursive: true });
const receiver = await newReceiver();
const simulator = await newSimulator(binary('colmeia-simulator'), join(folder, 'simulator.log'));
const side = colmeia({ settings: `log_format = "json"\n${extra}`, env: { COLMEIA_LOG: 'info,timing=trace' } });
const server = await side.start(folder, simulator.address + (options.page === 'real' ? '/?weight=real' : '/'), receiver.url);
const ask = async (path) => (await json(server.url + path)).body;

/* The lines of both logs that name a time, by their message; of sends only. The worker's own file has all of its. */
function noted() {
  const times = { request: [], call: [], worker: [], asked: [], page: [] };
  const kept = readdirSync(folder, { recursive: true }).find((path) => path.endsWith('/worker.log'));
  const lines = [join(folder, 'log'), join(folder, kept)].flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  for (const line of lines) {
    if (!line.includes('"timing"')) continue;
    const { message, span, operation, call, ...fields } = JSON.parse(line);
    const isSend = { request: span?.route === '/send', call: operation === 'send_text', worker: call === 'send_text' };
    if (isSend[message] ?? true) times[message].push(fields);
  }
  return times;
}

const WIDTH = 46;
function show(title, values) {
  const figures = [0.5, 0.9, 0.99].map((part) => quantile(values, part).toFixed(2).padStart(8));
  console.log(`${title.padEnd(WIDTH)}${figures.join('')}`);
}
const head = (title) => console.log(`${title.padEnd(WIDTH)}${['p50', 'p90', 'p99'].map((name) => name.padStart(8)).join('')}`);

try {
  await scan(simulator, ask, 1);
  await until('the session is ready', async () => (await ask('/status?user_id=1')).ready);

  const clients = [];
  for (let index = 0; index < SENDS + WARM_UP; index++) {
    const begun = performance.now();
    const body = { user_id: '1', phone: friendOf(1), message: `text ${index}` };
    const { status } = await json(`${server.url}/send`, body);
    if (status !== 200) throw new Error(`/send: ${status}`);
    if (index >= WARM_UP) clients.push(performance.now() - begun);
  }
  const arrivals = [];
  for (let index = 0; index < SENDS; index++) {
    const text = `${folder} ${index}`;
    const begun = performance.now();
    await simulator.phone('message', { to: numberOf(1), from: friendOf(1), name: 'Friend', body: text });
    arrivals.push((await receiver.arrived(text)) - begun);
  }
  await server.stop();

  const times = noted();
  const rest = (name, key) => {
    const all = times[name].map((one) => one[key]);
    if (all.length < SENDS + WARM_UP) throw new Error(`the log has ${all.length} of ${SENDS + WARM_UP} lines "${name}"`);
    return all.slice(-SENDS);
  };
  const less = (left, right) => left.map((value, index) => value - right[index]);
  const request = rest('request', 'ms');
  const call = rest('call', 'ms');
  const worker = rest('worker', 'ms');
  const asked = rest('asked', 'ms');
  const handed = rest('page', 'handed_ms');
  const done = rest('page', 'done_ms');
  head(`One text, ms (${options.page} page, ${SENDS} texts)`);
  show('as its sender sees it', clients);
  show('  HTTP, and the way to the sender', less(clients, call));
  show('    of it in the supervisor', less(request, call));
  show('  actor, socket, and the worker\'s queue', less(call, worker));
  show('  in the worker', worker);
  show('    until the page had it (opened, begun)', asked);
  show('    the page, until it handed it over', handed);
  show('    the page, until WhatsApp\'s answer', less(done, handed));
  show('    the rest: the debugger\'s way', less(less(worker, asked), done));
  head('\nOne incoming message, ms');
  show('from the phone to the webhook', arrivals);
} finally {
  await server.stop().catch(() => {});
  await simulator.stop();
  receiver.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();
