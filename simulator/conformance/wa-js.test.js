/* wa-js, unmodified, from the QR code to the next QR code. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { launch, start, until } from './harness.js';

const source = await readFile(
  new URL('node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js', import.meta.url),
  'utf8',
);

const ME = '5511900000002';
const ANA = '5511911110001';
const BO = '5511911110002';
const GROUP = '120363000000000001@g.us';
const CONTACTS = [
  { number: ANA, name: 'Ana' },
  { number: BO, name: 'Bo' },
];
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const EVENTS = [
  'conn.require_auth',
  'conn.main_ready',
  'conn.auth_code_change',
  'chat.new_message',
  'chat.msg_ack_change',
  'chat.msg_revoke',
  'chat.msg_edited',
  'chat.new_reaction',
];

/* A browser with wa-js in the page; `events` fills with [name, summary]. */
async function open(folder, address) {
  const browser = await launch(folder);
  const [page] = await browser.pages();
  const events = [];
  const foreign = [];
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(address).origin) foreign.push(request.url());
  });
  await page.exposeFunction('hear', (name, summary) => events.push([name, summary]));
  await page.evaluateOnNewDocument(
    'window.WPPConfig = { disableGoogleAnalytics: true, linkPreviewApiServers: [] };',
  );
  await page.evaluateOnNewDocument(source);
  await page.evaluateOnNewDocument((names) => {
    const text = (value) =>
      value == null ? null : String(value.id ?? value.msgId ?? value.fullCode ?? value);
    for (const name of names) {
      window.WPP.on(name, (value) => {
        window.hear(name, {
          id: text(value),
          body: value?.body,
          ack: value?.ack,
          ids: value?.ids?.map(String),
          refId: String(value?.refId),
          reaction: value?.reactionText,
        });
      });
    }
  }, EVENTS);
  await page.goto(address, { waitUntil: 'load' });
  await ready(page);
  const heard = (name, test = () => true) =>
    until(`${name} is heard`, () => events.find(([event, value]) => event === name && test(value))?.[1]);
  return { browser, page, events, foreign, heard };
}

/* Evaluations fail while the page navigates. */
const ask = (page, question, ...values) => page.evaluate(question, ...values).catch(() => null);
const ready = (page) => until('wa-js is ready', () => ask(page, () => window.WPP?.isFullReady));

async function login(page, phone) {
  const code = await until('a QR code', () => ask(page, () => WPP.conn.getAuthCode()));
  assert.equal(code.fullCode.split(',').length, 4);
  assert.deepEqual(await page.evaluate(() => [WPP.conn.isRegistered(), WPP.conn.isAuthenticated()]), [
    false,
    false,
  ]);
  await phone.scan({ qr: code.ref, number: ME, name: 'Acme', contacts: CONTACTS });
  await main(page);
}
/* WPP.conn.isMainReady() is true on the QR screen as well. What wa-js waits for elsewhere, the page does not have: no
 * `Cmd.isMainLoaded`, and no events `main_loaded` and `logout`, so neither has it conn.authenticated, conn.main_loaded
 * and conn.logout, and WPP.conn.logout() never resolves. */
const main = (page) =>
  until('the page is usable', () => ask(page, () => WPP.whatsapp.Stream.mode === 'MAIN'));

for (const switches of [
  '',
  '?key=min',
  '?late=2000',
  '?rename=WAWebSendMsgChatAction,WAWebFindChatAction,WAWebQueryExistsJob,WAWebConnModel,WAWebCollections',
]) {
  test(`wa-js lives a whole life on /${switches}`, { timeout: 300_000 }, async (t) => {
    const { address, folder, phone } = await start(t);
    let { browser, page, foreign, heard } = await open(folder, `${address}/${switches}`);
    await login(page, phone);
    assert.equal(await page.evaluate(() => String(WPP.conn.getMyUserId())), `${ME}@c.us`);

    const { id } = await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'olá' });
    assert.equal((await heard('chat.new_message', (message) => message.id === id)).body, 'olá');

    const media = { mimetype: 'image/png', filename: 'a.png', data: PIXEL, caption: 'pic' };
    const picture = await phone.message({ to: ME, from: ANA, name: 'Ana', media });
    await heard('chat.new_message', (message) => message.id === picture.id);
    const downloaded = await page.evaluate(async (key) => {
      const blob = await WPP.chat.downloadMedia(key);
      return WPP.util.blobToBase64(blob);
    }, picture.id);
    assert.ok(downloaded.endsWith(PIXEL));

    const sent = await page.evaluate(async (chat) => {
      const { id, ack, sendMsgResult } = await WPP.chat.sendTextMessage(chat, 'oi', {
        createChat: true,
        linkPreview: false,
      });
      return { id: String(id), ack, result: (await sendMsgResult).messageSendResult };
    }, `${ANA}@c.us`);
    assert.deepEqual([sent.ack, sent.result], [1, 'OK']);
    const acked = (ack) =>
      heard('chat.msg_ack_change', (event) => event.ack === ack && event.ids.includes(sent.id));
    await acked(1);
    await acked(2);
    await phone.read({ number: ME, chat: ANA });
    await acked(3);

    await page.evaluate(
      (chat, data) =>
        WPP.chat.sendFileMessage(chat, `data:image/png;base64,${data}`, {
          type: 'image',
          caption: 'yours',
          filename: 'b.png',
        }),
      `${BO}@c.us`,
      PIXEL,
    );
    const rows = await phone.sent(ME);
    assert.deepEqual(
      rows.map(({ type }) => type),
      ['chat', 'image'],
    );
    assert.equal(rows[1].caption, 'yours');
    assert.equal((await phone.media(rows[1].id)).toString('base64'), PIXEL);

    /* Both sides change their minds. */
    await page.evaluate((key) => WPP.chat.editMessage(key, 'oi!'), sent.id);
    await heard('chat.msg_edited', (message) => message.id === sent.id);
    await phone.react({ number: ME, id: sent.id, from: ANA, reaction: '👍' });
    assert.equal((await heard('chat.new_reaction')).reaction, '👍');
    await phone.revoke({ number: ME, id });
    await heard('chat.msg_revoke', (event) => event.refId === id);

    await phone.message({ to: ME, from: GROUP, author: BO, name: 'Bo', body: 'todos?', group_name: 'Time' });
    const group = await until('the group is there', () =>
      ask(
        page,
        async (chat) => {
          const found = WPP.chat.get(chat);
          return (
            found && {
              name: found.formattedTitle,
              members: (await WPP.group.getParticipants(chat)).map((member) => String(member.id)),
            }
          );
        },
        GROUP,
      ),
    );
    assert.equal(group.name, 'Time');
    assert.ok(group.members.includes(`${BO}@c.us`));

    /* What else one does in a chat. */
    const quoted = await page.evaluate(
      async (chat, key) => {
        const { id } = await WPP.chat.sendTextMessage(chat, 'que foto!', {
          quotedMsg: key,
          linkPreview: false,
        });
        await WPP.chat.sendReactionToMessage(key, '😀');
        await WPP.chat.deleteMessage(chat, id, true, true);
        await WPP.chat.markIsComposing(chat);
        await WPP.chat.markIsRead(chat);
        return String(id);
      },
      `${ANA}@c.us`,
      picture.id,
    );
    /* The page's command to revoke answers before anything has happened. */
    const told = async () => (await phone.sent(ME)).slice(-3).map(({ type, about }) => [type, about]);
    await until('it is revoked', async () => (await told()).at(-1)[0] === 'revoke');
    assert.deepEqual(await told(), [
      ['chat', undefined],
      ['reaction', picture.id],
      ['revoke', quoted],
    ]);

    const chats = await page.evaluate(() =>
      WPP.chat.list().then((list) => list.map((chat) => [String(chat.id), chat.unreadCount])),
    );
    assert.deepEqual(chats.map(([chat]) => chat).sort(), [GROUP, `${ANA}@c.us`, `${BO}@c.us`].sort());
    const names = await page.evaluate(() => WPP.contact.list().then((list) => list.map(({ name }) => name)));
    assert.ok(names.includes('Ana') && names.includes('Bo'));
    const exists = (number) =>
      page.evaluate((wid) => WPP.contact.queryExists(wid).then(Boolean), `${number}@c.us`);
    assert.deepEqual([await exists('5511955550001'), await exists('5511955550000')], [true, false]);
    const bodies = () =>
      page.evaluate(
        (chat) =>
          WPP.chat
            .getMessages(chat, { count: 10 })
            .then((list) => list.map((one) => one.caption || one.body)),
        `${ANA}@c.us`,
      );
    /* The first and the last were revoked. */
    await until('the page shows it as revoked', async () => (await bodies()).at(-1) === null);
    assert.deepEqual(await bodies(), [null, 'pic', 'oi!', null]);
    assert.deepEqual(foreign, []);
    await browser.close();

    /* Again from the profile: no QR code, and the history is there. */
    await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'while you were away' });
    ({ browser, page, foreign, heard } = await open(folder, `${address}/${switches}`));
    await main(page);
    assert.equal(await page.evaluate(() => WPP.conn.isAuthenticated()), true);
    assert.equal(
      (await until('the queue is delivered', async () => (await bodies()).length === 5 && bodies())).at(-1),
      'while you were away',
    );

    /* A logout from the phone is no conn.logout for wa-js: the page just leaves. */
    await phone.logout(ME);
    await until('the page asks for a login', async () => (await phone.pages())[0]?.state === 'qr');
    await ready(page);
    await until('a new QR code', () => ask(page, () => WPP.conn.getAuthCode()));
    assert.deepEqual(foreign, []);
    await browser.close();
  });
}

test('wa-js logs out by itself, and links by code', { timeout: 300_000 }, async (t) => {
  const { address, folder, phone } = await start(t);
  const { browser, page } = await open(folder, address);
  const code = await page.evaluate((number) => WPP.conn.genLinkDeviceCodeForPhoneNumber(number), ME);
  await until('the simulator shows that code', async () =>
    (await phone.pages()).some((shown) => shown.code === code),
  );
  await phone.pair({ code, number: ME, name: 'Acme' });
  await main(page);
  await ask(page, () => WPP.conn.logout());
  await until('the page asks for a login', async () => (await phone.pages())[0]?.state === 'qr');
  await ready(page);
  assert.equal(await page.evaluate(() => WPP.conn.isRegistered()), false);
  await assert.rejects(phone.message({ to: ME, from: ANA, body: 'anyone?' }), /404/);
  await browser.close();
});
