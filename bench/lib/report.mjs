/* Turns figures into a text for people. Pure. */

const OURS = 'Colmeia';
const THEIRS = 'whatsapp-web.js';

export const median = (values) => {
  const sorted = values.filter((value) => value != null).sort((left, right) => left - right);
  if (!sorted.length) return null;
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
const shown = (value, digits = 1) => (value == null ? 'never' : value.toFixed(value >= 100 ? 0 : digits));
const ratio = (ours, theirs) => (ours == null || !theirs ? '–' : (ours / theirs).toFixed(2));

/* What each figure is called, and what it says. */
const FIGURES = [
  ['memory_mb', 'memory of everything that serves them, MB PSS, idle'],
  ['qr_last_s', 'request to the last of all codes, s'],
  ['restore_s', 'start to all ready from saved profiles, s'],
  ['send_p50_ms', 'send, one session, p50 ms'],
  ['send_p99_ms', 'send, one session, p99 ms'],
  ['sends_per_second', 'sends per second, all sessions at once'],
  ['webhook_p50_ms', 'message at the phone to webhook, p50 ms'],
  ['webhook_p99_ms', 'message at the phone to webhook, p99 ms'],
  ['idle_cpu_percent', 'idle processor time, % of one'],
  ['crash_recovery_s', 'one browser killed: its user sends again after, s'],
  ['crash_others_working', 'one browser killed: others that still send'],
];

export function figure(cells, side, page, sessions, name) {
  const values = cells
    .filter((cell) => cell.side === side && cell.page === page && cell.sessions === sessions)
    .map((cell) => cell[name]);
  return median(values);
}

const distinct = (values) => [...new Set(values)];

/* Memory that one more session costs, from the smallest to the largest number measured. */
export function perSession(cells, side, page) {
  const counts = distinct(cells.filter((cell) => cell.page === page).map(({ sessions }) => sessions)).sort((a, b) => a - b);
  if (counts.length < 2) return null;
  const [least, most] = [counts[0], counts.at(-1)];
  const at = (count) => figure(cells, side, page, count, 'memory_mb');
  return (at(most) - at(least)) / (most - least);
}

export function report({ machine, plan, cells, requests }) {
  const lines = ['# Results', '', 'Written by `make bench`. Colmeia and whatsapp-web.js in turn on one machine, on the same simulated page, both with Chromium\'s sandbox on. Medians of', `${plan.rounds} round${plan.rounds > 1 ? 's' : ''}; memory and processor time over ${plan.idleSeconds} s of idling. Compare the ratios: absolute figures are this machine's.`, ''];
  lines.push(`${machine.date}, ${machine.processors}, ${machine.memory_gb} GB, Linux ${machine.kernel}, ${machine.chromium}, Node ${machine.node}, memory merging ${machine.ksm ? 'on' : 'off'}.`, '');
  for (const page of distinct(cells.map(({ page }) => page))) {
    lines.push(`## ${page === 'real' ? 'A page of the real one\'s weight' : 'A light page'}`, '');
    for (const sessions of distinct(cells.filter((cell) => cell.page === page).map(({ sessions }) => sessions))) {
      lines.push(`### ${sessions} session${sessions > 1 ? 's' : ''}`, '', `| | ${OURS} | ${THEIRS} | ratio |`, '| --- | --- | --- | --- |');
      for (const [name, title] of FIGURES) {
        if (!cells.some((cell) => name in cell)) continue;
        const [ours, theirs] = [OURS, THEIRS].map((side) => figure(cells, side, page, sessions, name));
        lines.push(`| ${title} | ${shown(ours)} | ${shown(theirs)} | ${ratio(ours, theirs)} |`);
      }
      lines.push('');
    }
    const [ours, theirs] = [OURS, THEIRS].map((side) => perSession(cells, side, page));
    if (ours != null) lines.push(`Memory per added session: **${shown(ours)} MB** against ${shown(theirs)} MB, ratio **${ratio(ours, theirs)}**.`, '');
  }
  if (requests.length) {
    lines.push('## `/status`', '', '| users known | | requests per second | p99 ms |', '| --- | --- | --- | --- |');
    for (const users of distinct(requests.map(({ users }) => users)))
      for (const side of [OURS, THEIRS]) {
        const own = requests.filter((one) => one.side === side && one.users === users);
        lines.push(`| ${users} | ${side} | ${shown(median(own.map((one) => one.requests_per_second)), 0)} | ${shown(median(own.map((one) => one.p99_ms)), 2)} |`);
      }
    lines.push('');
  }
  const ours = cells.filter(({ side }) => side === OURS);
  if (ours.length)
    lines.push(`Of Colmeia's memory the supervisor takes ${shown(median(ours.map((cell) => cell.server_mb)))} MB and each worker process ${shown(median(ours.map((cell) => cell.workers_mb)))} MB (medians over all cells); the rest is browsers.`, '');
  return lines.join('\n');
}
