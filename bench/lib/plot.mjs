/* Draws memory over the number of sessions, as SVG. Pure. */

import { figure } from './report.mjs';

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 400, 64, 170, 24, 44];
const LINES = [
  ['whatsapp-web.js', 'real', '#b3401f', ''],
  ['whatsapp-web.js', 'light', '#b3401f', '6 4'],
  ['Colmeia', 'real', '#1f6fb3', ''],
  ['Colmeia', 'light', '#1f6fb3', '6 4'],
];

export function plot({ cells }) {
  const counts = [...new Set(cells.map(({ sessions }) => sessions))].sort((left, right) => left - right);
  const lines = LINES.map(([side, page, color, dash]) => ({
    title: `${side}, ${page}`,
    color,
    dash,
    points: counts.map((count) => [count, figure(cells, side, page, count, 'memory_mb')]).filter(([, value]) => value != null),
  })).filter(({ points }) => points.length);
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const step = 10 ** Math.floor(Math.log10(most)) / 2;
  const top = Math.ceil(most / step) * step;
  const x = (count) => LEFT + ((WIDTH - LEFT - RIGHT) * count) / counts.at(-1);
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top;
  const text = (left, height, words, rest = '') => `<text x="${left}" y="${height}" ${rest}>${words}</text>`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Memory over sessions">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
  ];
  for (let value = 0; value <= top; value += step)
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`,
      text(LEFT - 8, y(value) + 4, value, 'text-anchor="end"'),
    );
  for (const count of counts) parts.push(text(x(count), HEIGHT - BOTTOM + 18, count, 'text-anchor="middle"'));
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, 'linked, idle sessions', 'text-anchor="middle"'), text(8, 14, 'MB (PSS)'));
  for (const { title, color, dash, points } of lines) {
    const path = points.map(([count, value], index) => `${index ? 'L' : 'M'}${x(count)} ${y(value)}`).join('');
    parts.push(`<path d="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`);
    for (const [count, value] of points) parts.push(`<circle cx="${x(count)}" cy="${y(value)}" r="3" fill="${color}"/>`);
    const [count, value] = points.at(-1);
    parts.push(text(x(count) + 8, y(value) + 4, title, `fill="${color}"`));
  }
  return `${parts.join('\n')}\n</svg>\n`;
}
