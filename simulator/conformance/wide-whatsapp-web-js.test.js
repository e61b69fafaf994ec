/* whatsapp-web.js, unmodified, beyond the everyday: groups, marks on messages, people, labels, calls, channels. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';

import { chromium, chromiumArguments, once, start, until } from './harness.js';

const require = createRequire(import.meta.url);
const constants = require('whatsapp-web.js/src/util/Constants');

const ME = '5511900000004';
const ANA = '5511911110001';
const BO = '5511911110002';
const [A, B] = [ANA, BO].map((number) => `${number}@c.us`);
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

test('whatsapp-web.js changes what it can change', { timeout: 300_000 }, async (t) => {
  const { address, folder, phone } = await start(t);
  constants.WhatsWebURL = address;
  const { Client, Location, LocalAuth, MessageMedia, Poll } = require('whatsapp-web.js');
  await phone.setRecord('person', ME, { business: true });
  const client = new Client({
    authStrategy: new LocalAuth({ clientId: 'wide', dataPath: folder }),
    puppeteer: { executablePath: chromium, headless: 'shell', args: chromiumArguments },
    webVersionCache: { type: 'none' },
  });
  const qr = once(client, 'qr');
  const started = client.initialize();
  const [code] = await qr;
  await until('the simulator shows that code', async () =>
    (await phone.pages()).some((page) => page.qr === code),
  );
  const ready = once(client, 'ready');
  const contacts = [
    { number: ANA, name: 'Ana' },
    { number: BO, name: 'Bo' },
  ];
  await phone.scan({ qr: code, number: ME, name: 'Acme', contacts });
  await Promise.all([ready, started]);
  const last = async () => (await phone.sent(ME)).at(-1);
  const received = once(client, 'message');
  await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'oi' });
  const [theirs] = await received;

  /* Messages that are neither text nor file, and marks on messages. */
  const sends = async (content, what) => {
    const message = await client.sendMessage(A, content, { waitUntilMsgSent: true });
    await until(`the phone has the ${what}`, async () => (await last())?.type === what);
    return message;
  };
  const place = await sends(new Location(-23.5, -46.6, { name: 'Sé', address: 'Praça' }), 'location');
  assert.equal((await last()).location.latitude, -23.5);
  const poll = await sends(new Poll('?', ['a', 'b']), 'poll_creation');
  assert.deepEqual((await last()).poll, { question: '?', choices: ['a', 'b'], multiple: false });
  await poll.vote(['b']);
  assert.deepEqual((await last()).choices, ['b']);
  await phone.vote({ number: ME, id: poll.id._serialized, from: ANA, choices: ['a'] });
  const votes = await until('both votes', async () => {
    const list = await client.getPollVotes(poll.id._serialized);
    return list.length === 2 && list;
  });
  assert.deepEqual(votes.map(({ voter }) => voter).sort(), [A, `${ME}@c.us`].sort());
  await sends(await client.getContactById(B), 'vcard');
  await theirs.star();
  await until('it has a star', async () => (await phone.records('star', ME))[theirs.id._serialized]);
  await theirs.unstar();
  assert.equal(await place.pin(86400), true);
  assert.deepEqual(
    (await client.getPinnedMessages(A)).map(({ id }) => id.id),
    [place.id.id],
  );
  await theirs.forward(B);
  await until('it is forwarded', async () => (await last()).to === B);
  await theirs.react('👍');
  await phone.react({ number: ME, id: theirs.id._serialized, from: ANA, reaction: '😀' });
  await until('both reactions', async () => {
    await theirs.reload();
    return theirs.hasReaction && (await theirs.getReactions())?.length === 2;
  });

  /* Chats. */
  const chat = await client.getChatById(A);
  await chat.mute(new Date(2e12));
  assert.equal((await client.getChatById(A)).isMuted, true);
  await chat.unmute();
  assert.equal((await phone.records('chat', ME))[A].muted_until, 0);
  await (await client.getChatById(B)).delete();
  /* The library itself opens a chat again whose end it hears of. */
  assert.equal((await phone.actions(ME)).at(-1).what, 'delete_chat');

  /* People. */
  await phone.setRecord('person', ANA, { about: 'Ocupada', picture: '/sim/a.png' });
  assert.equal(await client.getProfilePicUrl(A), `${address}/sim/a.png`);
  const ana = await client.getContactById(A);
  assert.equal(await ana.getAbout(), 'Ocupada');
  /* The library asks for a helper that the page no longer has. */
  await assert.rejects(ana.block(), /getContactToBlockOnlyUseIfNoAssociatedChat/);
  await client.setStatus('Aberto');
  assert.equal(await client.setDisplayName('Loja'), true);
  assert.equal(await client.setProfilePicture(new MessageMedia('image/png', PIXEL)), true);
  const person = (await phone.records('person'))[ME];
  assert.deepEqual([person.about, person.name], ['Aberto', 'Loja']);
  assert.equal(await client.deleteProfilePicture(), true);
  await client.saveOrEditAddressbookContact(BO, 'Bo', 'Lima', true);
  assert.equal((await client.getContactById(B)).name, 'Bo Lima');
  await client.deleteAddressbookContact(B);
  assert.equal((await phone.records('contact', ME))[BO], undefined);
  await client.sendPresenceAvailable();

  /* Groups. */
  const made = await client.createGroup('Time', [A]);
  assert.equal(made.participants[A].statusCode, 200);
  const group = await client.getChatById(made.gid._serialized);
  const record = async () => (await phone.records('group'))[group.id._serialized];
  assert.equal(await group.setSubject('Equipe'), true);
  assert.equal(await group.setDescription('Para todos'), true);
  assert.equal(await group.setMessagesAdminsOnly(true), true);
  assert.equal(await group.setInfoAdminsOnly(true), true);
  assert.equal(await group.setAddMembersAdminsOnly(false), true);
  const { subject, desc, announce, restrict, member_add_mode } = await record();
  assert.deepEqual(
    [subject, desc, announce, restrict, member_add_mode],
    ['Equipe', 'Para todos', true, true, 'all_member_add'],
  );
  const added = await group.addParticipants([B, '5511922229403@c.us'], {
    sleep: null,
    autoSendInviteV4: false,
  });
  assert.deepEqual([added[B].code, added['5511922229403@c.us'].code], [200, 403]);
  await group.promoteParticipants([B]);
  await group.demoteParticipants([B]);
  await group.removeParticipants([B]);
  assert.deepEqual(
    (await record()).participants.map(({ id }) => id),
    [`${ME}@c.us`, A],
  );
  const invite = await group.getInviteCode();
  assert.equal(invite, (await record()).invite);
  /* The library looks for it in a module that no longer has it. */
  await assert.rejects(group.revokeInvite(), /resetGroupInviteCode/);
  assert.equal((await client.getInviteInfo((await record()).invite)).subject, 'Equipe');
  await phone.group({ id: group.id._serialized, set: { requests: [{ id: B }] } });
  /* The library reads the page's database, which holds what was last asked for. */
  assert.equal((await group.getGroupMembershipRequests()).length, 0);
  await client.pupPage.evaluate((id) => {
    const wid = window.require('WAWebWidFactory').createWid(id);
    return window.require('WAWebGroupQueryJob').queryAndUpdateGroupMetadataById({ id: wid });
  }, group.id._serialized);
  assert.equal((await group.getGroupMembershipRequests()).length, 1);
  const [approved] = await group.approveGroupMembershipRequests({ requesterIds: [B], sleep: null });
  assert.equal(approved.message, 'Approved successfully');
  const changed = once(client, 'group_update', 'a change by another', ({ type }) => type === 'subject');
  await phone.group({
    id: group.id._serialized,
    by: A,
    change: { subtype: 'subject', body: 'Nós' },
    set: { subject: 'Nós' },
  });
  await changed;
  await group.leave();
  assert.ok(!(await record()).participants.some(({ id }) => id === `${ME}@c.us`));

  /* A call, a channel. */
  const ringing = once(client, 'call');
  await phone.call({ number: ME, from: ANA });
  const [call] = await ringing;
  await call.reject();
  assert.equal((await phone.actions(ME)).at(-1).what, 'reject_call');
  const channel = await client.createChannel('Notícias', { description: 'Do bairro' });
  assert.equal((await client.getChannels()).length, 1);
  assert.equal((await client.searchChannels({ searchText: 'notícias' })).length, 1);
  assert.equal(await client.deleteChannel(channel.nid._serialized ?? String(channel.nid)), true);
  await client.destroy();
});
