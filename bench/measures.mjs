/* What each single measure brings: Colmeia as it comes against Colmeia with one thing changed, on the heavy page.
 *
 *   node measures.mjs                     all of them; MEASURES.md is written
 *   --only 'V8'   --sessions 2   --idle 60   --sends 30   --page real|light   --out FOLDER
 *
 * The plain one is measured at the beginning and again after every sixth, and each variant compared with the median of
 * them. Time is told as processor time, which another load on the machine disturbs least.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { cell } from './lib/cell.mjs';
import { machine, merging } from './lib/machine.mjs';
import { compare } from './lib/compare.mjs';
import { giveAway } from './lib/run.mjs';
import { binary, colmeia } from './lib/sides.mjs';
import { VARIANTS } from './lib/variants.mjs';
import { folder as newFolder, receiver as newReceiver, simulator as newSimulator } from './lib/world.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    sessions: { type: 'string', default: '2' },
    idle: { type: 'string', default: '60' },
    sends: { type: 'string', default: '30' },
    page: { type: 'string', default: 'real' },
    out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
  },
});
const sessions = Number(options.sessions);
/* Sources of scripts are compressed about a minute after they were last read: hence so long at rest. */
const plan = { idleSeconds: Number(options.idle), busySeconds: 15, sends: Number(options.sends), incoming: 0, crash: false };
const PLAIN_AGAIN = 6;
/* Memory is given back sooner than by default, so that less waiting is needed until it stays the same. */
const SETTLE_SOON = '[deadlines]\nsettle_ms = 3000\n';

const work = newFolder();
const began = Date.now();
const log = (text) => console.error(`${String(Math.round((Date.now() - began) / 1000)).padStart(5)} s  ${text}`);
const receiver = await newReceiver();
const measured = [];

/* A program in the browser's place that changes what it is called with. */
function wrapper({ program, drop = [], leave = [], add = [] }, index) {
  const path = join(work, `browser-${index}`);
  const dropped = drop.map((flag) => `    ${flag}) continue ;;`);
  // Each has a comma or the flag's own sign before it, and a comma or the end after it.
  const left = leave.map(
    (feature) => `  case $flag in --disable-features=*) flag=$(echo "$flag" | sed -E 's/([=,])${feature}(,|$)/\\1/') ;; esac`,
  );
  const lines = [
    '#!/bin/sh',
    'count=$#',
    'while [ "$count" -gt 0 ]; do',
    '  count=$((count - 1)) flag=$1',
    '  shift',
    ...(dropped.length ? ['  case $flag in', ...dropped, '  esac'] : []),
    ...left,
    '  set -- "$@" "$flag"',
    'done',
    `exec '${program}' ${add.map((flag) => `'${flag}'`).join(' ')} "$@"`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o755 });
  giveAway(work);
  return path;
}

const table = () => compare({ machine: machine(), page: options.page, sessions, plan, measured });

async function measure(name, variant, index) {
  const simulator = await newSimulator(binary('colmeia-simulator'), join(work, 'simulator.log'));
  const page = `${simulator.address}${options.page === 'real' ? '/?weight=real' : '/?'}${variant.query ?? ''}`;
  const browser = variant.program ? wrapper(variant, index) : undefined;
  const settings = (variant.settings ?? '') + (variant.settings?.includes('[deadlines]') ? '' : SETTLE_SOON);
  const side = { ...colmeia({ settings, browser }), name };
  const resting = { ...plan, idleSeconds: plan.idleSeconds * (variant.ksm ? 2 : 1) };
  const run = () => cell(side, { sessions, page, simulator, receiver, plan: resting, log });
  const figures = await (variant.ksm ? merging(run) : run()).catch((error) => ({ failed: String(error) }));
  await simulator.stop();
  log(`${name}: ${JSON.stringify(figures)}`);
  measured.push({ name, note: variant.note, taken: variant.taken, ...figures });
}

try {
  const chosen = VARIANTS.filter(({ name }) => new RegExp(options.only).test(name));
  for (const [index, variant] of chosen.entries()) {
    if (index % PLAIN_AGAIN === 0) await measure('plain', {}, index);
    await measure(variant.name, variant, index);
    // After each, so that a run that is broken off leaves what it has.
    writeFileSync(join(options.out, 'MEASURES.md'), table());
  }
  console.log(table());
} finally {
  receiver.stop();
  rmSync(work, { recursive: true, force: true });
}
process.exit();
