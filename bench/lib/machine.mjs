/* Says what machine and what programs the figures are of. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const version = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' }).trim();

const KSM = '/sys/kernel/mm/ksm';
const said = (name) => readFileSync(`${KSM}/${name}`, 'utf8').trim();

/* Runs `work` while the kernel merges equal pages of who asked for it, scanning as fast as its advisor thinks right. */
export async function merging(work) {
  const before = { run: said('run'), advisor: /\[(\S+)\]/.exec(said('advisor_mode'))[1] };
  writeFileSync(`${KSM}/advisor_mode`, 'scan-time');
  writeFileSync(`${KSM}/run`, '1');
  try {
    return await work();
  } finally {
    // 2: what is merged is taken apart again, so that the next one begins afresh.
    writeFileSync(`${KSM}/run`, '2');
    writeFileSync(`${KSM}/advisor_mode`, before.advisor);
    writeFileSync(`${KSM}/run`, before.run);
  }
}

export const machine = () => ({
  date: new Date().toISOString().slice(0, 10),
  processors: `${cpus().length} × ${cpus()[0].model.trim()}`,
  memory_gb: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  chromium: version('/usr/lib/chromium/chromium-headless-shell', '--version').replace(/^\S+ /, ''),
  node: process.version,
});
