/* Linking and leaving. */

/* How long a phone that is just being linked may take until it can be told that it is not. */
const LINKED_MS = 20_000;
/* The page tells the server for at most 3 s and swallows what fails: who took that long was not heard. */
const TOLD_MS = 2800;
/* Until the page begins to clear itself, whatever becomes of that. */
const CLEARING_MS = 10_000;

/* A member for linking. Before a login the page is never complete; wa-js comes only where there is no other way. */
async function forLinking(name) {
  lookAround();
  if (found[name] === undefined) {
    if (!missing.includes(name)) missing.push(name);
    tell();
    await resolveByStandIn();
  }
  if (found[name] === undefined) {
    throw new Failure('unsupported', `this version of the page lacks ${nameOf(MEMBERS[name].at[0])}`);
  }
  return found[name];
}

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
  const prepare = await forLinking('prepareCode');
  const request = await forLinking('requestCode');
  found.setPairingType?.('ALT_DEVICE_LINKING');
  /* Before each code. */
  await prepare();
  const code = await request(phone, true);
  if (typeof code !== 'string') throw new Failure('refused', 'WhatsApp gave no code');
  return { reply: 'pairing_code', code: code.length === 8 ? `${code.slice(0, 4)}-${code.slice(4)}` : code };
}

/* ---- leaving ---- */

/* When the page begins to clear itself; the first of its signs. Null where it does not. */
function clearing() {
  const { socket } = found;
  return new Promise((begun) => {
    const done = (at) => {
      socket.off('change:hasSynced', onSynced);
      clearInterval(look);
      clearTimeout(limit);
      begun(at);
    };
    const onSynced = () => !socket.hasSynced && done(Date.now());
    const look = setInterval(() => isClearing() && done(Date.now()), TICK_MS);
    const limit = setTimeout(() => done(null), CLEARING_MS);
    socket.on('change:hasSynced', onSynced);
  });
}

/* Leaves a page that nobody has linked. A scan of the last moments is answered by this page or by none, and without
 * its answer the phone links nothing. */
async function leaveUnlinked() {
  const left = new Promise((done) => addEventListener('pagehide', done, { once: true }));
  location.replace('about:blank');
  await Promise.race([left, pause(TOLD_MS)]);
  return isRegistered();
}

/* The page's own logout returns at once and does its work afterwards: it tells the server, then clears the profile, then
 * loads a new document. Answers when the server was told; the rest shows in the next document. */
async function logout(call) {
  const end = Date.now() + LINKED_MS;
  const waits = () => Date.now() < end && !linkEnded;
  while (!settled && waits()) await pause(TICK_MS);
  if (!settled && !linkEnded) throw new Failure('not_ready', 'the page is still loading');
  await tell();
  if (phase() === 'qr') {
    call.hand();
    if (!(await leaveUnlinked())) throw new Failure('not_found', 'no phone is linked');
    throw new Failure('refused', 'a phone was being linked and could not be told');
  }
  /* Linked just now, or coming back: who is not connected yet can tell nobody. */
  while (['pairing', 'syncing', 'loading'].includes(phase()) && found.socket.state !== 'CONNECTED' && waits()) {
    await pause(TICK_MS);
  }
  if (linkEnded) return { reply: 'done' };
  if (!isRegistered()) throw new Failure('not_found', 'no phone is linked');
  call.hand();
  const connected = found.socket.state === 'CONNECTED' && !streamLost;
  const asked = Date.now();
  const cleared = clearing();
  found.socket.logout();
  const at = await cleared;
  if (!connected || at === null || at - asked > TOLD_MS) {
    throw new Failure('refused', 'WhatsApp did not hear of it in time: the phone may go on listing this device');
  }
  return { reply: 'done' };
}
