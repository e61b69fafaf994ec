/* Measures Colmeia against whatsapp-web.js on the same simulated page, in turn (A B A B …).
 *
 *   node run.mjs                          everything; RESULTS.md, results.json and memory.svg are written
 *   node run.mjs --smoke                  small and quick; only a wrong result fails; nothing is written
 *   --sessions 1,3,6,12   --pages light,real   --rounds 2   --idle 60   --sends 100   --incoming 100
 *   --only colmeia|peer   --no-http   --settings FILE   more lines of Colmeia's configuration
 *   --resume                              goes on with the cells.jsonl of a run that was broken off
 *   --little 1,6                          Colmeia once more, with no main screen
 *   --merged 6,12                         Colmeia once more, with memory merging by the kernel (root only)
 */

import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { cell } from './lib/cell.mjs';
import { http } from './lib/http.mjs';
import { machine, merging } from './lib/machine.mjs';
import { plot } from './lib/plot.mjs';
import { LITTLE, MERGED, report } from './lib/report.mjs';
import { binary, colmeia, peer } from './lib/sides.mjs';
import { folder as newFolder, receiver as newReceiver, simulator as newSimulator } from './lib/world.mjs';

const { values: options } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    sessions: { type: 'string' },
    pages: { type: 'string', default: 'light,real' },
    rounds: { type: 'string' },
    idle: { type: 'string' },
    sends: { type: 'string' },
    incoming: { type: 'string' },
    only: { type: 'string' },
    little: { type: 'string' },
    merged: { type: 'string' },
    resume: { type: 'boolean', default: false },
    settings: { type: 'string' },
    'no-http': { type: 'boolean', default: false },
    out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});
const number = (name, smoke, full) => Number(options[name] ?? (options.smoke ? smoke : full));
const PAGES = { light: '/', real: '/?weight=real' };
const counts = (options.sessions ?? (options.smoke ? '2' : '1,3,6,12')).split(',').map(Number);
const pages = options.smoke ? ['light'] : options.pages.split(',');
const rounds = number('rounds', 1, 2);
const plan = {
  idleSeconds: number('idle', 3, 60),
  sends: number('sends', 5, 100),
  incoming: number('incoming', 5, 100),
  crash: true,
};
const listed = (option, otherwise) => (option ?? otherwise).split(',').filter(Boolean).map(Number);
/* Colmeia once more on the heavy page, for what it takes in memory. */
const variants = [
  {
    name: LITTLE,
    counts: listed(options.little, options.smoke ? '' : '1,6'),
    settings: '[page]\nui = "none"\n',
    resting: { ...plan, sends: 0, incoming: 0, crash: false },
    around: (work) => work(),
  },
  {
    name: MERGED,
    counts: listed(options.merged, options.smoke || process.getuid() !== 0 ? '' : '1,6,12'),
    settings: 'memory_merge = true\n',
    resting: { idleSeconds: 2 * plan.idleSeconds, busySeconds: 1, sends: 0, incoming: 0, crash: false },
    around: merging,
  },
];
const settings = options.settings ? readFileSync(options.settings, 'utf8') : '';
const sides = [colmeia({ settings }), peer].filter(
  ({ name }) => !options.only || (options.only === 'peer') === (name === peer.name),
);

const work = newFolder();
const began = Date.now();
const log = (text) => console.error(`${String(Math.round((Date.now() - began) / 1000)).padStart(5)} s  ${text}`);
const receiver = await newReceiver();
/* A long run that is broken off is not lost. */
const kept = join(options.smoke ? work : options.out, 'cells.jsonl');
const cells = options.resume ? readFileSync(kept, 'utf8').trim().split('\n').map((line) => JSON.parse(line)) : [];
if (!options.resume) rmSync(kept, { force: true });
const isDone = (one) => cells.some((cell) => ['side', 'page', 'sessions', 'round'].every((key) => cell[key] === one[key]));
const done = (one) => {
  cells.push(one);
  appendFileSync(kept, `${JSON.stringify(one)}\n`);
  log(JSON.stringify(one));
};
const requests = [];
try {
  for (const page of pages)
    for (const sessions of counts)
      for (let round = 0; round < rounds; round++)
        for (const side of sides) {
          if (isDone({ side: side.name, page, sessions, round })) continue;
          // A new one each time, so that no side pays for the other's messages.
          const logFile = join(work, 'simulator.log');
          const simulator = await newSimulator(binary('colmeia-simulator'), logFile);
          const measured = cell(side, {
            sessions,
            page: simulator.address + PAGES[page],
            simulator,
            receiver,
            // On one page is enough: it waits for what never comes.
            plan: { ...plan, crash: page === pages[0] },
            log,
          });
          // What the peer cannot do is a finding; what Colmeia cannot do is an error.
          const figures = await (side === peer
            ? measured.catch((error) => ({ failed: String(error) }))
            : measured);
          await simulator.stop();
          done({ side: side.name, page, sessions, round, ...figures });
        }
  for (const { name, counts, settings, resting, around } of variants)
    for (const sessions of counts) {
      if (isDone({ side: name, page: 'real', sessions, round: 0 })) continue;
      const simulator = await newSimulator(binary('colmeia-simulator'), join(work, 'simulator.log'));
      const side = { ...colmeia({ settings }), name };
      const page = simulator.address + PAGES.real;
      const figures = await around(() => cell(side, { sessions, page, simulator, receiver, plan: resting, log }));
      await simulator.stop();
      done({ side: name, page: 'real', sessions, round: 0, ...figures });
    }
  if (!options['no-http'])
    for (const users of [1, 200])
      for (let round = 0; round < rounds; round++)
        for (const side of sides) {
          const full = side.name === peer.name ? side : colmeia({ maxUsers: 1 });
          const simulator = await newSimulator(binary('colmeia-simulator'), join(work, 'simulator.log'));
          const seconds = options.smoke ? 1 : 10;
          const figures = await http(full, { users, seconds, page: simulator.address, receiver, log });
          await simulator.stop();
          requests.push({ side: side.name, users, round, ...figures });
          log(JSON.stringify(figures));
        }
  const results = { machine: machine(), plan: { ...plan, rounds, smoke: options.smoke }, cells, requests };
  const text = report(results);
  if (options.smoke) console.log(text);
  else {
    writeFileSync(join(options.out, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
    writeFileSync(join(options.out, 'RESULTS.md'), text);
    writeFileSync(join(options.out, 'memory.svg'), plot(results));
  }
  console.log(`${cells.length + requests.length} passed, 0 failed`);
} catch (error) {
  console.error(error);
  console.log(`${cells.length + requests.length} passed, 1 failed`);
  process.exitCode = 1;
} finally {
  receiver.stop();
  rmSync(work, { recursive: true, force: true });
}
process.exit();
