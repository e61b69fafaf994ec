/* Turns what single measures brought into a table for people. Pure. */

import { median } from './report.mjs';

const COLUMNS = [
  ['memory_mb', 'memory, MB'],
  ['start_cpu_s', 'start until ready, s of processor'],
  ['send_p50_ms', 'send p50, ms'],
  ['idle_cpu_percent', 'idle, % of a processor'],
];
const shown = (value) => (value == null ? '–' : value.toFixed(value >= 100 ? 0 : value >= 1 ? 1 : 2));

export function compare({ machine, page, sessions, plan, measured }) {
  const plain = measured.filter(({ name }) => name === 'plain');
  const usual = Object.fromEntries(COLUMNS.map(([key]) => [key, median(plain.map((cell) => cell[key]))]));
  const spread = (key) => {
    const values = plain.map((cell) => cell[key]);
    return `${shown(Math.min(...values))}–${shown(Math.max(...values))}`;
  };
  const cells = (figures) =>
    COLUMNS.map(([key]) => {
      const change = Math.round((figures[key] / usual[key] - 1) * 100);
      return `${shown(figures[key])} (${change < 0 ? '−' : '+'}${Math.abs(change)} %)`;
    });
  const row = (...columns) => `| ${columns.join(' | ')} |`;
  const table = (title, rows) => rows.length === 0 ? [] : [
    `## ${title}`,
    '',
    row('', ...COLUMNS.map(([, name]) => name)),
    row('---', ...COLUMNS.map(() => '---')),
    row('Colmeia as it comes', ...COLUMNS.map(([key]) => `${shown(usual[key])} (${spread(key)})`)),
    ...rows.map((figures) => {
      const name = figures.note ? `${figures.name}: ${figures.note}` : figures.name;
      return row(name, ...(figures.failed ? [`failed: ${figures.failed}`, '', '', ''] : cells(figures)));
    }),
    '',
  ];
  const others = measured.filter(({ name }) => name !== 'plain');
  return [
    '# What each measure brings',
    '',
    `Written by \`make measures\`: Colmeia as it comes against Colmeia with one thing changed; ${sessions} sessions on the`,
    `${page === 'real' ? 'page of the real one\'s weight' : 'light page'}, restored from their profiles, after ${plan.idleSeconds} s at rest. Memory is the proportional set size of`,
    'all processes. In brackets: the change against the plain one, whose own spread over the run stands in its row.',
    '',
    `${machine.date}, ${machine.processors}, Linux ${machine.kernel}, ${machine.chromium}.`,
    '',
    ...table('Taken: what it would be without', others.filter(({ taken }) => taken)),
    ...table('Not taken, or left to the operator: what it would be with', others.filter(({ taken }) => !taken)),
  ].join('\n');
}
