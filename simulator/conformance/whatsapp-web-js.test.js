/* whatsapp-web.js, unmodified, from the QR code to the next QR code. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';

import { chromium, chromiumArguments, once, start, until } from './harness.js';

const require = createRequire(import.meta.url);
const constants = require('whatsapp-web.js/src/util/Constants');

const ME = '5511900000001';
const ANA = '5511911110001';
const BO = '5511911110002';
const GROUP = '120363000000000001@g.us';
const CONTACTS = [
  { number: ANA, name: 'Ana' },
  { number: BO, name: 'Bo' },
];
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/* The library reads the page's address from its constants; only the copy in memory is changed, and
 * it must be changed before the client's module reads it. */
function library(address) {
  constants.WhatsWebURL = address;
  delete require.cache[require.resolve('whatsapp-web.js/src/Client')];
  delete require.cache[require.resolve('whatsapp-web.js')];
  return require('whatsapp-web.js');
}

function open({ Client, LocalAuth }, folder) {
  const client = new Client({
    authStrategy: new LocalAuth({ clientId: 'acme', dataPath: folder }),
    puppeteer: { executablePath: chromium, headless: 'shell', args: chromiumArguments },
    webVersionCache: { type: 'none' },
  });
  /* The library injects itself again after a logout and tells nobody when it is done. */
  const inject = client.inject.bind(client);
  client.injected = Promise.resolve();
  client.inject = () => (client.injected = inject());
  client.qrCodes = [];
  client.on('qr', (code) => client.qrCodes.push(code));
  return client;
}

async function qrOf(client, phone) {
  const [code] = client.qrCodes.length ? client.qrCodes : await once(client, 'qr');
  await until('the simulator shows that code', async () =>
    (await phone.pages()).some(({ qr }) => qr === code),
  );
  return code;
}

async function login(client, phone) {
  const qr = once(client, 'qr');
  const started = client.initialize();
  await qr;
  const ready = once(client, 'ready');
  await phone.scan({ qr: await qrOf(client, phone), number: ME, name: 'Acme', contacts: CONTACTS });
  await Promise.all([ready, started]);
}

for (const switches of ['', '?key=min', '?late=2000']) {
  test(`whatsapp-web.js lives a whole life on /${switches}`, { timeout: 300_000 }, async (t) => {
    const { address, folder, phone } = await start(t);
    const wwebjs = library(`${address}/${switches}`);
    /* Builds with renamed keys make this version of the library lose what it reads by _serialized. */
    const keysAreWhole = switches !== '?key=min';
    let client = open(wwebjs, folder);
    await login(client, phone);
    assert.equal(client.info.wid._serialized, `${ME}@c.us`);
    assert.equal(client.info.pushname, 'Acme');
    assert.equal(await client.getState(), 'CONNECTED');

    const received = once(client, 'message');
    await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'olá' });
    const [text] = await received;
    assert.equal(text.body, 'olá');
    assert.equal(text.from, `${ANA}@c.us`);

    const picture = once(client, 'message');
    await phone.message({
      to: ME,
      from: ANA,
      name: 'Ana',
      media: { mimetype: 'image/png', filename: 'a.png', data: PIXEL, caption: 'pic' },
    });
    const [image] = await picture;
    assert.equal(image.hasMedia, true);
    assert.equal(image.body, 'pic');
    if (keysAreWhole) {
      const downloaded = await image.downloadMedia();
      assert.equal(downloaded.data, PIXEL);
      assert.equal(downloaded.mimetype, 'image/png');
    }

    assert.equal((await client.getChatById(`${ANA}@c.us`)).unreadCount, 2);

    await phone.message({
      to: ME,
      from: GROUP,
      author: BO,
      name: 'Bo',
      body: 'todos?',
      group_name: 'Time',
    });
    const group = await until('the group is there', async () =>
      (await client.getChats()).find(({ isGroup }) => isGroup),
    );
    assert.equal(group.name, 'Time');
    assert.ok(group.participants.some(({ id }) => id._serialized === `${BO}@c.us`));

    const acks = [];
    client.on('message_ack', (message, ack) => acks.push(ack));
    const sent = await client.sendMessage(`${ANA}@c.us`, 'oi https://example.org');
    if (keysAreWhole) assert.equal(sent.body, 'oi https://example.org');
    await until('delivered', () => acks.includes(2));
    await phone.read({ number: ME, chat: ANA });
    await until('read', () => acks.includes(3));
    assert.deepEqual(acks, [1, 2, 3]);

    await client.sendMessage(`${BO}@c.us`, new wwebjs.MessageMedia('image/png', PIXEL, 'b.png'), {
      caption: 'yours',
    });
    const rows = await until('the picture is sent', async () => {
      const list = await phone.sent(ME);
      return list.length === 2 && list;
    });
    assert.equal(rows[0].body, 'oi https://example.org');
    assert.deepEqual([rows[1].type, rows[1].caption, rows[1].to], ['image', 'yours', `${BO}@c.us`]);
    assert.equal((await phone.media(rows[1].id)).toString('base64'), PIXEL);

    const chats = await client.getChats();
    assert.deepEqual(chats.map(({ name }) => name).sort(), ['Ana', 'Bo', 'Time']);
    assert.ok((await client.getContacts()).some(({ name }) => name === 'Ana'));
    const history = await (await client.getChatById(`${ANA}@c.us`)).fetchMessages({ limit: 10 });
    assert.deepEqual(
      history.map(({ body }) => body),
      ['olá', 'pic', 'oi https://example.org'],
    );
    assert.equal(await client.isRegisteredUser(`${ANA}@c.us`), true);
    assert.equal(await client.isRegisteredUser('5511911110000@c.us'), false);
    /* The other side changes its mind, and somebody writes who hides the number. */
    if (keysAreWhole) {
      const key = { number: ME, id: text.id._serialized };
      const [reaction, edit, revocation] = [
        'message_reaction',
        'message_edit',
        'message_revoke_everyone',
      ].map((name) => once(client, name));
      await phone.react({ ...key, id: rows[0].id, from: ANA, reaction: '👍' });
      assert.equal((await reaction)[0].reaction, '👍');
      await phone.edit({ ...key, body: 'olá!' });
      assert.deepEqual((await edit).slice(1), ['olá!', 'olá']);
      await phone.revoke(key);
      assert.equal((await revocation)[0].type, 'revoked');
      const edited = await sent.edit('oi de novo');
      assert.equal(edited.body, 'oi de novo');
      await sent.react('😀');
      await sent.delete(true);
      /* The page's command, which the library gives, answers before anything has happened. */
      await until('the server has the revocation', async () =>
        (await phone.sent(ME)).some(({ type }) => type === 'revoke'),
      );
      const quoting = await image.reply('que foto!');
      /* The library's promise is kept when the page has the message, which is before the server has it. */
      const all = await until('the server has them', async () => {
        const list = await phone.sent(ME);
        return list.length >= 6 && list;
      });
      const types = all.slice(2).map(({ type, body, about, quoted }) => [type, body, about, quoted]);
      const [about, quoted] = [sent.id._serialized, image.id.id];
      assert.deepEqual(types, [
        ['edit', 'oi de novo', about, undefined],
        ['reaction', '😀', about, undefined],
        ['revoke', undefined, about, undefined],
        ['chat', 'que foto!', undefined, quoted],
      ]);
      assert.equal(quoting.hasQuotedMsg, true);
      const bo = await client.getChatById(`${BO}@c.us`);
      /* The page's commands, which the library gives, answer before anything has happened. */
      const becomes = (what, is) =>
        until(what, async () => is(await client.getChatById(`${BO}@c.us`)));
      await bo.archive();
      await becomes('it is archived', ({ archived }) => archived);
      await bo.pin();
      await becomes('it is pinned', ({ pinned }) => pinned);
      await bo.markUnread();
      await becomes('it is marked', ({ unreadCount }) => unreadCount === -1);
      await bo.sendStateTyping();
      const hidden = once(client, 'message');
      await phone.message({
        to: ME,
        from: '99887766554433@lid',
        name: 'Cid',
        body: 'oi',
        pn: '5511933330003',
      });
      const [{ from }] = await hidden;
      assert.equal(from, '99887766554433@lid');
      assert.equal((await client.getContactById(from)).id._serialized, '5511933330003@c.us');
    }

    /* Sending has marked the chat as read. */
    assert.equal((await client.getChatById(`${ANA}@c.us`)).unreadCount, 0);
    const before = await (await client.getChatById(`${ANA}@c.us`)).fetchMessages({ limit: 10 });
    await client.destroy();

    /* Again from the profile: no QR code, and the history is there. */
    await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'while you were away' });
    client = open(wwebjs, folder);
    const resumed = once(client, 'ready');
    await Promise.all([client.initialize(), resumed]);
    assert.deepEqual(client.qrCodes, []);
    const ana = await client.getChatById(`${ANA}@c.us`);
    const later = await until('the queue is delivered', async () => {
      const list = await ana.fetchMessages({ limit: 10 });
      return list.at(-1).body === 'while you were away' && list;
    });
    assert.deepEqual(
      later.slice(0, -1).map(({ id }) => id.id),
      before.map(({ id }) => id.id),
    );

    /* The phone logs it out. */
    const disconnected = once(client, 'disconnected');
    const nextQr = once(client, 'qr');
    await phone.logout(ME);
    assert.deepEqual(await disconnected, ['LOGOUT']);
    await nextQr;
    await client.injected;
    await client.destroy();
  });
}

/* Its own mistake: the page's logout returns at once and tells the server afterwards, by when the library has closed
 * the browser. The phone goes on listing a device whose profile is deleted. */
test('whatsapp-web.js logs out by itself, and the phone is not told', { timeout: 300_000 }, async (t) => {
  const { address, folder, phone } = await start(t);
  const client = open(library(`${address}/`), folder);
  await login(client, phone);
  await client.logout();
  const session = `${folder}/session-acme`;
  assert.ok(!existsSync(session) || readdirSync(session).length === 0);
  const [{ devices }] = await phone.numbers();
  assert.deepEqual(
    devices.map((device) => device.logged_out),
    [false],
  );
});
