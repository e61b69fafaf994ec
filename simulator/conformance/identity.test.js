/* Who is who, on a classic account and on a migrated one, as the page's own modules tell it. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { login, openPage, shown, start, until } from './harness.js';

const ME = '5511900000004';
const ANA = '5511911110001';
const GROUP = '120363000000000001@g.us';

async function open(t, switches = '', existing) {
  const simulator = existing ?? (await start(t));
  const { browser, page } = await openPage(simulator, switches);
  const { phone } = simulator;
  if (existing) await shown(phone, 'main');
  else await login(phone, ME, [{ number: ANA, name: 'Ana' }]);
  await page.evaluate(() => {
    window.wid = (text) => window.require('WAWebWidFactory').createWid(text);
    window.text = (value) => (value == null ? value : String(value));
    window.error = async (act) => {
      try {
        await act();
      } catch (thrown) {
        return thrown.message;
      }
      return 'none';
    };
  });
  return { simulator, browser, page, phone };
}

test('number and lid of a person are known once the page has asked whether the number exists', async (t) => {
  const { page, phone } = await open(t);
  await phone.setRecord('alias', '5531988880001', '553188880001');
  const seen = await page.evaluate(async (ana) => {
    const { queryWidExists } = window.require('WAWebQueryExistsJob');
    const api = window.require('WAWebApiContact');
    const { toPn, toUserLid, toUserLidOrThrow } = window.require('WAWebLidMigrationUtils');
    const number = wid(`${ana}@c.us`);
    const before = [String(api.getCurrentLid(number)), await error(() => toUserLidOrThrow(number))];
    const answer = await queryWidExists(number);
    const lid = api.getCurrentLid(number);
    return {
      before,
      keys: Object.keys(answer),
      wid: text(answer.wid),
      server: lid.server,
      back: [api.getPhoneNumber(lid), api.getAlternateUserWid(lid), toPn(lid), toPn(number)].map(text),
      lids: [toUserLid(number), toUserLid(lid), api.getAlternateUserWid(number)].every((one) => one.equals(lid)),
      unknown: String(api.getPhoneNumber(wid('99887766554433@lid'))),
      nobody: await queryWidExists(wid('5511955550000@c.us')),
      byLid: text((await queryWidExists(lid)).wid) === String(lid),
      canonical: text((await queryWidExists(wid('5531988880001@c.us'))).wid),
      device: await error(() => api.getCurrentLid(wid(`${ana}:3@c.us`))),
      own: text(api.getPhoneNumber(window.require('WAWebUserPrefsMeUser').getMaybeMeLidUser())),
    };
  }, ANA);
  const number = `${ANA}@c.us`;
  assert.deepEqual(seen.before, ['undefined', 'No LID for user']);
  assert.ok(!seen.keys.includes('lid'), 'the answer has no lid');
  assert.deepEqual([seen.wid, seen.server, seen.lids, seen.byLid], [number, 'lid', true, true]);
  assert.deepEqual(seen.back, [number, number, number, number]);
  assert.deepEqual([seen.unknown, seen.nobody], ['undefined', null]);
  assert.equal(seen.canonical, '553188880001@c.us');
  assert.match(seen.device, /user's wid/);
  assert.equal(seen.own, `${ME}@c.us`);
});

test('a migrated account has chats with lids, and groups that name members by lids', async (t) => {
  const { page, phone, simulator, browser } = await open(t, '?lid=1');
  await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'oi' });
  await phone.message({ to: ME, from: GROUP, author: ANA, name: 'Ana', body: 'a todos', group_name: 'Time' });
  const read = (ana, group) =>
    page.evaluate(
      async (number, groupId) => {
        const { Chat, Msg } = window.require('WAWebCollections');
        const chat = Chat.getLatestChatForWid(wid(`${number}@c.us`));
        const groupChat = Chat.get(groupId);
        if (!chat?.msgs.length || !groupChat?.msgs.length) return null;
        const lid = window.require('WAWebApiContact').getCurrentLid(wid(`${number}@c.us`));
        const author = groupChat.msgs.last().author;
        return {
          migrated: window.require('WAWebLid1X1MigrationGating').Lid1X1MigrationUtils.isLidMigrated(),
          byNumber: String(Chat.get(`${number}@c.us`)),
          lids: [chat.id, chat.accountLid, author].map((one) => one.equals(lid)),
          key: Msg.head().id.remote.equals(lid),
          addressing: groupChat.groupMetadata.isLidAddressingMode,
          members: groupChat.groupMetadata.participants.map(({ id }) => id.server),
          title: chat.formattedTitle,
        };
      },
      ana,
      group,
    );
  const expected = {
    migrated: true,
    byNumber: 'undefined',
    lids: [true, true, true],
    key: true,
    addressing: true,
    members: ['lid', 'lid'],
    title: 'Ana',
  };
  assert.deepEqual(await until('both are there', () => read(ANA, GROUP)), expected);

  const first = await page.evaluate(async () => {
    const { findOrCreateLatestChat } = window.require('WAWebFindChatAction');
    const made = await findOrCreateLatestChat(wid('5511911110007@c.us'), 'newChatFlow');
    const again = await findOrCreateLatestChat(wid('5511911110007@c.us'), 'newChatFlow');
    const nobody = await error(() => findOrCreateLatestChat(wid('5511911119404@c.us'), 'newChatFlow'));
    return [made.created, made.chat.id.server, again.created, again.chat === made.chat, nobody];
  });
  assert.deepEqual(first, [true, 'lid', false, true, 'No LID for user']);
  await browser.close();
  const again = await open(t, '?lid=1', simulator);
  const kept = await again.page.evaluate(
    (number) => text(window.require('WAWebApiContact').getCurrentLid(wid(`${number}@c.us`))?.server),
    ANA,
  );
  assert.equal(kept, 'lid', 'the pair is kept over a restart');
});

test('a chat of before the migration keeps its number and is found by its lid', async (t) => {
  const { phone, simulator, browser } = await open(t);
  await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'antes' });
  await until('it is stored', async () => (await phone.numbers())[0].devices[0].queued === 0);
  await browser.close();
  const { page } = await open(t, '?lid=1', simulator);
  await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'depois' });
  const seen = await until('both are in one chat', () =>
    page.evaluate((number) => {
      const { Chat } = window.require('WAWebCollections');
      const chat = Chat.get(`${number}@c.us`);
      if (chat?.msgs.length !== 2) return null;
      return [chat.accountLid.server, Chat.getLatestChatForWid(chat.accountLid) === chat, Chat.length];
    }, ANA),
  );
  assert.deepEqual(seen, ['lid', true, 1]);
});

test('a key is made of ends or of a chat, of wids, and by somebody who is logged in', async (t) => {
  const { page } = await open(t);
  const seen = await page.evaluate(async (ana, group) => {
    const Key = window.require('WAWebMsgKey');
    const me = window.require('WAWebUserPrefsMeUser');
    const [pn, lid] = [me.getMaybeMePnUser(), me.getMaybeMeLidUser()];
    const to = wid(`${ana}@c.us`);
    const of = (fields) => String(new Key({ id: '3EB0AA', ...fields }));
    return {
      own: [of({ from: pn, to }), of({ from: lid, to })],
      theirs: of({ from: to, to: pn }),
      group: of({ from: lid, to: wid(group), participant: lid }),
      whole: of({ fromMe: false, remote: to }),
      wrong: await Promise.all([
        error(() => of({ from: pn, to, remote: to, fromMe: true })),
        error(() => of({ from: pn })),
        error(() => of({ from: String(pn), to: String(to) })),
      ]),
      lid: String(lid),
    };
  }, ANA, GROUP);
  const [own] = seen.own;
  assert.equal(own, `true_${ANA}@c.us_3EB0AA`);
  assert.equal(seen.own[1], own, 'the same, whichever of the own names it is from');
  assert.deepEqual([seen.theirs, seen.whole], [`false_${ANA}@c.us_3EB0AA`, `false_${ANA}@c.us_3EB0AA`]);
  assert.equal(seen.group, `true_${GROUP}_3EB0AA_${seen.lid}`);
  assert.ok(seen.wrong.every((message) => /MsgKey error/.test(message)), seen.wrong.join());
});
