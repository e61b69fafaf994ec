/* Owns the weight of the real page, for measurements: scripts full of modules of which some are run, what those keep
 * alive, the main screen's panels, and a database. Nothing else of the page uses any of it. The scripts' text is made by
 * the server. */

import { createElement, useEffect, useState } from './react.js';
import { runModule } from './registry.js';

const FILES = 60;
/* Of the 18,000 modules: which ones are run by the app and by the main screen. The others wait to be asked for. */
const APP = [0, 3800];
const SCREEN = [6000, 8000];
/* What they made and keep, with closures. */
const KEPT = 70_000;
const SCREEN_KEPT = 15_000;
/* How often each of their functions runs, and how often a table is written and read for each: what a start takes of the
 * processor, and leaves to be collected. */
const ROUNDS = 8;
const TABLES = 16;
const SCREEN_TABLES = 6;
const ROWS = 20_000;
const ROW_CHARACTERS = 1000;
const DATABASE = 'weight-storage';

const load = (file) =>
  new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = `/sim/weight/${file}`;
    script.async = false;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`script ${file} of the weight is missing`));
    document.head.append(script);
  });

/* Text that neither the database nor the kernel can make smaller. */
const noise = (length) => {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return String.fromCharCode(...bytes.map((byte) => 32 + (byte % 95)));
};

/* Registers the modules; window.__d must be there. */
export const loadModules = () => Promise.all(Array.from({ length: FILES }, (_, file) => load(file)));

const nameOf = (index) => `WAWeight${String(index).padStart(5, '0')}`;
const kept = [];

/* Runs modules and their functions, and keeps so many of what they make. */
const table = Array.from({ length: 100 }, (_, index) => ({ id: index, name: `row ${index}`, parts: [index, -index] }));
function run([first, end], count, tables) {
  const modules = [];
  for (let index = first; index < end; index++) {
    const module = runModule(nameOf(index));
    for (const one of module.functions) for (let round = 0; round < ROUNDS; round++) one(module, module);
    for (let done = 0; done < tables; done++) JSON.parse(JSON.stringify(table));
    modules.push(module);
  }
  for (let index = 0; index < count; index++) {
    const made = modules[index % modules.length].make(index);
    made.listen(() => index);
    kept.push(made);
  }
}

/* What a session runs and keeps alive once it has its chats. */
export const runAppModules = () => run(APP, KEPT, TABLES);
export function runScreenModules() {
  run(SCREEN, SCREEN_KEPT, SCREEN_TABLES);
  addStyles();
}

/* ---- the screen ---- */

/* About 1,000 elements, whatever chats there are. */
const ICONS = 16;
const CELLS = 72;

/* One property in each rule, as the real page's styles have it, and layers of the screen's size. */
const RULES = 12_000;
function addStyles() {
  const rules = Array.from({ length: RULES }, (_, index) => `.x${index}{padding-left:${index % 7}px;order:${index % 3}}`);
  const sheet = document.createElement('style');
  sheet.textContent = `${rules.join('')}
    #panels { position: fixed; inset: 0; overflow: auto; z-index: -1; will-change: transform; }
    .panel-list { display: grid; grid-template-columns: repeat(3, 1fr); }
    .panel-cell { display: flex; gap: 8px; border-radius: 8px; box-shadow: 0 1px 3px #0003; }`;
  document.head.append(sheet);
}

const icon = (index) =>
  createElement(
    'button',
    { class: `panel-icon x${index}`, type: 'button', 'aria-label': `icon ${index}` },
    createElement(
      'svg',
      { viewBox: '0 0 24 24', width: 24, height: 24 },
      createElement('path', { d: `M${index % 9} 3h12a3 3 0 0 1 3 3v12a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3V${index % 7}z` }),
    ),
  );

function Cell({ index, drawn }) {
  const text = (part) => createElement('span', { class: `x${(index * 7 + part) % 997}` }, `Cell ${index}.${part}.${drawn}`);
  return createElement(
    'div',
    { class: `panel-cell x${index}`, onClick: () => index },
    createElement('div', { class: 'panel-round' }, icon(index)),
    createElement(
      'div',
      { class: 'panel-texts' },
      createElement('div', {}, text(0), text(1)),
      createElement('div', {}, text(2), text(3)),
    ),
  );
}

/* Drawn time and again while it comes up, as what a screen shows comes bit by bit. */
const REDRAWS = 60;
export function Panels() {
  const [drawn, draw] = useState(0);
  useEffect(() => {
    let count = 0;
    let next = requestAnimationFrame(function again() {
      draw(++count);
      if (count < REDRAWS) next = requestAnimationFrame(again);
    });
    return () => cancelAnimationFrame(next);
  });
  return createElement(
    'div',
    { id: 'panels' },
    createElement('div', { class: 'panel-icons' }, ...Array.from({ length: ICONS }, (_, index) => icon(index))),
    createElement(
      'div',
      { class: 'panel-list' },
      ...Array.from({ length: CELLS }, (_, index) => createElement(Cell, { index, drawn })),
    ),
  );
}

/* ---- the disk ---- */

/* About 20 MB, written once in a profile's life. */
export async function fillDatabase() {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('rows', { keyPath: 'id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const there = await settled(database.transaction('rows').objectStore('rows').count());
  for (let start = there; start < ROWS; start += 1000) {
    const transaction = database.transaction('rows', 'readwrite');
    const rows = transaction.objectStore('rows');
    for (let id = start; id < Math.min(start + 1000, ROWS); id++) rows.put({ id, text: noise(ROW_CHARACTERS) });
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
  }
  database.close();
}
