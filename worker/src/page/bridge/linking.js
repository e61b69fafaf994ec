/* Linking and leaving. */

async function pairingCode(call, { phone }) {
  if (phase() !== 'qr') throw new Failure('not_ready', 'the page does not wait for a phone');
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
