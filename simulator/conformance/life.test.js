/* How the page comes up, connects, loses its connection, and leaves. Each test names the fact that it holds. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { ask, login as link, openPage, shown, start, until } from './harness.js';

const ME = '5511900000004';
const ANA = '5511911110001';

/* Notes what the page shows, in its order, in every document: it outlives a reload. */
function note() {
  const KEY = 'test-log';
  const log = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
  const add = (...row) => {
    log.push(row.join(' '));
    sessionStorage.setItem(KEY, JSON.stringify(log));
  };
  window.log = log;
  add('document', location.search);
  const wait = setInterval(() => {
    if (!window.Debug) return;
    clearInterval(wait);
    const { Socket } = window.require('WAWebSocketModel');
    const { Stream } = window.require('WAWebStreamModel');
    const { Cmd } = window.require('WAWebCmd');
    const { Conn } = window.require('WAWebConnModel');
    Socket.on('change:state', (_, value) => add('state', value));
    Socket.on('change:stream', (_, value) => add('stream', value));
    Socket.on('change:hasSynced', (_, value) => add('hasSynced', String(value)));
    Stream.on('change:mode', (_, value) => add('mode', value));
    Stream.on('change:info', (_, value) => add('info', value));
    Stream.on('change:phoneAuthed', (_, value) => add('phoneAuthed', value));
    Conn.on('change:platform', (_, value) => add('platform', value));
    Cmd.on('all', (name) => add('Cmd', name));
  }, 1);
}

const open = (folder, address) => {
  const { origin, search } = new URL(address);
  return openPage({ folder, address: origin }, search, note);
};
const login = (phone) => link(phone, ME);
const logOf = (page) => ask(page, () => window.log);
const heard = (page, entry) => until(`${entry} is noted`, async () => (await logOf(page))?.includes(entry));
/* Whether `expected` are among the rows in this order. */
function inOrder(log, expected) {
  let at = -1;
  for (const row of expected) {
    at = log.indexOf(row, at + 1);
    assert.notEqual(at, -1, `${row} in its place of ${JSON.stringify(log, null, 1)}`);
  }
}
const forget = (page) => page.evaluate(() => window.log.splice(0));
const me = (page) =>
  ask(page, () => String(window.require('WAWebUserPrefsMeUser').getMaybeMePnUser() ?? 'nobody'));

test('linking: "me" is known while UNPAIRED, then OPENING, PAIRING, CONNECTED without a page load', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await heard(page, 'Cmd offline_delivery_end_from_bridge');
  const log = await logOf(page);
  inOrder(log, [
    'state OPENING',
    'state PAIRING',
    'state UNPAIRED',
    'platform android',
    'mode SYNCING',
    'state OPENING',
    'state PAIRING',
    'state CONNECTED',
    'Cmd open_socket_stream_from_bridge',
    'hasSynced true',
    'stream CONNECTED',
    'Cmd on_critical_sync_done_from_bridge',
    'Cmd initial_load_ready_from_bridge',
    'Cmd offline_delivery_end_from_bridge',
  ]);
  assert.equal(log.filter((row) => row.startsWith('document')).length, 1);
  for (const name of ['main_loaded', 'main_stream_mode_ready', 'logout'])
    assert.ok(!log.includes(`Cmd ${name}`), `there is no event ${name}`);
  assert.equal(await page.evaluate(() => 'isMainLoaded' in window.require('WAWebCmd').Cmd), false);
});

test('the first code lasts three times as long as the next ones', async (t) => {
  const { address, folder } = await start(t, '--qr-ttl-ms', '200');
  const { page } = await open(folder, address);
  const lasts = await until('two codes', () =>
    ask(page, async () => {
      if (!window.Debug) return null;
      const { Conn } = window.require('WAWebConnModel');
      window.lasts ??= [];
      if (Conn.refTTL && window.lasts.at(-1) !== Conn.refTTL) window.lasts.push(Conn.refTTL);
      return window.lasts.length > 1 && window.lasts;
    }),
  );
  assert.deepEqual(lasts, [600, 200]);
});

test('a resume: hasSynced and stream together, main_stream_mode_ready_from_bridge; the offline manager comes with it', async (t) => {
  const { address, folder, phone } = await start(t);
  let { browser, page } = await open(folder, address);
  const early = () =>
    page.evaluate(() => {
      try {
        return window
          .require('WAWebOfflineHandler')
          .OfflineMessageHandler.getOfflineDeliveryProgress();
      } catch {
        return 'threw';
      }
    });
  await until('a QR code', async () => (await phone.pages())[0]?.qr);
  assert.equal(await early(), 'threw');
  await login(phone);
  await browser.close();
  ({ browser, page } = await open(folder, address));
  await heard(page, 'Cmd offline_delivery_end_from_bridge');
  inOrder(await logOf(page), [
    'state PAIRING',
    'state CONNECTED',
    'Cmd open_socket_stream_from_bridge',
    'hasSynced true',
    'Cmd main_stream_mode_ready_from_bridge',
    'Cmd initial_load_ready_from_bridge',
    'Cmd offline_delivery_end_from_bridge',
  ]);
  assert.equal(await early(), 100);
});

test('a lost connection: DISCONNECTED and OPENING, mode MAIN, presences gone; PAIRING again on the way back', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'oi' });
  await until('the chat is there', () =>
    ask(page, (id) => Boolean(window.require('WAWebCollections').Chat.get(id)), `${ANA}@c.us`),
  );
  await page.evaluate((id) => window.require('WAWebCollections').Chat.get(id).presence.subscribe(), `${ANA}@c.us`);
  await forget(page);
  await phone.fault({ number: ME, fault: 'offline' });
  await shown(phone, 'offline');
  inOrder(await logOf(page), [
    'phoneAuthed false',
    'stream DISCONNECTED',
    'Cmd socket_stream_disconnected_from_bridge',
    'state OPENING',
  ]);
  const during = await page.evaluate((id) => {
    const { Socket } = window.require('WAWebSocketModel');
    const { Stream } = window.require('WAWebStreamModel');
    const { presence } = window.require('WAWebCollections').Chat.get(id);
    return [Socket.hasSynced, Stream.mode, presence.isSubscribed];
  }, `${ANA}@c.us`);
  assert.deepEqual(during, [true, 'MAIN', false]);
  await forget(page);
  await phone.fault({ number: ME, fault: 'none' });
  await shown(phone, 'main');
  inOrder(await logOf(page), [
    'info RESUMING',
    'state PAIRING',
    'state CONNECTED',
    'stream CONNECTED',
    'Cmd open_socket_stream_from_bridge',
  ]);
});

test('logout() returns undefined at once and does its work afterwards; the next document has a bare address', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await forget(page);
  const answer = await page.evaluate(() => {
    const answer = window.require('WAWebSocketModel').Socket.logout();
    return [String(answer), String(window.require('WAWebUserPrefsMeUser').getMaybeMePnUser())];
  });
  assert.deepEqual(answer, ['undefined', `${ME}@c.us`]);
  await heard(page, 'Cmd starting_logout_from_bridge');
  await until('the clearing has begun', () => ask(page, () => localStorage.getItem('post-logout') === '1'));
  assert.equal((await phone.numbers())[0].devices[0].logged_out, true, 'the server was told before that');
  await until('the next document', async () => (await me(page)) === 'nobody');
  await shown(phone, 'qr');
  inOrder(await logOf(page), ['Cmd starting_logout_from_bridge', 'hasSynced undefined', 'document ']);
  assert.equal(await page.evaluate(() => localStorage.getItem('post-logout')), null);
  assert.equal(new URL(page.url()).search, '');
});

test('a logout without a server clears after three seconds, and the phone goes on listing the device', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await phone.fault({ number: ME, fault: 'logout_delay', value: 60_000 });
  await page.evaluate(() => {
    const begun = performance.now();
    window.require('WAWebSocketModel').Socket.on('change:hasSynced', () => {
      sessionStorage.setItem('test-took', performance.now() - begun);
    });
    window.require('WAWebSocketModel').Socket.logout();
  });
  await until('the next document', async () => (await me(page)) === 'nobody');
  assert.ok(Number(await page.evaluate(() => sessionStorage.getItem('test-took'))) >= 2900);
  assert.equal((await phone.numbers())[0].devices[0].logged_out, false);
});

test('a logout that was cut short is finished by the next document', async (t) => {
  const { address, folder, phone } = await start(t);
  let { browser, page } = await open(folder, address);
  await login(phone);
  await page.evaluate(() => window.require('WAWebSocketModel').Socket.logout());
  await until('the clearing has begun', () => ask(page, () => localStorage.getItem('post-logout') === '1'));
  /* A browser that is closed keeps its local storage, as one that is killed may not. */
  await browser.close();
  ({ browser, page } = await open(folder, address));
  await shown(phone, 'qr');
  assert.deepEqual([await me(page), await page.evaluate(() => localStorage.getItem('post-logout'))], [
    'nobody',
    null,
  ]);
});

test('a conflict: communication stops, mode stays MAIN, takeover() throws, a reload takes the session back', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await forget(page);
  await phone.fault({ number: ME, fault: 'conflict' });
  await shown(phone, 'conflict');
  const seen = await page.evaluate(() => {
    const { Socket } = window.require('WAWebSocketModel');
    let thrown = false;
    try {
      Socket.takeover();
    } catch {
      thrown = true;
    }
    return [Socket.state, Socket.stream, window.require('WAWebStreamModel').Stream.mode, thrown];
  });
  assert.deepEqual(seen, ['CONNECTED', 'DISCONNECTED', 'MAIN', true]);
  assert.ok(!(await logOf(page)).includes('state OPENING'), 'no further turn of the loop');
  await page.reload();
  await shown(phone, 'main');
});

test('a stream that flips is shown as lost and back many times, and is there afterwards', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await page.evaluate(() => {
    const { Socket } = window.require('WAWebSocketModel');
    window.flips = 0;
    Socket.on('change:stream', () => (window.flips += 1));
  });
  await phone.fault({ number: ME, fault: 'flip', value: 10 });
  await until('many flips', () => ask(page, () => window.flips > 50));
  await phone.fault({ number: ME, fault: 'flip', value: 0 });
  const flips = () => ask(page, () => window.flips);
  const state = () => ask(page, () => window.require('WAWebSocketModel').Socket.stream);
  let before;
  await until('no more flips', async () => before === (before = await flips()));
  assert.equal(await state(), 'CONNECTED');
});

for (const [code, what, search] of [
  [401, 'not authorised', ''],
  [406, 'banned', ''],
  [403, 'locked', '?logout_reason=3&logout_message_header=Your+account+is+locked'],
]) {
  test(`${code}, ${what}: everything is cleared, and the next document's address tells no more than it may`, async (t) => {
    const { address, folder, phone } = await start(t);
    const { page } = await open(folder, address);
    await login(phone);
    await phone.fault({ number: ME, fault: 'refuse', value: code });
    const documents = await until('the next document', async () => {
      const rows = (await logOf(page))?.filter((row) => row.startsWith('document'));
      return rows?.length === 2 && rows;
    });
    assert.deepEqual(documents, ['document ', `document ${search}`]);
    await shown(phone, 'qr');
    assert.equal(new URL(page.url()).search, '', 'it is wiped from the address');
  });
}

test('402: a temporary ban is a Cmd event with its end, and {banned:false} comes with the next login', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await page.evaluate(() => {
    window.bans = [];
    window
      .require('WAWebCmd')
      .Cmd.on('account_temporarily_banned_from_bridge', (ban) => window.bans.push(ban));
  });
  await phone.fault({ number: ME, fault: 'temporary_ban', value: 3 });
  await shown(phone, 'refused');
  const [ban] = await page.evaluate(() => window.bans);
  assert.equal(ban.banned, true);
  assert.ok(ban.expire > 0 && ban.expire <= 3);
  await until('the ban is over', async () => {
    await page.reload();
    await new Promise((resolve) => setTimeout(resolve, 700));
    return (await phone.pages()).some(({ state }) => state === 'main');
  });
  assert.ok((await logOf(page)).includes('Cmd account_temporarily_banned_from_bridge'));
});

test('405: communication stops and nothing tells it; 503: an event, and the page tries again', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await forget(page);
  await phone.fault({ number: ME, fault: 'refuse', value: 503 });
  await heard(page, 'Cmd service_unavailable_503_from_bridge');
  await phone.fault({ number: ME, fault: 'refuse', value: 0 });
  await shown(phone, 'main');
  await phone.fault({ number: ME, fault: 'refuse', value: 405 });
  await shown(phone, 'refused');
  const state = await page.evaluate(() => {
    const { Socket } = window.require('WAWebSocketModel');
    return [Socket.state, Socket.stream];
  });
  assert.deepEqual(state, ['PAIRING', 'DISCONNECTED']);
});

test('modules come in waves: the start-up screen and UNLAUNCHED stay until the second is there', async (t) => {
  const { address, folder } = await start(t, '--wave-gap-ms', '400');
  const { page } = await open(folder, address);
  const seen = await page.evaluate(async () => {
    const looks = [];
    const look = () => {
      const { modulesMap } = window.require('__debug');
      return [
        Object.keys(modulesMap).length,
        Boolean(document.getElementById('wa_web_initial_startup')),
        Boolean(window.Debug),
      ].join();
    };
    while (!window.require) await new Promise((resolve) => setTimeout(resolve, 1));
    while (!window.Debug) {
      if (looks.at(-1) !== look()) looks.push(look());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    looks.push(look());
    return looks;
  });
  assert.ok(seen.length >= 3, seen.join(' | '));
  assert.match(seen.at(-1), /false,true$/);
  for (const before of seen.slice(0, -1)) assert.match(before, /true,false$/);
});

test('lazy bundles are absent before the login, come by request, and by themselves after it', async (t) => {
  const { address, folder, phone } = await start(t);
  const { browser, page } = await open(folder, address);
  await until('a QR code', async () => (await phone.pages())[0]?.qr);
  const there = () => page.evaluate(() => 'WAWebChatForwardMessage' in window.require('__debug').modulesMap);
  assert.equal(await there(), false);
  const refused = await page.evaluate(() => {
    try {
      window.require('Bootloader').loadModules(['WAWebChatForwardMessage'], () => {});
      return 'taken';
    } catch (error) {
      return String(error);
    }
  });
  assert.match(refused, /no component/);
  const reference = await page.evaluate(async () => {
    const one = window.require('JSResource')('WAWebForwardMessageModal.react');
    const before = one.getModuleIfRequireable();
    await window.require('WAWebForwardMessageModalLoadable').requireBundle();
    return [before, typeof window.require('WAWebChatForwardMessage').forwardMessages];
  });
  assert.deepEqual(reference, [null, 'function']);
  await login(phone);
  await page.evaluate(() => window.require('WAWebEventsWaitForMain').waitForMain());
  await until('the rest has come', () =>
    page.evaluate(() => 'WAWebGroupCreateJob' in window.require('__debug').modulesMap),
  );
  await browser.close();
});

test('without prefetching, what nobody asks for does not come', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, `${address}/?prefetch=off`);
  await login(phone);
  await page.evaluate(() => window.require('WAWebEventsWaitForMain').waitForMain());
  assert.equal(await page.evaluate(() => 'WAWebGroupCreateJob' in window.require('__debug').modulesMap), false);
});

test('a code that is scanned by a phone while its page goes is no link', async (t) => {
  const { address, folder, phone } = await start(t);
  const { browser, page } = await open(folder, address);
  const qr = await until('a QR code', async () => (await phone.pages())[0]?.qr);
  /* The page's thread is busy, so it does not hear of the scan. */
  const busy = new Promise((done) => page.on('console', (message) => message.text() === 'busy' && done()));
  page.evaluate(() => { console.log('busy'); for (;;); }).catch(() => {});
  await busy;
  await phone.scan({ qr, number: ME, name: 'Acme' });
  browser.process().kill('SIGKILL');
  await until('the page is gone', async () => (await phone.pages()).length === 0);
  assert.equal((await phone.numbers())[0].devices[0].logged_out, true);
});

test('a locked screen waits for its passcode in SCREEN_LOCKED, also after a page load', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await heard(page, 'Cmd offline_delivery_end_from_bridge');
  await phone.fault({ number: ME, fault: 'screen_lock' });
  await heard(page, 'state SCREEN_LOCKED');
  await page.reload();
  const log = await until('it is locked in the next document', async () => {
    const all = (await logOf(page)) ?? [];
    const next = all.slice(all.lastIndexOf('document '));
    return next.length < all.length && next.includes('state SCREEN_LOCKED') && next;
  });
  assert.ok(!log.includes('state CONNECTED') && !log.includes('state PAIRING'), JSON.stringify(log));
  await phone.fault({ page: (await shown(phone, 'locked')).page, fault: 'screen_lock', value: 0 });
  await heard(page, 'stream CONNECTED');
});

test('who loses the lock to another tab closes its socket, tells nothing, and comes back by a reload', async (t) => {
  const { address, folder, phone } = await start(t);
  const { page } = await open(folder, address);
  await login(phone);
  await heard(page, 'Cmd offline_delivery_end_from_bridge');
  await forget(page);
  await phone.fault({ number: ME, fault: 'other_tab' });
  await shown(phone, 'conflict');
  const state = () => ask(page, () => window.require('WAWebSocketModel').Socket.state);
  assert.deepEqual([await logOf(page), await state()], [[], 'CONNECTED']);
  await page.reload();
  await shown(phone, 'main');
});

test('a forced logout names its reason in a dialog, and goes on by itself or by a click', async (t) => {
  for (const value of [50, undefined]) {
    const { address, folder, phone } = await start(t);
    const { page } = await open(folder, address);
    await login(phone);
    await phone.fault({ number: ME, fault: 'forced_logout', value });
    await heard(page, 'Cmd unexpected_logout_modal_from_bridge');
    if (value === undefined) {
      assert.equal(await me(page), `${ME}@c.us`, 'it waits');
      await ask(page, () => window.require('WAWebSocketModel').Socket.logout());
    }
    await until('the next document', async () => (await me(page)) === 'nobody');
    assert.ok((await logOf(page)).includes('Cmd starting_logout_from_bridge'));
  }
});
