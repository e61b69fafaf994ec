/* Turns figures into a text for people. Pure. */

const OURS = 'Colmeia';
const THEIRS = 'whatsapp-web.js';
/* Colmeia with the kernel's merging of equal pages. */
export const MERGED = 'Colmeia, memory merged';
/* Colmeia with little of the page. */
export const LITTLE = 'Colmeia, no main screen';

export const median = (values) => {
  const sorted = values.filter((value) => value != null).sort((left, right) => left - right);
  if (!sorted.length) return null;
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
/* What did not come about is null, what was not tried is undefined. */
const shown = (value, digits = 1) => (value === undefined ? '–' : value === null ? 'never' : value.toFixed(value >= 100 ? 0 : digits));
const ratio = (ours, theirs) => (ours == null || !theirs ? '–' : (ours / theirs).toFixed(2));

/* What each figure is called, and what it says. */
const FIGURES = [
  ['memory_mb', 'memory of everything that serves them, MB PSS, idle'],
  ['qr_last_s', 'request to the last of all codes, s'],
  ['restore_s', 'start to all ready from saved profiles, s'],
  ['start_cpu_s', 'processor time of that start, s'],
  ['send_p50_ms', 'send, one session, p50 ms'],
  ['send_p99_ms', 'send, one session, p99 ms'],
  ['sends_per_second', 'sends per second, all sessions at once'],
  ['webhook_p50_ms', 'message at the phone to webhook, p50 ms'],
  ['webhook_p99_ms', 'message at the phone to webhook, p99 ms'],
  ['idle_cpu_percent', 'idle processor time, % of one'],
  ['crash_recovery_s', 'one browser killed: its user sends again after, s'],
  ['crash_others_working', 'one browser killed: others that still send'],
];

/* What each try gave. */
const tries = (cells, side, page, sessions, name) =>
  cells
    .filter((cell) => cell.side === side && cell.page === page && cell.sessions === sessions)
    .filter((cell) => name in cell)
    .map((cell) => cell[name]);

export function figure(cells, side, page, sessions, name) {
  const values = tries(cells, side, page, sessions, name);
  return values.length ? median(values) : undefined;
}

/* How many tries came to nothing, where that is not said by the figure itself. */
function failures(cells, side, page, sessions, name) {
  const values = tries(cells, side, page, sessions, name);
  const failed = values.filter((value) => value === null).length;
  return failed && failed < values.length ? ` (${failed} of ${values.length} tries: never)` : '';
}

const distinct = (values) => [...new Set(values)];

/* How often everything was measured: some may have been measured more often than others. */
function rounds(cells) {
  const often = new Map();
  for (const { page, sessions, round } of cells) {
    const what = `${sessions} session${sessions > 1 ? 's' : ''} on the ${page === 'real' ? 'heavy' : 'light'} page`;
    often.set(what, Math.max(often.get(what) ?? 0, round + 1));
  }
  const least = Math.min(...often.values());
  const more = [...often].filter(([, count]) => count > least).map(([what, count]) => `${count} with ${what}`);
  return `${least} round${least > 1 ? 's' : ''}${more.length ? ` (${more.join(', ')})` : ''}`;
}

/* Memory that one more session costs, from the smallest to the largest number measured. */
export function perSession(cells, side, page) {
  const own = cells.filter((cell) => cell.page === page && cell.side === side && cell.memory_mb != null);
  const counts = distinct(own.map(({ sessions }) => sessions)).sort((a, b) => a - b);
  if (counts.length < 2) return null;
  const [least, most] = [counts[0], counts.at(-1)];
  const at = (count) => figure(cells, side, page, count, 'memory_mb');
  return (at(most) - at(least)) / (most - least);
}

/* What was set out to be reached, and what was. `value` may be null where it was not measured. */
function goals(cells, requests) {
  const has = (page, sessions) => cells.some((cell) => cell.page === page && cell.sessions === sessions);
  const SIX = 6;
  const over = (mine, theirs) => (mine == null || !theirs ? null : mine / theirs);
  const added = (page, side) => over(perSession(cells, side, page), perSession(cells, THEIRS, page));
  const of = (side, page, name) => figure(cells, side, page, SIX, name);
  const at = (page, name) => (has(page, SIX) ? over(of(OURS, page, name), of(THEIRS, page, name)) : null);
  const alone = (page) => over(...[OURS, THEIRS].map((side) => figure(cells, side, page, 1, 'send_p50_ms')));
  /* A time that there is on our side alone. */
  const restored = (page) =>
    of(OURS, page, 'restore_s') && of(THEIRS, page, 'restore_s') === null
      ? `${of(OURS, page, 'restore_s').toFixed(1)} s, the peer never`
      : at(page, 'restore_s');
  const asked = (users) => {
    const rate = (side) => median(requests.filter((one) => one.side === side && one.users === users).map((one) => one.requests_per_second));
    return over(rate(OURS), rate(THEIRS));
  };
  const ours = cells.filter(({ side }) => side === OURS);
  const all = [
    ['memory per added session, light page', added('light', OURS), 0.27, '×'],
    ['memory per added session, heavy page', added('real', OURS), 0.45, '×'],
    ['the same, no main screen', added('real', LITTLE), 0.32, '×'],
    ['the same, merged by the kernel', added('real', MERGED), 0.3, '×'],
    ['send, one session, p50, light page', alone('light'), 1, '×'],
    ['send, one session, p50, heavy page', alone('real'), 1, '×'],
    ['all codes of six at once, light page', at('light', 'qr_last_s'), 0.7, '×'],
    ['all codes of six at once, heavy page', at('real', 'qr_last_s'), 0.7, '×'],
    ['six restored, light page', restored('light'), 0.6, '×'],
    ['six restored, heavy page', restored('real'), 0.6, '×'],
    ['idle processor time of six, light page', at('light', 'idle_cpu_percent'), 0.45, '×'],
    ['idle processor time of six, heavy page', at('real', 'idle_cpu_percent'), 0.45, '×'],
    // 20 MB, and 100 kB for each user.
    ['resident memory of the supervisor beyond 0.1 MB per user', Math.max(...ours.map((cell) => cell.server_rss_mb - 0.1 * cell.sessions)), 20, 'MB'],
    ['a worker process (PSS)', median(ours.map((cell) => cell.workers_mb)), 8, 'MB'],
    ['`/status` per second, 1 user known', asked(1), 10, '×', 'at least'],
    ['`/status` per second, 200 users known', asked(200), 10, '×', 'at least'],
  ];
  const row = ([name, value, goal, unit, least]) => {
    if (value == null) return `| ${name} | not measured | | |`;
    if (typeof value === 'string') return `| ${name} | ${value} | at most ${goal} ${unit} | reached |`;
    const reached = least ? value >= goal : value <= goal;
    return `| ${name} | ${value.toFixed(2)} ${unit} | ${least ?? 'at most'} ${goal} ${unit} | ${reached ? 'reached' : '**not reached**'} |`;
  };
  return ['## Goals', '', '| | measured | goal | |', '| --- | --- | --- | --- |', ...all.map(row), ''];
}

export function report({ machine, plan, cells, requests }) {
  const lines = ['# Results', '', 'Written by `make bench`. Colmeia and whatsapp-web.js in turn on one machine, on the same simulated page, both with Chromium\'s sandbox on. Medians of', `${rounds(cells)}; memory after ${plan.idleSeconds} s of idling, processor time over the ${plan.idleSeconds} s after that. Compare the ratios: absolute figures are this machine's.`, ''];
  lines.push(`${machine.date}, ${machine.processors}, ${machine.memory_gb} GB, Linux ${machine.kernel}, ${machine.chromium}, Node ${machine.node}.`, '');
  if (!plan.smoke) lines.push(...goals(cells, requests));
  for (const page of distinct(cells.map(({ page }) => page))) {
    lines.push(`## ${page === 'real' ? 'A page of the real one\'s weight' : 'A light page'}`, '');
    const counts = distinct(cells.filter((cell) => cell.page === page).map(({ sessions }) => sessions));
    for (const sessions of counts.sort((left, right) => left - right)) {
      lines.push(`### ${sessions} session${sessions > 1 ? 's' : ''}`, '', `| | ${OURS} | ${THEIRS} | ratio |`, '| --- | --- | --- | --- |');
      for (const [name, title] of FIGURES) {
        const [ours, theirs] = [OURS, THEIRS].map((side) => figure(cells, side, page, sessions, name));
        if (ours === undefined && theirs === undefined) continue;
        const [failed, theirsFailed] = [OURS, THEIRS].map((side) => failures(cells, side, page, sessions, name));
        lines.push(`| ${title} | ${shown(ours)}${failed} | ${shown(theirs)}${theirsFailed} | ${ratio(ours, theirs)} |`);
      }
      lines.push('');
    }
    const [ours, theirs] = [OURS, THEIRS].map((side) => perSession(cells, side, page));
    if (ours != null) lines.push(`Memory per added session: **${shown(ours)} MB** against ${shown(theirs)} MB, ratio **${ratio(ours, theirs)}**.`, '');
    const little = cells.filter((cell) => cell.page === page && cell.side === LITTLE);
    if (little.length) {
      lines.push('With no main screen (`[page] ui = "none"`):', '', '| sessions | Colmeia, MB | little of the page, MB | restored, s | little of the page, s |', '| --- | --- | --- | --- | --- |');
      for (const { sessions, memory_mb, restore_s } of little) lines.push(`| ${sessions} | ${shown(figure(cells, OURS, page, sessions, 'memory_mb'))} | ${shown(memory_mb)} | ${shown(figure(cells, OURS, page, sessions, 'restore_s'))} | ${shown(restore_s)} |`);
      const added = perSession(cells, LITTLE, page);
      if (added != null) lines.push('', `Memory per added session: **${shown(added)} MB**, ratio **${ratio(added, theirs)}**.`, '');
    }
    const merged = cells.filter((cell) => cell.page === page && cell.side === MERGED);
    if (merged.length) {
      lines.push('With memory merged by the kernel (KSM, its advisor on `scan-time`), at rest twice as long:', '', '| sessions | Colmeia, MB | merged, MB |', '| --- | --- | --- |');
      for (const { sessions, memory_mb } of merged) lines.push(`| ${sessions} | ${shown(figure(cells, OURS, page, sessions, 'memory_mb'))} | ${shown(memory_mb)} |`);
      const added = perSession(cells, MERGED, page);
      if (added != null) lines.push('', `Memory per added session: **${shown(added)} MB**, ratio **${ratio(added, theirs)}**.`, '');
    }
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
    lines.push(`Of Colmeia's memory the supervisor has ${shown(median(ours.map((cell) => cell.server_rss_mb)))} MB resident and each worker process takes ${shown(median(ours.map((cell) => cell.workers_mb)))} MB (medians over all cells); the rest is browsers.`, '');
  return lines.join('\n');
}
