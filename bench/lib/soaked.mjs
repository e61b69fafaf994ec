/* Whether memory grew over a soak, and the text about it. Pure. */

import { median } from './report.mjs';

/* What is still flat: a part of what it was, or a few MB where it is small. */
const PARTS = [
  { name: 'supervisor', title: 'supervisor', part: 0.15, mb: 4 },
  { name: 'worker', title: 'worker process, each', part: 0.15, mb: 1.5 },
  { name: 'browser', title: 'browser, each', part: 0.15, mb: 10 },
];

/* The middle third against the last: the first is warm-up. A browser may also have been replaced by design, because of
 * the soft limit `{mb, recycled}`, which then bounds what it takes. */
export function grown(samples, limit) {
  const third = Math.floor(samples.length / 3);
  const [middle, last] = [samples.slice(third, 2 * third), samples.slice(-third)];
  return PARTS.map(({ name, title, part, mb }) => {
    const [before, after] = [middle, last].map((some) => median(some.map((sample) => sample[name])));
    const flat = after - before <= Math.max(before * part, mb);
    const bounded = name === 'browser' && limit.recycled > 0 && after <= limit.mb;
    const said = bounded ? `replaced ${limit.recycled} times at ${limit.mb} MB` : flat ? 'flat' : 'grew';
    return { title, before, after, fine: flat || bounded, said };
  });
}

export function soaked({ machine, samples, counts, verdict, limit, minutes }) {
  const row = (...columns) => `| ${columns.join(' | ')} |`;
  const shown = (value) => value.toFixed(1);
  const every = Math.max(1, Math.ceil(samples.length / 20));
  return [
    '# Soak',
    '',
    `Written by \`make soak\`: four real sessions on the light page for ${minutes} minutes, timers sixty times as fast:`,
    `${counts.received} messages in and ${counts.sent} out, ${counts.reconnects} lost connections, ${counts.logouts} logouts by the phone, ${counts.codes} expired codes.`,
    `Every message arrived once. A browser of more than ${limit.mb} MB (\`memory.high_mb\`) is replaced when nobody writes for a moment.`,
    'Memory is the proportional set size in MB.',
    '',
    `${machine.date}, ${machine.processors}, Linux ${machine.kernel}, ${machine.chromium}.`,
    '',
    row('', 'middle third', 'last third', ''),
    row('---', '---', '---', '---'),
    ...verdict.map(({ title, before, after, said }) => row(title, shown(before), shown(after), said)),
    '',
    row('after s', 'messages', 'supervisor', 'worker', 'browser'),
    row('---', '---', '---', '---', '---'),
    ...samples
      .filter((_, index) => index % every === 0 || index === samples.length - 1)
      .map((one) => row(Math.round(one.at), one.messages, shown(one.supervisor), shown(one.worker), shown(one.browser))),
    '',
  ].join('\n');
}
