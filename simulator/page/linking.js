/* Owns how a phone can link this page: QR codes that follow each other, and pairing codes.
 * Ends when the server says that a phone has accepted. */

import { account, qrText } from './account.js';
import { encodeBase64, randomBytes } from './bytes.js';
import { channel } from './channel.js';
import { actions, Conn, Socket } from './connection.js';
import { options } from './options.js';
import { showIdleQr, showPairingCode, showQr } from './screen.js';

const CODE_LETTERS = '123456789ABCDEFGHJKLMNPQRSTVWXYZ';

let timer;
let shown = 0;
let code = null;
export const pairing = { type: 'QR' };

export function startLinking() {
  shown = 0;
  nextQr();
}

export function stopLinking() {
  clearTimeout(timer);
  code = null;
}

/* The next code, or a pause that a reload button ends. */
export function nextQr() {
  clearTimeout(timer);
  if (shown >= options.qrCount) {
    Conn.ref = undefined;
    showIdleQr(refreshQr);
    channel.setState('qr', { qr: null, code });
    Socket.state = 'UNPAIRED_IDLE';
    return;
  }
  /* The first code lasts three times as long as the others: 60 s and 20 s. */
  const lasts = shown === 0 ? options.qrTtlMs * 3 : options.qrTtlMs;
  shown += 1;
  const ref = `2@${encodeBase64(randomBytes(96))}`;
  channel.setState('qr', { qr: qrText(ref), code });
  Conn.set({ ref, refTTL: lasts });
  showQr(qrText(ref));
  Socket.state = 'UNPAIRED';
  timer = setTimeout(nextQr, lasts);
}

/* What a restart of the page's communication ends. */
let interrupted = () => {};
export const onRefresh = (interrupt) => (interrupted = interrupt);

export function refreshQr() {
  if (account.isLinked()) return;
  interrupted();
  if (channel.state !== 'qr' && channel.state !== 'passkey') return;
  shown = 0;
  nextQr();
}
actions.refreshQR = refreshQr;

/* From a passkey's prompt. */
export const backToQr = startLinking;

export async function startPairingCode() {
  if (account.isLinked()) throw new Error('already linked');
  code = [...randomBytes(8)].map((byte) => CODE_LETTERS[byte % CODE_LETTERS.length]).join('');
  pairing.type = 'ALT_DEVICE_LINKING';
  channel.setState('qr', { qr: Conn.ref ? qrText(Conn.ref) : null, code });
  showPairingCode(code);
  return code;
}
