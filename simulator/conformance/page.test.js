/* The page itself: its QR codes, its faults, its modules' order, and that no message is lost or doubled by any of them. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { launch, start, until } from './harness.js';

const ME = '5511900000003';
const ANA = '5511911110001';
const CHAT = `${ANA}@c.us`;

async function open(folder, address) {
  const browser = await launch(folder);
  const [page] = await browser.pages();
  /* Every message that enters the collection as new, whenever it does, and every state. */
  await page.evaluateOnNewDocument(() => {
    window.fresh = [];
    window.states = [];
    const wait = setInterval(() => {
      if (!window.Debug) return;
      clearInterval(wait);
      const { Socket } = window.require('WAWebSocketModel');
      window.states.push(Socket.state);
      Socket.on('change:state', (_, state) => window.states.push(state));
      const { Msg } = window.require('WAWebCollections');
      const note = (message) => message.isNewMsg && window.fresh.push(message.body);
      Msg.forEach(note);
      Msg.on('add', note);
    });
  });
  await page.goto(address, { waitUntil: 'load' });
  return { browser, page };
}

const shown = (phone, state) =>
  until(`a page is in ${state}`, async () => (await phone.pages()).find((page) => page.state === state));
const qrOf = async (phone) => until('a QR code', async () => (await phone.pages())[0]?.qr);
async function login(phone) {
  await phone.scan({ qr: await qrOf(phone), number: ME, name: 'Acme' });
  await shown(phone, 'main');
}
const fresh = (page) => page.evaluate(() => window.fresh);
const state = (page) => page.evaluate(() => window.require('WAWebSocketModel').Socket.state);

function send(page, body) {
  return page.evaluate(
    async (to, text) => {
      const wid = window.require('WAWebWidFactory').createWid(to);
      const { chat } = await window.require('WAWebFindChatAction').findOrCreateLatestChat(wid);
      const MsgKey = window.require('WAWebMsgKey');
      const from = window.require('WAWebUserPrefsMeUser').getMaybeMePnUser();
      const id = new MsgKey({ from, to: wid, id: await MsgKey.newId(), selfDir: 'out' });
      const message = {
        id,
        from,
        to: wid,
        body: text,
        type: 'chat',
        self: 'out',
        t: Math.floor(Date.now() / 1000),
      };
      const [added, result] = window.require('WAWebSendMsgChatAction').addAndSendMsgToChat(chat, message);
      await added;
      return (await result).messageSendResult;
    },
    CHAT,
    body,
  );
}

test('QR codes follow each other until a button asks for more', async (t) => {
  const { address, folder, phone } = await start(t, '--qr-ttl-ms', '400', '--qr-count', '2');
  const { page } = await open(folder, address);
  const first = await page
    .waitForSelector('[data-ref]')
    .then((element) => element.evaluate((one) => one.dataset.ref));
  assert.equal(first.split(',').length, 5);
  await page.waitForFunction((old) => document.querySelector('[data-ref]')?.dataset.ref !== old, {}, first);
  await assert.rejects(phone.scan({ qr: first, number: ME, name: 'Acme' }), /404/);
  const button = await page.waitForSelector('#qr button');
  assert.equal(await page.$('[data-ref]'), null);
  assert.equal(await state(page), 'UNPAIRED_IDLE');
  await button.click();
  /* On a busy machine a code has expired before it is scanned, and the last one is followed by the button. */
  await until('the phone can scan', async () => {
    const code = await page.$eval('[data-ref]', (one) => one.dataset.ref).catch(() => null);
    if (code) return phone.scan({ qr: code.split(',')[0], number: ME, name: 'Acme' }).catch(() => null);
    return page.click('#qr button').catch(() => null);
  });
  await shown(phone, 'main');
});

test('a killed browser finds each message of the meantime once, and older ones by paging', async (t) => {
  const { address, folder, phone } = await start(t);
  let { browser, page } = await open(folder, address);
  await login(phone);
  await phone.fault({ number: ME, fault: 'burst', value: 30 });
  for (let index = 0; index < 50; index++)
    await phone.message({ to: ME, from: ANA, name: 'Ana', body: `message ${index}` });
  await until('all are new', async () => (await fresh(page)).length === 80);
  await until('all are stored', async () => (await phone.numbers())[0].devices[0].queued === 0);
  browser.process().kill('SIGKILL');
  await until('the page is gone', async () => (await phone.pages()).length === 0);
  for (let index = 50; index < 60; index++) {
    assert.equal(
      (await phone.message({ to: ME, from: ANA, name: 'Ana', body: `message ${index}` })).queued,
      true,
    );
  }

  ({ browser, page } = await open(folder, address));
  await shown(phone, 'main');
  const expected = (from, to) => Array.from({ length: to - from }, (_, index) => `message ${from + index}`);
  await until('the queue is empty', async () => (await phone.numbers())[0].devices[0].queued === 0);
  assert.deepEqual(await fresh(page), expected(50, 60));
  const [inMemory, all] = await page.evaluate(async (id) => {
    const chat = window.require('WAWebCollections').Chat.get(id);
    const bodies = () => chat.msgs.getModelsArray().map(({ body }) => body);
    const before = bodies();
    while ((await window.require('WAWebChatLoadMessages').loadEarlierMsgs({ chat }))?.length);
    return [before, bodies()];
  }, CHAT);
  assert.deepEqual(inMemory, expected(30, 60));
  assert.deepEqual(all, expected(0, 60));
  assert.equal(
    await page.evaluate((id) => window.require('WAWebCollections').Chat.get(id).unreadCount, CHAT),
    60,
  );
});

test('a session stalls and recovers: offline, a restarted server', async (t) => {
  const simulator = await start(t);
  const { address, folder, phone } = simulator;
  const { page } = await open(folder, address);
  await login(phone);

  await phone.fault({ number: ME, fault: 'offline', value: 3000 });
  await shown(phone, 'offline');
  const waiting = send(page, 'sent while offline');
  const { queued } = await phone.message({ to: ME, from: ANA, body: 'received while offline' });
  assert.equal(queued, true);
  assert.equal(await waiting, 'OK');
  await until('the message arrives', async () => (await fresh(page)).includes('received while offline'));

  await simulator.restart();
  await until('the page is back', async () => (await phone.pages())[0]?.receiving);
  assert.equal(await send(page, 'after the restart'), 'OK');
  await phone.message({ to: ME, from: ANA, body: 'from the new server' });
  await until('the message arrives', async () => (await fresh(page)).includes('from the new server'));
  assert.deepEqual((await page.evaluate(() => window.states)).slice(-3), ['OPENING', 'PAIRING', 'CONNECTED']);
});

test('sending fails, is slow, is acknowledged late', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await phone.fault({ number: ME, fault: 'send_failure', value: 2 });
  assert.deepEqual(
    [await send(page, 'one'), await send(page, 'two'), await send(page, 'three')],
    ['ERROR_NETWORK', 'ERROR_NETWORK', 'OK'],
  );
  assert.deepEqual(
    (await phone.sent(ME)).map(({ body }) => body),
    ['three'],
  );

  await phone.fault({ number: ME, fault: 'ack_delay', value: 60_000 });
  send(page, 'four').catch(() => {});
  await until('the phone has it', async () => (await phone.sent(ME)).length === 2);
  const ack = () => page.evaluate(() => window.require('WAWebCollections').Msg.last().ack);
  assert.equal(await ack(), 0);
  await phone.fault({ number: ME, fault: 'none' });
  assert.equal(await send(page, 'five'), 'OK');
});

test('a page hangs, leaks, crashes', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  /* The page measures its own longest stillness: from outside, the hang may be over before anybody asks. */
  await page.evaluate(() => {
    let last = performance.now();
    window.longestStill = 0;
    setInterval(() => {
      const now = performance.now();
      window.longestStill = Math.max(window.longestStill, now - last);
      last = now;
    }, 10);
  });
  await phone.fault({ number: ME, fault: 'hang', value: 400 });
  await until('it stood still and answers again', () => page.evaluate(() => window.longestStill >= 350));

  const heap = async () => (await page.metrics()).JSHeapUsedSize / 2 ** 20;
  const before = await heap();
  await phone.fault({ number: ME, fault: 'ballast', value: 40 });
  await until('it is heavier', async () => (await heap()) > before + 30);
  await phone.fault({ number: ME, fault: 'leak', value: 50 });
  await until('it grows', async () => (await heap()) > before + 60);

  const crashed = new Promise((resolve) => page.once('error', resolve));
  await phone.fault({ number: ME, fault: 'crash' });
  assert.match(String(await crashed), /crash/i);
});

test('a logout at the phone reaches a browser that is down', async (t) => {
  const { address, folder, phone } = await start(t);
  const { browser } = await open(folder, address);
  await login(phone);
  await browser.close();
  await until('the page is gone', async () => (await phone.pages()).length === 0);
  await phone.logout(ME);
  const { page } = await open(folder, address);
  await shown(phone, 'logged_out');
  await qrOf(phone);
  assert.equal(new URL(page.url()).search, '');
});

test('a factory that is run outside its closure stays broken; ballast stays asleep', async (t) => {
  const { address, folder } = await start(t);
  const { page } = await open(folder, `${address}/?late=9000&ballast_modules=2000`);
  const seen = await page.evaluate(async () => {
    const attempt = (id) => {
      try {
        window.require(id);
        return 'works';
      } catch (error) {
        return String(error);
      }
    };
    const until = async (test) => {
      while (!test()) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    await until(() => window.require);
    const { modulesMap } = window.require('__debug');
    const unknown = attempt('WAWebNothing');
    /* Dependents come before what they need. */
    const there = (id) => Boolean(modulesMap[id]);
    const lacking = (id) => modulesMap[id].dependencies.filter((one) => !there(one));
    const find = (test) => Object.keys(modulesMap).find(test);
    let direct;
    await until(() => (direct = find((id) => lacking(id).length)));
    const early = attempt(direct);
    let id;
    await until(
      () =>
        (id = find((one) => {
          const { dependencies } = modulesMap[one];
          return !lacking(one).length && dependencies.some((needed) => lacking(needed).length);
        })),
    );
    const ran = attempt(id);
    await until(() => window.Debug);
    const ballast = Object.values(modulesMap).filter((one) => one.id.startsWith('WABallast'));
    return {
      unknown,
      early,
      later: attempt(direct),
      ran,
      afterwards: attempt(id),
      ballast: ballast.length,
      awake: ballast.filter((one) => one.state !== 'new').length,
    };
  });
  assert.match(seen.unknown, /unknown module/);
  assert.match(seen.early, /missing dependencies/);
  assert.equal(seen.later, 'works', 'it was not run');
  assert.match(seen.ran, /missing dependencies/);
  assert.equal(seen.afterwards, seen.ran, 'broken for the life of the document');
  assert.deepEqual([seen.ballast, seen.awake], [2000, 0]);
});

test('the phone on the screen links a browser and writes to it, with the keyboard alone', async (t) => {
  const { address, folder, phone } = await start(t);
  const { browser, page } = await open(folder, address);
  await qrOf(phone);
  const screen = await browser.newPage();
  const foreign = [];
  screen.on('request', (request) => request.url().startsWith(address) || foreign.push(request.url()));
  await screen.setExtraHTTPHeaders({ 'accept-language': 'pt-BR,pt;q=0.9' });
  await screen.goto(`${address}/phone`);
  assert.equal(await screen.title(), 'Celular simulado');
  await screen.waitForSelector('#waiting button');
  await screen.focus('#waiting button');
  await screen.keyboard.press('Enter');
  await shown(phone, 'main');
  await screen.waitForSelector('#phones .chosen');
  await screen.focus('#write textarea');
  await screen.keyboard.type('pelo teclado');
  await screen.keyboard.press('Enter');
  await until('the browser has it', async () => (await fresh(page)).includes('pelo teclado'));
  await screen.waitForFunction(() =>
    document.querySelector('#conversation').textContent.includes('pelo teclado'),
  );
  assert.deepEqual(
    foreign.filter((url) => !url.startsWith('data:')),
    [],
  );
});
