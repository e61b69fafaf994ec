/* Says what machine and what programs the figures are of. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const version = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' }).trim();

export const machine = () => ({
  date: new Date().toISOString().slice(0, 10),
  processors: `${cpus().length} × ${cpus()[0].model.trim()}`,
  memory_gb: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  chromium: version('/usr/lib/chromium/chromium-headless-shell', '--version').replace(/^\S+ /, ''),
  node: process.version,
  ksm: readFileSync('/sys/kernel/mm/ksm/run', 'utf8').trim() === '1',
});
