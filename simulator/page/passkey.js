/* Owns what the page does when an account asks for a passkey: the prompt that waits for a click, the options it keeps, the
 * request to the browser, the proof, the code, and the card with an error. On a linked page: the modal of a checkpoint.
 *
 *   prologue ──▶ prompt ── Continue ──▶ navigator.credentials.get ──▶ proof ──▶ code (by itself, or by a click) ──▶ linked
 *                  ▲ fresh options            │ refused, or silence            │
 *                  └──────── error card ◀─────┴────────────────────────────────┘      Cancel ──▶ QR
 */

import { encodeBase64UrlSafe } from './bytes.js';
import { channel } from './channel.js';
import { Conn } from './connection.js';
import { Emitter } from './events.js';
import { backToQr, onRefresh, pairing, stopLinking } from './linking.js';
import { options } from './options.js';
import { bundleArrives, deferred } from './registry.js';
import { closeModal, showCard, showModal } from './screen.js';

/* The two sides of a code. */
const HALF = 4;
const ACTION = 'WAWebShortcakeLinkingAction';

export const LinkDeviceEvents = Object.assign(new Emitter(), { triggerRefreshAltLinkingCode() {} });
const tell = (event, ...values) => LinkDeviceEvents.trigger(`link_device_events:${event}`, ...values);

/* The options as they came, and when; the notification's time decides about the handoff. */
let cached = null;
let notifiedAt = 0;
let waiting;
/* Counts the ceremonies, so that what belongs to an older one ends by itself. */
let turn = 0;

const base64url = (buffer) => encodeBase64UrlSafe(buffer).replace(/=+$/, '');
const toBuffer = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0)).buffer;

/* Strict: a text or a view in a buffer's place is none. */
function read(value, name) {
  if (Object.prototype.toString.call(value) !== '[object ArrayBuffer]')
    throw new TypeError(`${name} is no ArrayBuffer`);
  return base64url(value);
}

const forBrowser = ({ challenge, extensions, ...rest }) => {
  const first = extensions?.prf?.eval?.first;
  return {
    ...rest,
    challenge: toBuffer(challenge),
    extensions: first ? { prf: { eval: { first: toBuffer(first) } } } : extensions,
  };
};

function readAssertion(credential) {
  const { type, id, rawId, response } = credential;
  if (type !== 'public-key') throw new TypeError('no public key');
  if (read(rawId, 'rawId') !== id) throw new TypeError('id and rawId differ');
  if (response.userHandle !== null && response.userHandle !== undefined) read(response.userHandle, 'userHandle');
  return {
    id,
    clientDataJSON: read(response.clientDataJSON, 'clientDataJSON'),
    authenticatorData: read(response.authenticatorData, 'authenticatorData'),
    signature: read(response.signature, 'signature'),
  };
}

channel.on('passkey', ({ options: given, checkpoint }) => {
  if (checkpoint) return challenge(given);
  turn += 1;
  cached = { options: given, at: Date.now() };
  notifiedAt = Date.now();
  stopLinking();
  Conn.ref = undefined;
  pairing.type = 'SHORTCAKE_PASSKEY';
  channel.setState('passkey');
  tell('passkey_prologue_request');
  prompt();
  bundleArrives(ACTION);
});

function prompt() {
  showCard('Continue with your passkey', [
    ['shortcake_passkey_continue_button', 'Continue', proceed],
    ['shortcake_cancel_button', 'Cancel', cancel],
  ]);
}

/* The click loads the action, which may not be there yet. */
async function proceed() {
  const { startShortcakePasskeyPairing } = await deferred(ACTION).load();
  await startShortcakePasskeyPairing();
}

export async function startShortcakePasskeyPairing() {
  const mine = turn;
  if (!cached || Date.now() - cached.at > options.passkeyOptionsMs) {
    const fresh = await channel.ask('passkey_options');
    if (mine !== turn || !fresh.ok) return;
    cached = { options: fresh.options, at: Date.now() };
  }
  const publicKey = forBrowser(cached.options);
  let assertion;
  try {
    assertion = readAssertion(await navigator.credentials.get({ publicKey }));
  } catch (error) {
    console.error('no assertion', error.name);
    if (mine === turn) fail('server_error');
    return;
  }
  if (mine !== turn) return;
  cached = null;
  const handoff = Date.now() - notifiedAt <= options.passkeyHandoffMs;
  showCard('Linking…', []);
  wait();
  const answer = await channel.ask('passkey_proof', { assertion, handoff });
  if (mine !== turn || answer.silent) return;
  if (!answer.ok) return fail('server_error');
  wait();
  tell('shortcake_verification_code_ready', answer.code, answer.skip);
  if (answer.skip) return confirmShortcakeVerificationCode();
  showCard(`${answer.code.slice(0, HALF)}-${answer.code.slice(HALF)}`, [
    ['shortcake_code_confirm_button', 'Yes, the codes match', confirmShortcakeVerificationCode],
    ['shortcake_cancel_button', 'Cancel', cancel],
  ]);
}

export async function confirmShortcakeVerificationCode() {
  wait();
  const answer = await channel.ask('passkey_confirm');
  clearTimeout(waiting);
  if (!answer.ok) fail('server_error');
}

function wait() {
  clearTimeout(waiting);
  waiting = setTimeout(() => fail('timeout'), options.passkeyWaitMs);
}

function fail(reason) {
  turn += 1;
  clearTimeout(waiting);
  cached = null;
  if (channel.state !== 'passkey') return;
  tell('shortcake_error', reason);
  showCard('Something went wrong', [
    ['shortcake_passkey_continue_button', 'Continue', proceed],
    ['shortcake_cancel_button', 'Cancel', cancel],
  ]);
}

function cancel() {
  drop();
  backToQr();
}
/* Also when the page's communication is restarted under it. */
function drop() {
  if (channel.state !== 'passkey') return;
  turn += 1;
  clearTimeout(waiting);
  cached = null;
  pairing.type = 'QR';
  channel.ask('passkey_cancel');
}
onRefresh(drop);

/* ---- a linked session ---- */

let pending = false;
export const isCheckpointPending = () => pending;

/* Only a logout closes it, or the right answer. */
async function challenge(given) {
  pending = true;
  const attempt = async (publicKey) => {
    try {
      const credential = await navigator.credentials.get({ publicKey: forBrowser(publicKey) });
      credential.getClientExtensionResults();
      const answer = await channel.ask('passkey_proof', {
        assertion: readAssertion(credential),
        handoff: false,
      });
      if (!answer.ok) return;
      pending = false;
      closeModal();
    } catch (error) {
      console.error('no assertion', error.name);
    }
  };
  const again = async () => attempt((await channel.ask('passkey_options')).options);
  showModal('Verify that it is you', [['passkey_checkpoint_continue_button', 'Continue', again]]);
  await attempt(given);
}
