/* How the page's own functions behave when they are called directly: what they answer, and how they refuse. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { login, openPage, start, until } from './harness.js';

const ME = '5511900000005';
const ANA = '5511911110001';

async function open(t, switches = '') {
  const simulator = await start(t);
  const { page } = await openPage(simulator, switches);
  const { phone } = simulator;
  await login(phone, ME, [{ number: ANA, name: 'Ana' }]);
  const { id } = await phone.message({ to: ME, from: ANA, name: 'Ana', body: 'oi' });
  await page.evaluate((ana) => {
    window.chatOf = () => window.require('WAWebCollections').Chat.get(`${ana}@c.us`);
    /* What became of a call: what it answered, or with what it was refused. */
    window.outcome = async (act) => {
      try {
        const answer = await act();
        return answer === undefined ? 'undefined' : answer;
      } catch (error) {
        if (typeof error === 'string') return `refused with a text`;
        return `${error.name} ${error.status ?? error.message}`.trim();
      }
    };
    window.say = async (body) => {
      const Key = window.require('WAWebMsgKey');
      const chat = window.chatOf();
      const from = window.require('WAWebUserPrefsMeUser').getMaybeMePnUser();
      const id = new Key({ from, to: chat.id, id: await Key.newId(), selfDir: 'out' });
      const message = { id, from, to: chat.id, body, type: 'chat', self: 'out', t: Math.floor(Date.now() / 1000) };
      const sent = window.require('WAWebSendMsgChatAction').addAndSendMsgToChat(chat, message);
      const model = await sent[0];
      const result = await sent[1].catch((error) => error.constructor.name);
      return { isArray: Array.isArray(sent), model, result };
    };
  }, ANA);
  await until('the chat is there', () => page.evaluate(() => Boolean(window.chatOf()?.msgs.length)));
  const refuse = (what, value) => phone.setRecord('refusal', `${ME}/${what}`, value);
  return { page, phone, id, refuse };
}

test('commands answer nothing, and do nothing without the main screen', async (t) => {
  const { page } = await open(t, '?ui=0');
  const seen = await page.evaluate(async () => {
    const { Cmd } = window.require('WAWebCmd');
    const chat = chatOf();
    const answers = [Cmd.archiveChat(chat, true), Cmd.sendStarMsgs(chat, [chat.msgs.last()], false)];
    await new Promise((resolve) => setTimeout(resolve, 300));
    return [answers.every((one) => one === undefined), Boolean(chat.archive), Boolean(chat.msgs.last().star)];
  });
  assert.deepEqual(seen, [true, false, false]);
});

test('a chat that is so already is refused without asking; over the limit the server refuses', async (t) => {
  const { page, refuse } = await open(t);
  const act = () =>
    page.evaluate(async () => {
      const chat = chatOf();
      const { setArchive } = window.require('WAWebSetArchiveChatAction');
      const { setPin } = window.require('WAWebSetPinChatAction');
      const pinned = await outcome(() => setPin(chat, true));
      const outcomes = [await outcome(() => setArchive(chat, true, false)), await outcome(() => setArchive(chat, true, false))];
      const pin = Boolean(chat.pin);
      await setArchive(chat, false, false).catch(() => {});
      return [pinned, ...outcomes, pin];
    });
  assert.deepEqual(await act(), ['undefined', 'undefined', 'ActionError', false], 'the archive unpins');
  await refuse('archive', 403);
  await refuse('pin_chat', 405);
  assert.deepEqual((await act()).slice(0, 2), ['ServerStatusCodeError 405', 'ServerStatusCodeError 403']);
});

test('a send answers an array at once, and a refusal is its result', async (t) => {
  const { page, refuse } = await open(t);
  const send = () =>
    page.evaluate(async () => {
      const { isArray, model, result } = await say('x');
      return [isArray, result.messageSendResult ?? result, model.ack, Boolean(model.isSendFailure), model.errorCode ?? null];
    });
  assert.deepEqual(await send(), [true, 'OK', 1, false, null]);
  await refuse('send', 463);
  assert.deepEqual(await send(), [true, 'ERROR_UNKNOWN', -1, true, null]);
  await refuse('send', 475);
  const cap = 'UserReachedMaxMonthlyLimitForNewMessages';
  assert.deepEqual(await send(), [true, 'ERROR_UNKNOWN', -1, true, cap]);
  await refuse('send', 'network');
  assert.deepEqual(await send(), [true, 'ERROR_NETWORK', 0, true, null], 'the ack stays');
  await page.evaluate(() => (window.require('WAWebCollections').Contact.get(chatOf().id).isContactBlocked = true));
  assert.equal((await send())[1], 'ContactBlockedError');
});

test('an edit needs options, resolves also when it was refused, and has a key of its own each time', async (t) => {
  const { page, refuse } = await open(t);
  const first = await page.evaluate(async () => {
    const { sendMessageEdit } = window.require('WAWebSendMessageEditAction');
    const { model } = await say('um');
    window.mine = model;
    const acks = [];
    model.on('change:ack', () => acks.push(model.ack));
    const without = await outcome(() => sendMessageEdit(model, 'dois'));
    const keys = [];
    for (const text of ['dois', 'três']) {
      await sendMessageEdit(model, text, {});
      keys.push(String(model.latestEditMsgKey));
    }
    const theirs = await outcome(() => sendMessageEdit(chatOf().msgs.head(), 'x', {}));
    return { without, acks, different: new Set([...keys, String(model.id)]).size, theirs };
  });
  assert.match(first.without, /^TypeError/);
  assert.deepEqual([first.acks, first.different], [[0, 1, 0, 1], 3]);
  assert.equal(first.theirs, 'Error Cannot edit message');
  await refuse('edit', 406);
  const second = await page.evaluate(async () => [
    await outcome(() => window.require('WAWebSendMessageEditAction').sendMessageEdit(mine, 'quatro', {})),
    mine.isSendFailure,
    mine.errorCode,
    mine.body,
  ]);
  assert.deepEqual(second, ['undefined', true, 'EditWindowExpired', 'quatro']);
});

test('an edit of somebody else fires its key first, then an ack without a value, then the text', async (t) => {
  const { page, phone, id } = await open(t);
  await page.evaluate(() => {
    const message = chatOf().msgs.head();
    window.seen = [];
    const note = (name) => (model, value) => window.seen.push([name, name === 'key' ? model.body : (value ?? 'nothing')]);
    message.on('change:latestEditMsgKey', note('key'));
    message.on('change:ack', note('ack'));
    message.on('change:body', note('body'));
  });
  await phone.edit({ number: ME, id, body: 'olá' });
  const seen = await until('it is told', () => page.evaluate(() => window.seen.length >= 3 && window.seen));
  assert.deepEqual(seen, [['key', 'olá'], ['ack', 'nothing'], ['body', 'olá']]);
});

test('a revocation gives the message another id and keeps the old one beside it', async (t) => {
  const { page, phone, id } = await open(t);
  await page.evaluate(() => {
    const { Msg } = window.require('WAWebCollections');
    window.seen = [];
    window.count = Msg.length;
    const message = chatOf().msgs.head();
    for (const name of ['change:id', 'change:type', 'change:body']) message.on(name, () => window.seen.push(name));
    message.on('change:msgKey', ({ oldKey }) => window.seen.push(String(oldKey)));
  });
  await phone.revoke({ number: ME, id });
  const seen = await until('it is told', () =>
    page.evaluate((old) => {
      if (window.seen.length < 4) return null;
      const { Msg } = window.require('WAWebCollections');
      const message = chatOf().msgs.head();
      const { type, subtype, protocolMessageKey } = message;
      const newOne = Msg.get(message.id) === message && String(message.id) !== old;
      return [window.seen, type, subtype, String(protocolMessageKey), newOne, String(Msg.get(old)), Msg.length - window.count];
    }, id),
  );
  const events = ['change:id', 'change:type', 'change:body', id];
  assert.deepEqual(seen, [events, 'revoked', 'sender', id, true, 'undefined', 0]);
});

test('revoking, deleting and starring say what became of each message', async (t) => {
  const { page, refuse } = await open(t);
  const act = (what) =>
    page.evaluate(async (name) => {
      const { sendRevokeMsgs, sendDeleteMsgs, sendStarMsgs } = window.require('WAWebChatSendMessages');
      const { model } = await say('x');
      const selection = { type: 'message', list: [model] };
      if (name === 'star') return [await outcome(() => sendStarMsgs(chatOf(), [model], true)), model.star ?? null];
      const act = name === 'revoke' ? sendRevokeMsgs : sendDeleteMsgs;
      return [await outcome(() => act(chatOf(), selection, true)), model.type];
    }, what);
  const results = async () => [await act('revoke'), await act('delete'), await act('star')];
  assert.deepEqual(await results(), [
    [[{ messageSendResult: 'OK' }], 'revoked'],
    [1, 'chat'],
    ['undefined', true],
  ]);
  for (const what of ['revoke', 'delete', 'star']) await refuse(what, 403);
  assert.deepEqual(await results(), [
    [[{ messageSendResult: 'ERROR_UNKNOWN' }], 'chat'],
    [0, 'chat'],
    ['ServerStatusCodeError 403', null],
  ]);
});

test('a forward does not wait, and tells of no refusal', async (t) => {
  const { page, refuse } = await open(t);
  await refuse('send', 463);
  const seen = await page.evaluate(async () => {
    const { forwardMessages } = window.require('WAWebChatForwardMessage');
    const answer = await outcome(() => forwardMessages({ chat: chatOf(), msgs: [chatOf().msgs.head()], multicast: true }));
    return [answer, chatOf().msgs.last().isForwarded];
  });
  assert.deepEqual(seen, [[], true]);
  await until('the copy has failed', () => page.evaluate(() => chatOf().msgs.last().ack === -1));
});

test('being seen waits for somebody to look, unless it is said not to', async (t) => {
  const { page } = await open(t);
  const seen = await page.evaluate(async () => {
    const { sendSeen } = window.require('WAWebUpdateUnreadChatAction');
    window.require('WAWebStreamModel').Stream.markUnavailable();
    const chat = chatOf();
    await sendSeen({ chat });
    const waiting = chat.unreadCount;
    await sendSeen({ chat, afterAvailable: false });
    return [waiting, chat.unreadCount, window.require('WAWebStreamModel').Stream.available];
  });
  assert.deepEqual(seen, [1, 0, false]);
});

test('a reply names another chat unless it is given the wid of its own', async (t) => {
  const { page } = await open(t);
  const seen = await page.evaluate(() => {
    const message = chatOf().msgs.head();
    return [message.msgContextInfo(chatOf().id), message.msgContextInfo(chatOf())].map(
      ({ quotedRemoteJid }) => quotedRemoteJid !== undefined,
    );
  });
  assert.deepEqual(seen, [false, true]);
});

test('a migrated account blocks by lid', async (t) => {
  const { page, refuse } = await open(t);
  const classic = await page.evaluate(async () => {
    const { Contact } = window.require('WAWebCollections');
    const { blockContact, unblockContact } = window.require('WAWebBlockContactAction');
    const contact = Contact.get(chatOf().id);
    return [
      await outcome(() => blockContact({ contact, blockEntryPoint: 'ChatListBlock' })),
      await outcome(() => unblockContact(contact, 'ChatListBlock')),
      Object.keys(window.require('WAWebBlockContactUtils')),
    ];
  });
  assert.deepEqual(classic, ['undefined', 'undefined', ['handleBlock', 'handleUnblock']]);
  await refuse('block', 403);
  const refusal = await page.evaluate(() => {
    const contact = window.require('WAWebCollections').Contact.get(chatOf().id);
    const { blockContact } = window.require('WAWebBlockContactAction');
    return outcome(() => blockContact({ contact, blockEntryPoint: 'ChatListBlock' }));
  });
  assert.equal(refusal, 'ServerStatusCodeError 403');
});

test('group settings refuse in two ways, and members have outcomes of their own', async (t) => {
  const { page, refuse } = await open(t);
  await refuse('announcement', 403);
  await refuse('member_add_mode', 403);
  const seen = await page.evaluate(async (ana) => {
    const wid = window.require('WAWebWidFactory').createWid;
    const { createGroup } = window.require('WAWebGroupCreateJob');
    const people = [`${ana}@c.us`, '5511922229403@c.us'].map((id) => ({ phoneNumber: wid(id) }));
    const made = await createGroup({ title: 'Time' }, people);
    const chat = window.require('WAWebCollections').Chat.get(made.wid);
    const { setGroupProperty } = window.require('WAWebSetPropertyGroupAction');
    const job = window.require('WAWebGroupModifyParticipantsJob');
    const answers = {
      gid: 'gid' in made,
      errors: made.participants.map(({ error, invite_code }) => [error, Boolean(invite_code)]),
      refused: (await setGroupProperty(chat, 'announcement', 1)).name,
      rejected: await outcome(() => setGroupProperty(chat, 'member_add_mode', 1)),
      done: (await setGroupProperty(chat, 'restrict', 1)).name,
      number: chat.groupMetadata.restrict,
      promoted: await job.promoteGroupParticipants(chat.id, [wid(`${ana}@c.us`), wid('5511933330000@c.us')], false),
      query: await outcome(() => window.require('WAWebGroupQueryJob').queryAndUpdateGroupMetadataById({ id: wid('12036300@g.us') })),
      inQuery: 'resetGroupInviteCode' in window.require('WAWebGroupQueryJob'),
      code: typeof (await window.require('WAWebGroupInviteJob').resetGroupInviteCode(chat.id)).code,
    };
    answers.left = await window.require('WAWebExitGroupAction').sendExitGroup(chat);
    return answers;
  }, ANA);
  assert.deepEqual(seen.promoted.participants.map(({ code }) => code), ['200', '404']);
  delete seen.promoted;
  assert.deepEqual(seen, {
    gid: false,
    errors: [
      [null, false],
      [403, true],
    ],
    refused: 'SetPropertyResponseClientError',
    rejected: 'ServerStatusCodeError 403',
    done: 'SetPropertyResponseSuccess',
    number: 1,
    query: 'undefined',
    inQuery: false,
    code: 'string',
    left: true,
  });
});

test('calls have numbers for states and tell nothing of coming and going', async (t) => {
  const { page, phone } = await open(t);
  await page.evaluate(() => {
    const calls = window.require('WAWebCallCollection');
    window.told = [];
    for (const name of ['add', 'remove', 'change', 'change:state']) calls.on(name, () => window.told.push(name));
  });
  const { id } = await phone.call({ number: ME, from: ANA });
  const state = () => page.evaluate((call) => window.require('WAWebCallCollection').get(call)?.getState(), id);
  await until('it rings', async () => (await state()) === 3);
  await phone.call({ number: ME, from: ANA, id, state: 'ended' });
  await until('it is over', async () => (await state()) === 13);
  const seen = await page.evaluate((call) => {
    const calls = window.require('WAWebCallCollection');
    return [window.told, 'state' in calls.get(call), 'length' in calls];
  }, id);
  assert.deepEqual(seen, [[], false, false], 'it stays in the collection');
});

test('the page begins available where its document has the focus, and says it at each connection', async (t) => {
  const { page, phone } = await open(t);
  const said = async () =>
    (await phone.actions(ME)).filter(({ what }) => what === 'presence').map(({ details }) => details.state);
  const focus = await page.evaluate(() => {
    const { Stream } = window.require('WAWebStreamModel');
    return [Stream.available, document.hasFocus()];
  });
  assert.equal(focus[0], focus[1]);
  assert.deepEqual(await said(), [focus[0] ? 'available' : 'unavailable']);
  const subscribed = () =>
    page.evaluate(async () => {
      const { PresenceCollection } = window.require('WAWebPresenceCollection');
      const presence = PresenceCollection.gadd(chatOf().id);
      await presence.subscribe();
      window.require('WAWebStreamModel').Stream.markUnavailable();
      return presence.isSubscribed;
    });
  assert.equal(await subscribed(), false, 'it forgets what was subscribed to');
  assert.equal((await said()).length, 1, 'nobody was at the screen, so the server does not hear of it');
  await phone.fault({ number: ME, fault: 'relogin' });
  await until('it connects again', async () => (await said()).length === 2);
  assert.equal((await said())[1], 'unavailable');
});

test('labels: a failure is no answer, and without a business account an error', async (t) => {
  const { page, phone, refuse } = await open(t);
  const add = () => page.evaluate(() => outcome(() => window.require('WAWebBizLabelEditingAction').labelAddAction('Novo', 0)));
  assert.match(await add(), /^Error Invariant Violation/);
  await phone.setRecord('person', ME, { business: true });
  /* The login says the platform again. */
  await page.evaluate(() => {
    const { Cmd } = window.require('WAWebCmd');
    window.again = new Promise((done) => Cmd.once('open_socket_stream_from_bridge', done));
  });
  await phone.fault({ number: ME, fault: 'relogin' });
  await page.evaluate(async () => {
    await window.again;
    window.require('WAWebConnModel').Conn.platform = 'smba';
  });
  await refuse('label', 403);
  assert.equal(await add(), 'undefined');
  await refuse('label', null);
  assert.equal(await add(), '1', 'the new id');
});

test('what the server refuses of a group rejects; a group that is gone does not', async (t) => {
  const { page, phone, refuse } = await open(t);
  const group = '120363000000000011@g.us';
  const participants = [{ id: `${ME}@c.us`, role: 'super_admin' }];
  await phone.group({ id: group, set: { subject: 'Nosso', invite: 'OWN11', participants } });
  await until('it is there', () =>
    page.evaluate((id) => Boolean(window.require('WAWebChatCollection').ChatCollection.get(id)), group),
  );
  const act = (name) =>
    page.evaluate(
      ([id, what]) =>
        outcome(() => {
          const wid = window.require('WAWebWidFactory').createWid(id);
          const acts = {
            query: () => window.require('WAWebGroupQueryJob').queryAndUpdateGroupMetadataById({ id: wid }),
            join: () => window.require('WAWebGroupInviteJob').joinGroupViaInvite('OWN11', false),
            subject: () => window.require('WAWebGroupModifyInfoJob').setGroupSubject(wid, 'x'),
            code: () => window.require('WAWebMexFetchGroupInviteCodeJob').fetchMexGroupInviteCode(id),
          };
          return acts[what]();
        }),
      [group, name],
    );
  for (const [status, answer] of [[404, 'undefined'], [403, 'undefined'], [500, 'ServerStatusCodeError 500']]) {
    await refuse('query_group', status);
    assert.equal(await act('query'), answer);
  }
  for (const [what, name] of [['join_group', 'join'], ['subject', 'subject'], ['invite_code', 'code']]) {
    await refuse(what, 403);
    assert.equal(await act(name), 'ServerStatusCodeError 403', name);
  }
});

test('a contact is taken out of the address book by its number, as an id', async (t) => {
  const { page, phone, refuse } = await open(t);
  const remove = (number) =>
    page.evaluate(
      (id) =>
        outcome(() => {
          const phoneNumber = window.require('WAWebWidFactory').createWid(id);
          return window.require('WAWebDeleteContactAction').deleteContactAction({ phoneNumber });
        }),
      `${number}@c.us`,
    );
  await page.evaluate(() =>
    window
      .require('WAWebSaveContactAction')
      .saveContactAction({ firstName: 'Ana', lastName: '', phoneNumber: '5511911110001' }),
  );
  await refuse('delete_contact', 403);
  assert.match(await remove('5511911110001'), /^ServerStatusCodeError 403/);
  assert.equal((await phone.records('contact', ME))['5511911110001'].name, 'Ana');
  await refuse('delete_contact', null);
  assert.match(await remove('5511911110001'), /^undefined/);
  assert.equal((await phone.records('contact', ME))['5511911110001'], undefined);
});

test('without a connection a contact is not saved, and what is lost says nothing', async (t) => {
  const { page, refuse } = await open(t);
  const save = () =>
    page.evaluate(() =>
      outcome(() =>
        window
          .require('WAWebSaveContactAction')
          .saveContactAction({ firstName: 'Ana', lastName: '', phoneNumber: '5511911110001' }),
      ),
    );
  for (const [said, answer] of [['network', /^NetworkUnavailable/], [406, /^ServerStatusCodeError 406/], ['lost', /^Error /], [null, /^undefined/]]) {
    await refuse('save_contact', said);
    assert.match(await save(), answer);
  }
});
