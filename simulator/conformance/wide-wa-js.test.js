/* wa-js, unmodified, put into a page that is in use: groups, labels, lists, people, statuses, channels. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { launch, start, until } from './harness.js';

const source = await readFile(
  new URL('node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js', import.meta.url),
  'utf8',
);

const ME = '5511900000005';
const ANA = '5511911110001';
const BO = '5511911110002';
const [A, B] = [ANA, BO].map((number) => `${number}@c.us`);

test('wa-js changes what it can change, and finds no way round itself', { timeout: 300_000 }, async (t) => {
  const { address, folder, phone } = await start(t);
  await phone.setRecord('person', ME, { business: true });
  const browser = await launch(folder);
  const [page] = await browser.pages();
  const failures = [];
  page.on('pageerror', (error) => failures.push(String(error)));
  await page.goto(address, { waitUntil: 'load' });
  const qr = await until('a QR code', async () => (await phone.pages())[0]?.qr);
  const contacts = [
    { number: ANA, name: 'Ana' },
    { number: BO, name: 'Bo' },
  ];
  await phone.scan({ qr, number: ME, name: 'Acme', contacts });
  await until('the page is usable', async () => (await phone.pages())[0].state === 'main');
  const { id } = await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'oi' });
  await page.evaluate('window.WPPConfig = { disableGoogleAnalytics: true, linkPreviewApiServers: [] };');
  await page.evaluate(`${source};undefined`);
  await until('wa-js is ready', () => page.evaluate(() => window.WPP?.isFullReady));
  const last = async () => (await phone.sent(ME)).at(-1);

  /* Messages. */
  await page.evaluate(
    (chat) => WPP.chat.sendLocationMessage(chat, { lat: -23.5, lng: -46.6, name: 'Sé', createChat: true }),
    A,
  );
  assert.equal((await last()).location.latitude, -23.5);
  await page.evaluate((chat) => WPP.chat.sendCreatePollMessage(chat, '?', ['a', 'b']), A);
  assert.deepEqual((await last()).poll.choices, ['a', 'b']);
  await page.evaluate((key) => WPP.chat.pinMsg(key, true), id);
  assert.equal((await last()).type, 'pin');
  await page.evaluate((chat) => WPP.chat.mute(chat, { duration: 3600 }), A);
  await page.evaluate((chat) => WPP.chat.pin(chat), A);
  await until('it is pinned and silent', async () => {
    const flags = (await phone.records('chat', ME))[A];
    return flags?.pinned && flags.muted_until !== 0;
  });

  /* Groups. */
  const { gid } = await page.evaluate(
    async (subject, member) => {
      const made = await WPP.group.create(subject, [member]);
      return { gid: String(made.gid) };
    },
    'Time',
    A,
  );
  const record = async () => (await phone.records('group'))[gid];
  await page.evaluate(async (group) => {
    await WPP.group.setSubject(group, 'Equipe');
    await WPP.group.setDescription(group, 'Para todos');
    await WPP.group.setProperty(group, 'announcement', true);
  }, gid);
  const { subject, desc, announce } = await record();
  assert.deepEqual([subject, desc, announce], ['Equipe', 'Para todos', true]);
  assert.equal(await page.evaluate((group) => WPP.group.getInviteCode(group), gid), (await record()).invite);
  assert.equal(await page.evaluate((group) => WPP.group.iAmAdmin(group), gid), true);
  await page.evaluate((group, member) => WPP.group.promoteParticipants(group, member), gid, A);
  assert.equal((await record()).participants[1].role, 'admin');
  await page.evaluate((group, member) => WPP.group.removeParticipants(group, member), gid, A);
  assert.equal((await record()).participants.length, 1);

  /* People. */
  await page.evaluate((contact) => WPP.blocklist.blockContact(contact), B);
  assert.deepEqual(Object.keys(await phone.records('blocked', ME)), [B]);
  assert.equal(await page.evaluate((contact) => WPP.blocklist.isBlocked(contact), B), true);
  await page.evaluate((contact) => WPP.blocklist.unblockContact(contact), B);
  await phone.setRecord('person', ANA, { about: 'Ocupada', picture: '/sim/a.png' });
  assert.equal(
    await page.evaluate((contact) => WPP.contact.getProfilePictureUrl(contact), A),
    `${address}/sim/a.png`,
  );
  await page.evaluate(() => WPP.profile.setMyProfileName('Loja'));
  assert.equal((await phone.records('person'))[ME].name, 'Loja');

  /* Labels, a status, a channel. */
  const label = await page.evaluate(() => WPP.labels.addNewLabel('Novo', { labelColor: '2' }));
  await page.evaluate(
    (chat, labelId) => WPP.labels.addOrRemoveLabels(chat, { labelId, type: 'add' }),
    A,
    label.id,
  );
  assert.deepEqual((await phone.records('chat', ME))[A].labels, [label.id]);
  await page.evaluate((labelId) => WPP.labels.deleteLabel(labelId), label.id);
  assert.deepEqual((await phone.records('chat', ME))[A].labels, []);
  await page.evaluate(() => WPP.status.sendTextStatus('olá', { backgroundColor: '#0275d8' }));
  assert.deepEqual([(await last()).to, (await last()).body], ['status@broadcast', 'olá']);
  const channel = await page.evaluate(() => WPP.newsletter.create('Notícias', { description: 'Do bairro' }));
  assert.equal((await phone.records('channel'))[channel.idJid].name, 'Notícias');
  assert.equal(await page.evaluate((newsletter) => WPP.newsletter.destroy(newsletter), channel.idJid), true);

  /* wa-js makes the page's getters call the page's functions: none of them may call the getters. */
  const names = await page.evaluate(() => WPP.whatsapp.ContactStore.map((contact) => contact.formattedName));
  assert.ok(names.includes('Ana'));
  const stranger = await page.evaluate((contact) => WPP.contact.remove(contact).then((left) => left.name ?? null), B);
  assert.equal(stranger, null);
  assert.deepEqual(failures, []);
  await browser.close();
});
