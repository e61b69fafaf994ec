// Links the simulated phone to what `make run` has started, as its text says, and sends a message both know of.
// `first-phone.mjs SERVICE SIMULATOR`. Fails with the last answers when that takes more than two minutes.

const [service, simulator] = process.argv.slice(2);
const number = '5511900000001';
const deadline = Date.now() + 120_000;

const ask = async (address, body) => {
  const answer = await fetch(address, body && {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  return { status: answer.status, json: await answer.json() };
};

const until = async (what, look) => {
  for (;;) {
    const seen = await look();
    if (seen.found) return seen.found;
    if (Date.now() > deadline) throw new Error(`${what}: not within two minutes, the last answer is ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

// A code lives for some seconds: one that has expired is followed by the next.
await until('the phone scans the code', async () => {
  const { json } = await ask(`${service}/qr?user_id=1`);
  if (!json.qr) return json;
  const scanned = await ask(`${simulator}/phone/scan`, { qr: json.qr, number, name: 'Dona' });
  return { ...scanned, found: scanned.status === 200 };
});
await until('the session is ready', async () => {
  const { json } = await ask(`${service}/status?user_id=1`);
  return { ...json, found: json.ready };
});
const sent = await ask(`${service}/send`, { user_id: '1', phone: '5511988887777', message: 'oi' });
if (sent.status !== 200) throw new Error(`nothing was sent: ${JSON.stringify(sent)}`);
const phone = await ask(`${simulator}/phone/sent?number=${number}`);
const bodies = phone.json.sent.map((message) => message.body);
if (bodies.join() !== 'oi') throw new Error(`the phone has seen ${JSON.stringify(bodies)}`);
