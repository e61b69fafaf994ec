/* Linking and leaving. */

/* The page's codes live for 180 s, and each new one ends the one before. Whoever asks again gets the one that its
 * owner may be typing, as long as there is time left to type it. */
const CODE_MS = 150_000;
let lastCode = null;

function pairingCode(call, { phone }) {
  if (phase() !== 'qr') throw new Failure('not_ready', 'the page does not wait for a phone');
  if (lastCode?.phone === phone && Date.now() < lastCode.until) return lastCode.answer;
  const asked = { phone, until: Date.now() + CODE_MS, answer: newPairingCode(phone) };
  lastCode = asked;
  asked.answer.catch(() => {
    if (lastCode === asked) lastCode = null;
  });
  return asked.answer;
}

async function newPairingCode(phone) {
  const prepare = use('prepareCode');
  const request = use('requestCode');
  found.setPairingType?.('ALT_DEVICE_LINKING');
  await prepare();
  const code = await request(phone, true);
  if (typeof code !== 'string') throw new Failure('refused', 'WhatsApp gave no code');
  return { reply: 'pairing_code', code: code.length === 8 ? `${code.slice(0, 4)}-${code.slice(4)}` : code };
}

async function logout(call) {
  if (!myself) throw new Failure('not_ready', 'no phone is linked');
  call.hand();
  await use('socket').logout();
  onLinkEnded();
  return { reply: 'done' };
}
