/* Passkeys. A headless browser has no authenticator, so what the page asks of it goes to the account's owner, who signs in
 * a browser of their own; where the operator has switched that off (`relayed`), it is only seen, and the browser answers.
 * Owns the page's request until it is answered, and the page's own prompt, code and error card.
 *
 *   prompt ── Continue ──▶ signing ── answered by the worker ──▶ answered ──▶ (code to compare) ──▶ linked
 *     ▲                                                             │
 *     └───────────────── error ◀── timeout or refused ──────────────┘      Cancel ──▶ QR
 *
 * When to go on, to try again and to give up is the worker's to say. Only requests for the named relying parties are
 * taken; `create` and everything else is the browser's as before. */

const CONTINUE = '[data-testid="shortcake_passkey_continue_button"]';
const CONFIRM = '[data-testid="shortcake_code_confirm_button"]';
const CANCEL = '[data-testid="shortcake_cancel_button"]';
const CHECKPOINT = '[role="dialog"] [data-testid="passkey_checkpoint_continue_button"]';
const PROMPT_ACTION = 'WAWebShortcakeLinkingAction';
/* A prompt that was told of may be drawn late. */
const DRAWN_MS = 3000;
/* Until a page that was told to cancel shows a code again. */
const CANCEL_MS = 10_000;
const ACTION_MS = 8000;

/* { at, since, error, answered, code, checkpoint } while the account asks for a passkey. */
let passkey = null;
/* { request, resolve, reject, timer } while the page waits for its browser. */
let asked = null;
let cancelling = false;

/* ---- the page's request ---- */

const base64url = (bytes) => toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const bufferOf = (text) => {
  const base64 = text.replace(/-/g, '+').replace(/_/g, '/').replace(/=+$/, '');
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer;
};
const isBuffer = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);
const bytesOf = (buffer) =>
  ArrayBuffer.isView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer);

/* As JSON has it: bytes in base64url. */
function plain(value) {
  if (isBuffer(value)) return base64url(bytesOf(value));
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
  return value;
}

const notAllowed = () =>
  new DOMException('The operation either timed out or was not allowed.', 'NotAllowedError');

/* The promise of a request that is ours; null for all others. */
function take(options) {
  const { publicKey } = options ?? {};
  const party = settings.parties.find(({ rp_id }) => rp_id === publicKey?.rpId);
  if (!party || !isBuffer(publicKey.challenge)) return null;
  abandon();
  const now = Date.now();
  passkey ??= { at: now, since: now, checkpoint: myself !== null };
  if (!settings.relayed) {
    tell();
    return null;
  }
  Object.assign(passkey, { error: null, answered: false, code: null });
  const timeout = Math.min(Number(publicKey.timeout) || settings.passkey_ms, settings.passkey_ms);
  const request = {
    challenge: base64url(bytesOf(publicKey.challenge)),
    timeout,
    rp_id: party.rp_id,
    origin: party.origin,
    allow_credentials: (publicKey.allowCredentials ?? []).map(({ id, type, transports }) => ({
      id: base64url(bytesOf(id)),
      type,
      transports: transports ?? [],
    })),
    user_verification: publicKey.userVerification ?? 'preferred',
    extensions: publicKey.extensions ? plain(publicKey.extensions) : null,
    since_ms: passkey.since,
    until_ms: now + timeout,
  };
  return new Promise((resolve, reject) => {
    /* Before a phone is linked the worker ends it, and with it the prompt. */
    const timer = passkey.checkpoint ? setTimeout(abandon, timeout) : undefined;
    asked = { request, resolve, reject, timer };
    options.signal?.addEventListener('abort', abandon);
    tell();
  });
}

/* The owner did not sign. */
function abandon() {
  if (!asked) return;
  clearTimeout(asked.timer);
  asked.reject(notAllowed());
  asked = null;
  tell();
}

if (settings.parties.length) {
  const prototype = window.CredentialsContainer?.prototype;
  const own = prototype && Object.getOwnPropertyDescriptor(prototype, 'get');
  if (own) {
    /* A proxy looks like what it stands for, to `toString` too. */
    const value = new Proxy(own.value, {
      apply: (target, self, values) => take(values[0]) ?? Reflect.apply(target, self, values),
    });
    Object.defineProperty(prototype, 'get', { ...own, value });
  }
}

/* ---- the page's screens ---- */

const visible = (selector) => document.querySelector(selector);

function onPasskeyEvent(name, first, second) {
  if (cancelling || !settings.parties.length || myself) return;
  const now = Date.now();
  if (name === 'passkey_prologue_request') passkey = { at: now, since: now, error: null, answered: false, code: null };
  else if (!passkey) return;
  else if (name === 'shortcake_error') Object.assign(passkey, { error: textOf(first) ?? 'error', answered: false, code: null });
  else if (!second) passkey.code = textOf(first);
  tell();
}

whenFound.linkEvents = (events) => {
  for (const name of ['passkey_prologue_request', 'shortcake_error', 'shortcake_verification_code_ready']) {
    const hear = (...values) => onPasskeyEvent(name, ...values);
    events.on(`link_device_events:${name}`, hear);
    events.on(name, hear);
  }
};

/* Whether an account that is not linked yet asks for a passkey: the page says so, or shows it. */
function linkingPhase() {
  if (cancelling) return 'loading';
  if (!settings.parties.length) return null;
  if (!passkey && visible(CONTINUE)) onPasskeyEvent('passkey_prologue_request');
  if (!passkey) return null;
  /* Linked, or back at a code to scan. */
  const back = shownQr() && !asked && !visible(CONTINUE) && Date.now() - passkey.at > DRAWN_MS;
  if (back) passkey = null;
  if (back || found.conn?.platform) return null;
  return passkey.code && settings.relayed ? 'passkey_confirm' : 'passkey';
}

/* Whether a session that is linked has to prove itself. Its modal stays until it has. */
function isChallenged() {
  if (!passkey?.checkpoint) return false;
  if (!asked && !visible('[role="dialog"]')) passkey = null;
  return passkey !== null;
}

function passkeyView() {
  if (!passkey) return null;
  const step = !settings.relayed ? 'off' : asked ? 'signing' : passkey.error ? 'error' : passkey.answered ? 'answered' : 'prompt';
  const code = passkey.code?.length === 8 ? `${passkey.code.slice(0, 4)}-${passkey.code.slice(4)}` : passkey.code;
  return { step, request: asked?.request ?? null, code: code ?? null };
}

/* A function of the prompt's action, which comes late. */
async function promptAction(name) {
  const member = () => lookUp({ at: [[PROMPT_ACTION, name]], is: isFunction });
  const now = member();
  if (now) return now;
  const coming = (async () => window.require('requireDeferred')(PROMPT_ACTION).load())();
  await Promise.race([coming.catch(() => {}), pause(ACTION_MS)]);
  return member();
}

async function press(selector, action) {
  const button = visible(selector);
  if (button) return button.click();
  const act = await promptAction(action);
  /* Its own failure shows on the page's card. */
  await Promise.resolve(act?.()).catch(() => {});
}

/* Lets the page ask its browser; again, where the last answer was not accepted. Without test ids a checkpoint has no
 * button that could be told from its logout. */
function passkeyContinue() {
  if (asked || !passkey || !settings.relayed) return;
  if (passkey.checkpoint) visible(CHECKPOINT)?.click();
  else press(CONTINUE, 'startShortcakePasskeyPairing');
}

/* Back to a code to scan. First the page's own button: what was abandoned by its browser is an error to it. */
async function passkeyCancel() {
  if (!passkey || passkey.checkpoint || cancelling) return abandon();
  cancelling = true;
  const end = Date.now() + CANCEL_MS;
  try {
    visible(CANCEL)?.click();
    abandon();
    passkey = null;
    while (!shownQr() && Date.now() < end) {
      await pause(TICK_MS);
      visible(CANCEL)?.click();
      if (!shownQr() && !visible(CANCEL) && end - Date.now() < CANCEL_MS / 2) refreshQr(null);
    }
  } finally {
    passkey = null;
    cancelling = false;
    tell();
  }
}

/* ---- what the worker asks ---- */

function passkeyAnswer(call, { assertion }) {
  const { response } = assertion;
  if (!asked) throw new Failure('not_ready', 'the page does not wait for a passkey (any more)');
  call.hand();
  const { resolve, timer } = asked;
  clearTimeout(timer);
  const results = assertion.clientExtensionResults ?? {};
  const { first, second } = results.prf?.results ?? {};
  const prf = first && { results: { first: bufferOf(first), ...(second ? { second: bufferOf(second) } : {}) } };
  asked = null;
  passkey.answered = true;
  resolve({
    id: assertion.id.replace(/=+$/, ''),
    rawId: bufferOf(assertion.rawId),
    type: assertion.type,
    authenticatorAttachment: null,
    response: {
      clientDataJSON: bufferOf(response.clientDataJSON),
      authenticatorData: bufferOf(response.authenticatorData),
      signature: bufferOf(response.signature),
      userHandle: response.userHandle ? bufferOf(response.userHandle) : null,
    },
    getClientExtensionResults: () => ({ ...results, ...(prf ? { prf } : {}) }),
  });
  tell();
  return { reply: 'done' };
}

async function passkeyConfirm(call) {
  if (!passkey?.code) throw new Failure('not_ready', 'the page shows no code to compare');
  call.hand();
  passkey.code = null;
  passkey.answered = true;
  await press(CONFIRM, 'confirmShortcakeVerificationCode');
  tell();
  return { reply: 'done' };
}

async function passkeyCancelled() {
  if (!passkey || passkey.checkpoint) throw new Failure('not_ready', 'no passkey is asked for');
  await passkeyCancel();
  return { reply: 'done' };
}
