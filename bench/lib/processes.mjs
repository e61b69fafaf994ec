/* Reads what a tree of processes takes from /proc. Owns no process. */

import { readdirSync, readFileSync } from 'node:fs';

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // it has ended meanwhile
  }
};

/* Every process: pid → {pid, parent, command line}. */
function table() {
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    if (!stat) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    processes.set(Number(name), { pid: Number(name), parent, command: read(`/proc/${name}/cmdline`) ?? '' });
  }
  return processes;
}

/* What names `folder` on its command line. */
export const naming = (folder) =>
  [...table().values()].filter(({ pid, command }) => pid !== process.pid && command.includes(folder));

/* The process `root`, all its descendants, and whatever else names `folder` (crash handlers leave their parents). */
export function tree(root, folder) {
  if (!(root > 1)) throw new Error('a server has a process id');
  const processes = table();
  const members = new Set([root]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const { pid, parent, command } of processes.values()) {
      if (members.has(pid) || !(members.has(parent) || command.includes(folder))) continue;
      members.add(pid);
      grown = true;
    }
  }
  members.delete(process.pid);
  return [...members].map((pid) => processes.get(pid)).filter(Boolean);
}

/* A browser's first process: it names its profile and is of no special type. */
export const browsers = (processes) =>
  processes.filter(({ command }) => command.includes('--user-data-dir=') && !command.includes('--type='));

/* In bytes, proportional, so that shared pages count in parts and sums are true: all of it, and the part that is no file,
 * which is what each further session adds. */
export function memory(processes) {
  const sums = { pss: 0, anonymous: 0 };
  for (const { pid } of processes) {
    const rollup = read(`/proc/${pid}/smaps_rollup`) ?? '';
    const kilobytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
    sums.pss += kilobytes('Pss') * 1024;
    sums.anonymous += (kilobytes('Pss_Anon') + kilobytes('Pss_Shmem')) * 1024;
  }
  return sums;
}
export const pss = (processes) => memory(processes).pss;

/* Resident set size of one process, in bytes. */
export const rss = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) * 1024;

/* Seconds of processor time of each process up to now. */
export function processorSeconds(processes) {
  const TICKS = 100; // USER_HZ, the unit of /proc/PID/stat on Linux
  return new Map(
    processes.flatMap(({ pid }) => {
      const stat = read(`/proc/${pid}/stat`);
      if (!stat) return [];
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [[pid, (Number(fields[11]) + Number(fields[12])) / TICKS]];
    }),
  );
}

/* The same by the scheduler's own count, which is exact: at rest a process wakes for a small part of a tick. Threads that
 * have ended are not in it, so it is for differences over a time in which hardly any does. */
export function scheduledSeconds(processes) {
  const threads = (pid) => {
    try {
      return readdirSync(`/proc/${pid}/task`);
    } catch {
      return []; // it has ended meanwhile
    }
  };
  return new Map(
    processes.map(({ pid }) => {
      const nanoseconds = threads(pid).map((thread) => Number(read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? 0));
      return [pid, nanoseconds.reduce((left, right) => left + right, 0) / 1e9];
    }),
  );
}
