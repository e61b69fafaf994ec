/* Accounts that ask for a passkey. Each test names the fact that it holds. The user's browser is a second Chromium with a
 * virtual authenticator, on the true origin: what it opens there is served by the test. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { launch, start, until } from './harness.js';

const ME = '5511900000007';
const ORIGIN = 'https://web.whatsapp.com';
const CONTINUE = '[data-testid="shortcake_passkey_continue_button"]';
const CONFIRM = '[data-testid="shortcake_code_confirm_button"]';
const CANCEL = '[data-testid="shortcake_cancel_button"]';

const opener = (test) => async (folder, name) => {
  const browser = await launch(folder, name);
  test.after(() => browser.close().catch(() => {}));
  const [page] = await browser.pages();
  return page;
};

/* A browser whose owner has a passkey; `sign` answers options as the page would have asked them. */
async function owner(open, folder, name = 'owner') {
  const page = await open(folder, name);
  await page.setRequestInterception(true);
  page.on('request', (request) => request.respond({ contentType: 'text/html', body: '<title>own</title>' }));
  await page.goto(ORIGIN);
  const client = await page.createCDPSession();
  await client.send('WebAuthn.enable');
  await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const passkey = await page.evaluate(async () => {
    const created = await navigator.credentials.create({
      publicKey: {
        challenge: new Uint8Array(16),
        rp: { id: 'whatsapp.com', name: 'WhatsApp' },
        user: { id: new Uint8Array([7]), name: 'me', displayName: 'me' },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      },
    });
    const text = (bytes) => new Uint8Array(bytes).toBase64({ alphabet: 'base64url', omitPadding: true });
    /* The point at the end of the key's SPKI. */
    return { id: created.id, public_key: text(new Uint8Array(created.response.getPublicKey()).slice(-65)) };
  });
  const sign = (options) =>
    page.evaluate(async (options) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      return (await navigator.credentials.get({ publicKey })).toJSON();
    }, options);
  return { passkey, sign };
}

/* In the linked page: its request waits in `window.asked` until a test answers it. */
function relay() {
  const bytes = (text) => Uint8Array.fromBase64(text, { alphabet: 'base64url' }).buffer;
  CredentialsContainer.prototype.get = ({ publicKey }) =>
    new Promise((resolve, reject) => {
      const { challenge, extensions, ...rest } = publicKey;
      const text = new Uint8Array(challenge).toBase64({ alphabet: 'base64url', omitPadding: true });
      window.asked = { ...rest, challenge: text, extensions: Object.keys(extensions) };
      window.answer = ({ id, type, response }, asText) => {
        const read = asText ? (value) => value : bytes;
        resolve({
          id,
          type,
          rawId: read(id),
          response: Object.fromEntries(
            ['clientDataJSON', 'authenticatorData', 'signature'].map((name) => [name, read(response[name])]),
          ),
          getClientExtensionResults: () => ({}),
        });
      };
      window.abandon = () => reject(new DOMException('no', 'NotAllowedError'));
    });
}

function note() {
  window.told = [];
  const wait = setInterval(() => {
    if (!window.Debug) return;
    clearInterval(wait);
    const { WAWebLinkDeviceEvents } = window.require('WAWebLinkDeviceEvents');
    WAWebLinkDeviceEvents.on('all', (name, ...values) => {
      window.told.push([name, ...values].join(' '));
      const has = 'WAWebShortcakeLinkingAction' in window.require('__debug').modulesMap;
      if (/prologue/.test(name)) window.told.push(`the action ${has ? 'is there' : 'has not come'}`);
    });
  }, 1);
}

async function scene(test, { query = '', ...passkeyOptions } = {}, ...flags) {
  const { address, folder, phone } = await start(test, ...flags);
  const open = opener(test);
  const page = await open(folder, 'page');
  for (const script of [relay, note]) await page.evaluateOnNewDocument(script);
  await page.goto(`${address}/${query}`, { waitUntil: 'load' });
  const signer = await owner(open, folder);
  await phone.passkey({ number: ME, ...signer.passkey, ...passkeyOptions });
  return { address, folder, phone, page, open, ...signer };
}

const scan = async (phone) => {
  const qr = await until('a QR code', async () => (await phone.pages())[0]?.qr);
  return phone.scan({ qr, number: ME, name: 'Acme' });
};
const click = async (page, selector) => (await page.waitForSelector(selector)).click();
const asked = (page) =>
  until('the page asks its browser', () => page.evaluate(() => window.asked).catch(() => undefined));
const forget = (page) => page.evaluate(() => delete window.asked);
const answer = (page, assertion, asText) => page.evaluate((...given) => window.answer(...given), assertion, asText);
const shown = (phone, state) =>
  until(`a page is in ${state}`, async () => (await phone.pages()).find((page) => page.state === state));
const heard = (page, name) =>
  until(name, () => page.evaluate((name) => window.told.find((row) => row.startsWith(name)), name).catch(() => null));
const refused = (phone) => until('a refusal', async () => (await phone.pages())[0]?.passkey?.refused);

test('nothing is asked of the browser before Continue, whose action comes late; in time, the code needs no comparing', async (t) => {
  const { phone, page, sign } = await scene(t, { query: '?deferred=300' });
  assert.deepEqual(await scan(phone), { linked: false, passkey: true });
  await shown(phone, 'passkey');
  await heard(page, 'link_device_events:passkey_prologue_request');
  await page.waitForSelector(CONTINUE);
  assert.equal(await page.evaluate(() => document.querySelector('[data-ref]')), null, 'the code is gone');
  assert.equal(await page.evaluate(() => window.asked), undefined);
  assert.equal(
    await page.evaluate(() => window.require('WAWebAltDeviceLinkingApi').getPairingType()),
    'SHORTCAKE_PASSKEY',
  );
  await heard(page, 'the action has not come');
  await click(page, CONTINUE);
  const options = await asked(page);
  assert.deepEqual(
    [options.rpId, options.userVerification, options.timeout, options.allowCredentials, options.extensions],
    ['whatsapp.com', 'required', 600_000, [], ['uvm']],
  );
  await answer(page, await sign({ ...options, extensions: undefined }));
  const code = await heard(page, 'link_device_events:shortcake_verification_code_ready');
  assert.match(code, / [1-9A-Z]{8} true$/);
  await shown(phone, 'main');
});

test('later a code is shown on both sides and has to be confirmed', async (t) => {
  const { phone, page, sign } = await scene(t, { query: '?handoff=1' });
  await scan(phone);
  await click(page, CONTINUE);
  await answer(page, await sign({ ...(await asked(page)), extensions: undefined }));
  await page.waitForSelector(CONFIRM);
  const [{ passkey, state }] = await phone.pages();
  assert.equal(state, 'passkey', 'nothing is linked yet');
  const text = await page.evaluate(() => document.querySelector('#card h1').textContent);
  assert.equal(text.replace('-', ''), passkey.code);
  await click(page, CONFIRM);
  await shown(phone, 'main');
});

test('an answer must be of buffers', async (t) => {
  const { phone, page, sign } = await scene(t);
  await scan(phone);
  await click(page, CONTINUE);
  const first = await asked(page);
  await forget(page);
  const good = await sign({ ...first, extensions: undefined });
  await answer(page, good, true);
  await heard(page, 'link_device_events:shortcake_error server_error');
  await click(page, CONTINUE);
  await answer(page, await sign({ ...(await asked(page)), extensions: undefined }));
  await shown(phone, 'main');
});

test('a wrong key and a used challenge are refused in silence, and each try has fresh options', async (t) => {
  const { phone, page, sign, open, folder } = await scene(t, { query: '?passkeyms=800' });
  const stranger = await owner(open, folder, 'stranger');
  await scan(phone);
  await click(page, CONTINUE);
  const first = await asked(page);
  await forget(page);
  const good = await sign({ ...first, extensions: undefined });
  const forged = await stranger.sign({ ...first, extensions: undefined });
  await answer(page, { ...forged, id: good.id, rawId: good.rawId });
  await heard(page, 'link_device_events:shortcake_error timeout');
  assert.equal(await refused(phone), 'another key');
  await click(page, CONTINUE);
  const second = await asked(page);
  assert.notEqual(second.challenge, first.challenge);
  await forget(page);
  await page.evaluate(() => window.told.splice(0));
  await answer(page, good);
  await heard(page, 'link_device_events:shortcake_error timeout');
  assert.equal(await refused(phone), 'another challenge');
  await click(page, CONTINUE);
  await answer(page, await sign({ ...(await asked(page)), extensions: undefined }));
  await shown(phone, 'main');
});

test('another origin is refused, and a refusal that is told shows at once', async (t) => {
  const { phone, page, sign } = await scene(t, { origin: 'https://elsewhere.example', refusal: 'told' });
  await scan(phone);
  await click(page, CONTINUE);
  await answer(page, await sign({ ...(await asked(page)), extensions: undefined }));
  await heard(page, 'link_device_events:shortcake_error server_error');
  assert.equal(await refused(phone), 'another origin');
});

test('options expire and are fetched anew; a browser that gives up leads to the error card; Cancel to a QR code', async (t) => {
  const { phone, page } = await scene(t, { query: '?optionsms=1' });
  await scan(phone);
  const [{ passkey }] = await phone.pages();
  assert.ok(passkey.pending);
  await click(page, CONTINUE);
  const first = await asked(page);
  await forget(page);
  await page.evaluate(() => window.abandon());
  await heard(page, 'link_device_events:shortcake_error server_error');
  await click(page, CONTINUE);
  assert.notEqual((await asked(page)).challenge, first.challenge);
  await click(page, CANCEL);
  const { qr } = await shown(phone, 'qr');
  assert.ok(qr);
  assert.equal((await phone.pages())[0].passkey, null);
});

test('a restart of the communication destroys it; a reload too', async (t) => {
  const { phone, page } = await scene(t);
  await scan(phone);
  await page.waitForSelector(CONTINUE);
  await page.evaluate(() => window.require('WAWebLaunchSocketUtils').refreshQR());
  await shown(phone, 'qr');
  await scan(phone);
  await page.waitForSelector(CONTINUE);
  await page.reload();
  await shown(phone, 'qr');
});

test('a pairing code leads to the same prompt; without test ids the action is the way', async (t) => {
  const { phone, page, sign } = await scene(t, { query: '?testids=off' });
  const code = await until('a pairing code', () =>
    page
      .evaluate(async (number) => {
        const api = window.require('WAWebAltDeviceLinkingApi');
        await api.initializeAltDeviceLinking();
        return api.startAltLinkingFlow(number, true);
      }, ME)
      .catch(() => null),
  );
  await until('the phone knows the code', async () => (await phone.pages())[0]?.code);
  assert.deepEqual(await phone.pair({ code, number: ME, name: 'Acme' }), { linked: false, passkey: true });
  await shown(phone, 'passkey');
  assert.equal(await page.$(CONTINUE), null);
  await page.evaluate(async () => {
    const action = await window.require('requireDeferred')('WAWebShortcakeLinkingAction').load();
    action.startShortcakePasskeyPairing();
  });
  await answer(page, await sign({ ...(await asked(page)), extensions: undefined }));
  await shown(phone, 'main');
});

test('a linked session can be challenged: a modal that the right answer closes, and no logout', async (t) => {
  const { phone, page, sign, passkey } = await scene(t);
  await phone.passkey({ number: ME });
  await scan(phone);
  await shown(phone, 'main');
  await phone.passkey({ number: ME, ...passkey });
  await phone.checkpoint({ number: ME });
  const options = await asked(page);
  assert.equal(options.userVerification, 'preferred');
  assert.deepEqual(options.extensions, ['prf']);
  assert.ok(await page.$('[role="dialog"]'));
  assert.equal((await phone.pages())[0].state, 'main');
  await answer(page, await sign({ ...options, extensions: undefined }));
  await until('the modal is gone', async () => !(await page.$('[role="dialog"]')));
  assert.equal((await phone.pages())[0].state, 'main');
});
