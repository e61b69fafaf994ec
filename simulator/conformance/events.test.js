/* What happens beside the messages, and files that are not there any more, as the page's own modules tell it. Each test
 * names the fact that it holds. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { login, openPage, start, until } from './harness.js';

const ME = '5511900000006';
const ANA = '5511911110001';
const BETO = '5511922220002';
const GROUP = '120363000000000002@g.us';

async function open(t, switches = '', business = false) {
  const simulator = await start(t);
  await simulator.phone.setRecord('person', ME, { business });
  const { page } = await openPage(simulator, switches);
  await login(simulator.phone, ME, [{ number: ANA, name: 'Ana' }]);
  await page.evaluate(() => {
    window.seen = [];
    window.wid = (text) => window.require('WAWebWidFactory').createWid(text);
    window.collections = window.require('WAWebCollections');
  });
  return { page, phone: simulator.phone };
}
const seenBy = (page, count) =>
  until(`${count} signs`, () => page.evaluate((count) => window.seen.length >= count && window.seen, count));

test('a presence is typing or recording_audio: first isOnline, then the chatstate, then presence and collection', async (t) => {
  const { page, phone } = await open(t);
  await phone.message({ to: ME, from: ANA, body: 'oi' });
  await until('the chat is there', () => page.evaluate(() => collections.Chat.getModelsArray().length > 0));
  await page.evaluate((ana) => {
    const presence = collections.Presence.gadd(wid(`${ana}@c.us`));
    presence.on('change:isOnline', (_, value) => seen.push(`isOnline ${value}`));
    presence.chatstate.on('change:type', (_, value) => seen.push(`type ${value}`));
    const heard = (where) => (state, value) => seen.push(`${where} ${state === presence.chatstate} ${value}`);
    presence.on('change:chatstate.type', heard('presence'));
    collections.Presence.on('change:chatstate.type', heard('collection'));
  }, ANA);
  await phone.presence({ number: ME, chat: ANA, state: 'typing' });
  assert.deepEqual(await seenBy(page, 4), [
    'isOnline true',
    'type typing',
    'presence true typing',
    'collection true typing',
  ]);
  await phone.presence({ number: ME, chat: ANA, state: 'recording_audio' });
  assert.deepEqual((await seenBy(page, 7)).slice(4), [
    'type recording_audio',
    'presence true recording_audio',
    'collection true recording_audio',
  ]);
  await assert.rejects(phone.presence({ number: ME, chat: ANA, state: 'composing' }), /state/);
});

for (const migrated of [false, true]) {
  test(`a member's receipt names it as its group does, and all of them move the message (${migrated ? 'lids' : 'numbers'})`, async (t) => {
    const { page, phone } = await open(t, migrated ? '?lid=1' : '');
    const participants = [ME, ANA, BETO].map((number) => ({ id: `${number}@c.us`, role: 'member' }));
    const change = { subtype: 'add', recipients: [`${ME}@c.us`] };
    await phone.group({ id: GROUP, by: ANA, change, set: { subject: 'Turma', participants } });
    await until('the group is there', () =>
      page.evaluate((id) => collections.Chat.get(id)?.groupMetadata?.participants.length === 3, GROUP),
    );
    await page.evaluate(async (group) => {
      const receipts = window.require('WAWebHandleMsgReceipt');
      const handle = receipts.handleGroupSimpleReceipt;
      receipts.handleGroupSimpleReceipt = (receipt) => {
        seen.push(receipt.participant ? `${receipt.ack} ${receipt.participant}` : `${receipt.ack}`);
        return handle(receipt);
      };
      const chat = collections.Chat.get(group);
      const Key = window.require('WAWebMsgKey');
      const me = window.require('WAWebUserPrefsMeUser');
      const from = chat.groupMetadata.isLidAddressingMode ? me.getMaybeMeLidUser() : me.getMaybeMePnUser();
      const id = new Key({ from, to: chat.id, id: await Key.newId(), participant: from, selfDir: 'out' });
      const message = { id, from, to: chat.id, body: 'oi', type: 'chat', self: 'out', t: 1 };
      const [model, result] = window.require('WAWebSendMsgChatAction').addAndSendMsgToChat(chat, message);
      await result;
      window.sent = await model;
    }, GROUP);
    await until('it is delivered', () => page.evaluate(() => sent.ack === 2));
    const before = (await page.evaluate(() => seen.length)) + 1;
    await phone.read({ number: ME, chat: GROUP, by: ANA });
    const [first] = (await seenBy(page, before)).slice(before - 1);
    const who = first.split(' ')[1];
    assert.match(first, migrated ? /^3 \d+@lid$/ : /^3 5511911110001@c\.us$/);
    assert.equal(await page.evaluate(() => sent.ack), 2, 'not everybody has read it');
    const read = () =>
      page.evaluate(async () => (await collections.MsgInfo.find(sent.id)).read.map(({ id }) => String(id)));
    assert.deepEqual(await read(), [who], 'on request');
    await phone.read({ number: ME, chat: GROUP, by: BETO });
    await until('all have read it', () => page.evaluate(() => sent.ack === 3));
    assert.equal((await read()).length, 2);
  });
}

test('a call that is only announced has no state, goes after 45 s, and is nothing when it is older', async (t) => {
  const { page, phone } = await open(t);
  await page.evaluate(() => {
    const bus = window.require('WAWebCallNotificationBus');
    for (const name of ['alert_call', 'cancel_call'])
      bus.on(name, (told) => seen.push([name, Object.keys(told).sort().join(), String(told.wid)].join(' ')));
  });
  await phone.call({ number: ME, from: ANA, state: 'announced', age: 46 });
  const { id } = await phone.call({ number: ME, from: ANA, state: 'announced', age: 43 });
  await seenBy(page, 1);
  const there = (id) =>
    page.evaluate((id) => {
      const calls = window.require('WAWebCallCollection');
      const call = calls.get(id);
      return call && [calls.getModelsArray().length, call.getState(), String(call.peerJid)];
    }, id);
  assert.deepEqual(await there(id), [1, null, `${ANA}@c.us`]);
  const seen = await seenBy(page, 2);
  assert.deepEqual(seen, [
    `alert_call isGroup,isSilenced,isVideo,msgId,wid ${ANA}@c.us`,
    `cancel_call msgId,wid ${ANA}@c.us`,
  ]);
  assert.equal(await there(id), undefined);
});

test('REUPLOADING is no error: who asks is answered, and it ends in RESOLVED or an ERROR when the phone is online', async (t) => {
  const { page, phone } = await open(t);
  const file = (filename) => ({ mimetype: 'text/plain', filename, data: 'b2k=' });
  for (const name of ['a.txt', 'b.txt']) await phone.message({ to: ME, from: ANA, body: '', media: file(name) });
  await until('both are there', () => page.evaluate(() => collections.Msg.length === 2));
  await page.evaluate(() => {
    window.ask = async (name) => {
      const message = collections.Msg.findFirst(({ filename }) => filename === name);
      message.mediaData.on('change:mediaStage', (_, stage) => seen.push(`${name} ${stage}`));
      await message.downloadMedia({ downloadEvenIfExpensive: true, isUserInitiated: true, rmrReason: 1 });
      return message.mediaData.mediaStage;
    };
  });
  const gone = (name) =>
    until('the server has it no more', () =>
      page.evaluate(async (name) => {
        const message = collections.Msg.findFirst(({ filename }) => filename === name);
        const { downloadManager } = window.require('WAWebDownloadManager');
        return downloadManager.downloadAndMaybeDecrypt(message.attributes).then(() => false, () => true);
      }, name),
    );
  await phone.fault({ number: ME, fault: 'reupload' });
  await gone('a.txt');
  assert.equal(await page.evaluate(() => window.ask('a.txt')), 'REUPLOADING');
  await phone.fault({ number: ME, fault: 'reupload', value: 0 });
  await seenBy(page, 4);
  await phone.fault({ number: ME, fault: 'reupload_fails', value: 50 });
  await gone('b.txt');
  await page.evaluate(() => window.ask('b.txt'));
  assert.deepEqual(await seenBy(page, 7), [
    'a.txt FETCHING',
    'a.txt REUPLOADING',
    'a.txt FETCHING',
    'a.txt RESOLVED',
    'b.txt FETCHING',
    'b.txt REUPLOADING',
    'b.txt ERROR_MISSING',
  ]);
});

test('names of the page’s data stand among the dependencies and in no registry', async (t) => {
  const { page } = await open(t);
  const seen = await page.evaluate(() => {
    const { modulesMap } = window.require('__debug');
    const needed = modulesMap.WAWebSocketModel.dependencies.filter((name) => name.startsWith('cr:'));
    return [needed.length, needed.some((name) => name in modulesMap), 'Socket' in window.require('WAWebSocketModel')];
  });
  assert.deepEqual(seen, [1, false, true]);
});

test('requireBundle tries again after 1, 2, … s', async (t) => {
  const { page } = await open(t, '?prefetch=off&bundle_failures=2');
  const seconds = await page.evaluate(async () => {
    const began = performance.now();
    await window.require('WAWebNewGroupFlowLoadable').requireBundle();
    return (performance.now() - began) / 1000;
  });
  assert.ok(seconds >= 3, `${seconds} s`);
  assert.equal(await page.evaluate(() => typeof window.require('WAWebGroupCreateJob').createGroup), 'function');
});

test('history comes into the database, is in Msg when its chat is loaded, and says what it is', async (t) => {
  const { page, phone } = await open(t);
  await page.evaluate(() => {
    const { Cmd } = window.require('WAWebCmd');
    Cmd.on('new_history_sync_chunk_processed_from_bridge', (chats) => seen.push(chats.map(({ id }) => String(id)).join()));
    Cmd.on('on_initial_chat_synced_from_bridge', () => seen.push('synced'));
    collections.Msg.on('add', ({ isNewMsg }) => seen.push(`add ${isNewMsg}`));
  });
  const isComplete = () =>
    page.evaluate(() => window.require('WAWebUserPrefsHistorySync').getInitialHistorySyncComplete());
  const old = { id: '3AOLD', body: 'de antes', timestamp: 1_600_000_000 };
  await phone.history({ number: ME, chat: ANA, messages: [old], more: true });
  assert.deepEqual(await seenBy(page, 1), [`${ANA}@c.us`]);
  assert.equal(await isComplete(), false);
  await phone.history({ number: ME, chat: BETO, messages: [{ ...old, id: '3AOLDER' }] });
  assert.deepEqual((await seenBy(page, 3)).slice(1), [`${BETO}@c.us`, 'synced']);
  assert.equal(await isComplete(), true);
  const loaded = await page.evaluate(async (ana) => {
    const chat = collections.Chat.get(`${ana}@c.us`);
    const [message] = await window.require('WAWebChatLoadMessages').loadEarlierMsgs({ chat });
    return [message.body, message.isMdHistoryMsg, message.isNewMsg];
  }, ANA);
  assert.deepEqual(loaded, ['de antes', true, false]);
});

test('what the phone does to a chat fires change:archive; labels come and go in their collection', async (t) => {
  const { page, phone } = await open(t, '', true);
  await phone.message({ to: ME, from: ANA, body: 'oi' });
  await until('the chat is there', () => page.evaluate(() => collections.Chat.getModelsArray().length > 0));
  await page.evaluate(() => {
    collections.Chat.on('change:archive', (chat) => seen.push(`archive ${chat.archive}`));
    collections.Chat.on('change:labels', (chat) => seen.push(`labels ${chat.labels}`));
    collections.Label.on('add', ({ id, name }) => seen.push(`label ${id} ${name}`));
    collections.Label.on('remove', ({ id }) => seen.push(`no label ${id}`));
  });
  await phone.chat({ number: ME, chat: ANA, archived: true });
  await phone.label({ number: ME, id: '7', name: 'Lead', color: 3 });
  await phone.chat({ number: ME, chat: ANA, labels: ['7'] });
  await phone.label({ number: ME, id: '7', deleted: true });
  assert.deepEqual(await seenBy(page, 5), ['archive true', 'label 7 Lead', 'labels 7', 'labels ', 'no label 7']);
});
