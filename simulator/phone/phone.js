/* Owns the phone's screen in the browser: reads the API, redraws on every change, posts what is asked.
 * Uses nothing that a test could not use as well. */

const texts = JSON.parse(document.getElementById('texts').textContent);
const byId = (id) => document.getElementById(id);
const [who, paste, write] = ['who', 'paste', 'write'].map(byId);
const NOTICE_MS = 4000;
let chosen = null;

function text(key, values = {}) {
  return Object.entries(values).reduce(
    (result, [name, value]) => result.replace(`{${name}}`, value),
    texts[key] ?? key,
  );
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

for (const marked of document.querySelectorAll('[data-text]')) marked.textContent = text(marked.dataset.text);

/* ---- talking to the API ---- */

async function get(path) {
  const response = await fetch(`/phone/${path}`);
  return response.json();
}

/* Posts and says how it went; resolves to the answer, or to null when it was refused. */
async function post(path, body, told) {
  const response = await fetch(`/phone/${path}`, { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.json();
  notify(response.ok ? told(answer) : answer.error, !response.ok);
  return response.ok ? answer : null;
}

let hideNotice;
function notify(message, bad) {
  const notice = byId('notice');
  notice.textContent = message;
  notice.classList.toggle('bad', bad);
  clearTimeout(hideNotice);
  hideNotice = setTimeout(() => (notice.textContent = ''), NOTICE_MS);
}

/* ---- linking ---- */

async function link(path, code) {
  if (!who.reportValidity()) return;
  const { number, name } = Object.fromEntries(new FormData(who));
  const answer = await post(path, { ...code, number, name }, () => text('linked'));
  if (answer) chosen = number.replace(/^\+/, '');
}

function waitingRow(page) {
  const age = text('seconds', { count: Math.round((Date.now() - page.since) / 1000) });
  const scan = element('button', {
    type: 'button',
    textContent: text('scan'),
    onclick: () => link('scan', { qr: page.qr }),
  });
  scan.dataset.key = `scan ${page.page}`;
  const description = element(
    'span',
    { className: 'grow' },
    element('code', { textContent: page.qr }),
    element('small', {}, text('shown', { page: page.page, age })),
  );
  return element('li', {}, description, scan);
}

paste.addEventListener('submit', (event) => {
  event.preventDefault();
  const code = new FormData(paste).get('code').trim();
  link(code.includes('@') ? 'scan' : 'pair', code.includes('@') ? { qr: code } : { code }).then(() =>
    paste.reset(),
  );
});
who.addEventListener('submit', (event) => event.preventDefault());

/* ---- linked phones ---- */

function phoneRow({ number, name, devices }) {
  const linked = devices.filter((device) => !device.logged_out);
  const queued = linked.reduce((sum, device) => sum + device.queued, 0);
  const state = [
    text(linked.some((device) => device.online) ? 'online' : 'offline'),
    queued ? text('queued', { count: queued }) : '',
  ];
  const pick = element(
    'button',
    { type: 'button', className: 'pick grow', onclick: () => choose(number) },
    element('strong', { textContent: name }),
    element('br'),
    element('small', {}, `+${number} · ${state.filter(Boolean).join(' · ')}`),
  );
  pick.dataset.key = `pick ${number}`;
  pick.setAttribute('aria-pressed', String(number === chosen));
  const logout = element('button', {
    type: 'button',
    className: 'danger',
    textContent: text('logout'),
    onclick: () => post('logout', { number }, () => text('loggedOut')),
  });
  logout.dataset.key = `logout ${number}`;
  return element('li', { className: number === chosen ? 'chosen' : '' }, pick, logout);
}

function choose(number) {
  chosen = number;
  redraw();
}

/* ---- chats ---- */

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' });

function lineOf({ from_me, text: words, type, timestamp }) {
  const kind = type === 'chat' ? '' : `[${text(type)}] `;
  const time = element(
    'time',
    {},
    `${text(from_me ? 'fromPage' : 'fromPhone')} · ${clock.format(timestamp * 1000)}`,
  );
  return element('p', { className: from_me ? 'mine' : 'theirs' }, kind + words, time);
}

function conversationOf(chats) {
  if (!chosen) return [element('p', { className: 'none', textContent: text('choose') })];
  const lines = chats.flatMap(({ id, name, typing, seen_at, messages }) => {
    const remarks = [
      typing && text(typing === 'recording' ? 'recording' : 'typing'),
      seen_at && text('seen'),
    ].filter(Boolean);
    const title = [name && `${name} (${id.split('@')[0]})`, !name && id.split('@')[0], ...remarks]
      .filter(Boolean)
      .join(' · ');
    return messages.length ? [element('h3', { textContent: title }), ...messages.map(lineOf)] : [];
  });
  return lines.length ? lines : [element('p', { className: 'none', textContent: text('empty') })];
}

const base64 = (file) =>
  new Promise((resolve, reject) => {
    const reader = Object.assign(new FileReader(), {
      onerror: reject,
      onload: () => resolve(reader.result.split(',')[1]),
    });
    reader.readAsDataURL(file);
  });

write.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { from, name, body, file } = Object.fromEntries(new FormData(write));
  if (!chosen) return notify(text('choose'), true);
  const media = file.size
    ? {
        mimetype: file.type || 'application/octet-stream',
        filename: file.name,
        caption: body,
        data: await base64(file),
      }
    : undefined;
  const answer = await post('message', { to: chosen, from, name, body, media }, ({ queued }) =>
    text(queued ? 'kept' : 'sent'),
  );
  if (!answer) return;
  for (const field of ['body', 'file']) write.elements[field].value = '';
  write.elements.body.focus();
});

/* Enter sends, Shift+Enter breaks the line, as in every messenger. */
write.elements.body.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  write.requestSubmit();
});

byId('read').addEventListener('click', () => {
  if (chosen) post('read', { number: chosen, chat: write.elements.from.value }, () => text('read'));
});

/* ---- drawing ---- */

/* Replaces a list but keeps the keyboard where it was. */
function replace(list, children) {
  const key = list.contains(document.activeElement) && document.activeElement.dataset.key;
  list.replaceChildren(...children);
  if (key) list.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

const none = (key) => [element('li', { className: 'none', textContent: text(key) })];

async function redraw() {
  const [{ pages }, { numbers }] = await Promise.all([get('pages'), get('numbers')]);
  const waiting = pages.filter((page) => page.qr);
  const linked = numbers.filter(({ devices }) => devices.some((device) => !device.logged_out));
  if (!linked.some(({ number }) => number === chosen)) chosen = linked[0]?.number ?? null;
  const { chats } = chosen ? await get(`chats?number=${chosen}`) : { chats: [] };
  replace(byId('waiting'), waiting.length ? waiting.map(waitingRow) : none('noneWaiting'));
  replace(byId('phones'), linked.length ? linked.map(phoneRow) : none('noPhones'));
  const contacts = linked.find(({ number }) => number === chosen)?.contacts ?? [];
  byId('contacts').replaceChildren(
    ...contacts.map(({ number, name }) => element('option', { value: number, label: name })),
  );
  const conversation = byId('conversation');
  const atEnd = conversation.scrollTop + conversation.clientHeight >= conversation.scrollHeight - 40;
  conversation.replaceChildren(...conversationOf(chats));
  if (atEnd) conversation.scrollTop = conversation.scrollHeight;
}

/* One redraw at a time; changes meanwhile lead to one more. */
let drawing = false;
let again = false;
async function changed() {
  if (drawing) return void (again = true);
  drawing = true;
  do {
    again = false;
    await redraw().catch((error) => notify(String(error), true));
  } while (again);
  drawing = false;
}

const changes = new EventSource('/phone/events');
changes.onopen = changed;
changes.onmessage = changed;
