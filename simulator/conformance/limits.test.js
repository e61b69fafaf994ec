/* What WhatsApp restricts an account in, as the page's own modules tell it: the reach-out timelock and the quota of new
 * chats; and which sends the server refuses for them. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { login, openPage, start, until } from './harness.js';

const ME = '5511900000005';
const ANA = '5511911110001';
const STRANGER = '5511922220002';

async function open(t, switches = '') {
  const simulator = await start(t);
  const { page, browser } = await openPage(simulator, switches);
  const { phone } = simulator;
  await login(phone, ME, [{ number: ANA, name: 'Ana' }]);
  await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'oi' });
  await prepare(page);
  await until('Ana has written', () => page.evaluate((ana) => Boolean(chatOf(ana)?.msgs.length), ANA));
  return { simulator, browser, page, phone };
}

const prepare = (page) =>
  page.evaluate(() => {
    const part = (module) => window.require(module);
    window.heard = [];
    for (const name of ['reachout_timelock_state_change', 'new_chat_message_capping_state_change'])
      part('WAWebCmd').Cmd.on(name, () => heard.push(name));
    window.chatOf = (number) => part('WAWebCollections').Chat.getLatestChatForWid(`${number}@c.us`);
    window.locked = () => part('WAWebMexFetchReachoutTimelockJob').mexFetchReachoutTimelock();
    window.capped = () => part('WAWebMexFetchNewChatMessageCappingInfoJob').mexFetchNewChatMessageCapping();
    window.utils = () => part('WAWebReachoutTimelockUtils');
    window.say = async (number) => {
      const wid = part('WAWebWidFactory').createWid(`${number}@c.us`);
      const { chat } = await part('WAWebFindChatAction').findOrCreateLatestChat(wid, 'newChatFlow');
      const Key = part('WAWebMsgKey');
      const from = part('WAWebLidMigrationUtils')?.getMeUserLidOrJidForChat?.(chat) ?? part('WAWebUserPrefsMeUser').getMaybeMePnUser();
      const id = new Key({ from, to: chat.id, id: await Key.newId(), selfDir: 'out' });
      const message = { id, from, to: chat.id, body: 'x', type: 'chat', self: 'out', t: Math.floor(Date.now() / 1000) };
      const [added, result] = part('WAWebSendMsgChatAction').addAndSendMsgToChat(chat, message);
      const model = await added;
      const { messageSendResult } = await result;
      return [messageSendResult, model.ack, model.errorCode ?? null];
    };
    window.may = (number) => {
      const chat = chatOf(number);
      return utils().canSendMsgWhileTimelocked({ chat, contact: chat.contact });
    };
  });

test('an account without restrictions says so, in the words of the server', async (t) => {
  const { page } = await open(t);
  const [lock, quota, stored] = await page.evaluate(async () => [await locked(), await capped(), utils().isUserReachoutTimelocked()]);
  assert.deepEqual(lock, { is_active: false, time_enforcement_ends: null, enforcement_type: null });
  assert.equal(stored, false);
  const { server_sent_timestamp, ...rest } = quota;
  assert.match(server_sent_timestamp, /^\d+$/);
  assert.deepEqual(rest, {
    total_quota: -1,
    used_quota: 0,
    cycle_start_timestamp: '0',
    cycle_end_timestamp: '0',
    ote_status: 'NOT_ELIGIBLE',
    mv_status: 'NOT_ELIGIBLE',
    capping_status: 'NONE',
  });
});

for (const switches of ['', '?lid=1']) {
  test(`under a timelock the server refuses who never wrote, with a number that is nowhere to be read ${switches}`, async (t) => {
    const { page, phone } = await open(t, switches);
    await phone.timelock({ number: ME, active: true, seconds: 3600, enforcement: 'RESTRICT_ALL_COMPANIONS' });
    await until('it is told', () => page.evaluate(() => heard.includes('reachout_timelock_state_change')));
    const { is_active, time_enforcement_ends, enforcement_type } = await page.evaluate(() => locked());
    assert.deepEqual([is_active, enforcement_type], [true, 'RESTRICT_ALL_COMPANIONS']);
    assert.match(time_enforcement_ends, /^\d+$/, 'seconds, as a text');
    const left = Number(time_enforcement_ends) - Date.now() / 1000;
    assert.ok(left > 3500 && left < 3610, String(left));
    const outcomes = await page.evaluate(
      async (ana, stranger) => [await say(stranger), await say(ana), may(stranger), may(ana)],
      ANA,
      STRANGER,
    );
    assert.deepEqual(outcomes, [['ERROR_UNKNOWN', -1, null], ['OK', 1, null], false, true]);
    assert.deepEqual((await phone.sent(ME)).map(({ to }) => to), [`${ANA}@c.us`]);
    /* Who has answered is no stranger any more. */
    await phone.message({ to: ME, from: STRANGER, name: 'Rui', body: 'oi' });
    await until('the stranger has written', () => page.evaluate((who) => may(who), STRANGER));
    assert.equal((await page.evaluate((who) => say(who), STRANGER))[0], 'OK');
  });
}

test('the page stores a lock over a restart and past its end, until something tells that it is over', async (t) => {
  const { page, phone, simulator } = await open(t);
  await phone.timelock({ number: ME, active: true, seconds: 1, told: false });
  assert.equal(await page.evaluate(() => utils().isUserReachoutTimelocked()), false, 'nobody told it');
  const answer = await page.evaluate(() => window.require('WAWebGetReachoutTimelockJob').fetchReachoutTimelock() ?? null);
  assert.ok(answer === undefined || answer === null, 'it only stores');
  await until('its end', () => page.evaluate(async () => !(await locked()).is_active));
  assert.equal(await page.evaluate(() => utils().isUserReachoutTimelocked()), true, 'the end alone tells nothing');
  await page.reload({ waitUntil: 'load' });
  await until('the page is back', async () => (await phone.pages()).some(({ state }) => state === 'main'));
  await prepare(page);
  assert.equal(await page.evaluate(() => utils().isUserReachoutTimelocked()), true);
  await page.evaluate(() => window.require('WAWebGetReachoutTimelockJob').fetchReachoutTimelock());
  assert.deepEqual(await page.evaluate(() => [utils().isUserReachoutTimelocked(), heard.length > 0]), [false, true]);
  assert.ok(simulator);
});

test('a lock that is lifted is told', async (t) => {
  const { page, phone } = await open(t);
  await phone.timelock({ number: ME, active: true });
  await until('it is stored', () => page.evaluate(() => utils().isUserReachoutTimelocked()));
  await phone.timelock({ number: ME, active: false });
  await until('it is gone', () => page.evaluate(() => !utils().isUserReachoutTimelocked()));
  assert.equal((await page.evaluate((who) => say(who), STRANGER))[0], 'OK');
});

test('over the quota of new chats the refusal has a name of its own, and the page tells that something changed', async (t) => {
  const { page, phone } = await open(t);
  await phone.capping({ number: ME, status: 'CAPPED', total: 100, used: 100, seconds: 3600, told: false });
  const outcomes = await page.evaluate(async (ana, stranger) => [await say(ana), heard.length, await say(stranger), heard], ANA, STRANGER);
  const name = 'UserReachedMaxMonthlyLimitForNewMessages';
  assert.deepEqual(outcomes, [['OK', 1, null], 0, ['ERROR_UNKNOWN', -1, name], ['new_chat_message_capping_state_change']]);
  const quota = await page.evaluate(() => capped());
  assert.deepEqual([quota.capping_status, quota.total_quota, quota.used_quota], ['CAPPED', 100, 100]);
});

test('a server that does not answer with anything is an error of the page', async (t) => {
  const { page, phone } = await open(t);
  for (const what of ['timelock', 'capping']) await phone.setRecord('refusal', `${ME}/${what}`, 500);
  const errors = await page.evaluate(async () => {
    const failed = (act) => act().then(() => null, (error) => `${error.name} ${error.status}`);
    return [await failed(locked), await failed(capped)];
  });
  assert.deepEqual(errors, ['ServerStatusCodeError 500', 'ServerStatusCodeError 500']);
});
