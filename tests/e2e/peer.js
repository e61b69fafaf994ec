// Unmodified whatsapp-web.js on the simulator's page, for one purpose: to make a profile that Colmeia must
// resume, or to resume one that Colmeia has made.
//
// node peer.js <simulator> <dataPath> <clientId> link <number>   links and closes
// node peer.js <simulator> <dataPath> <clientId> resume          must be ready without a code, and closes
'use strict';

const [simulator, dataPath, clientId, action, number] = process.argv.slice(2);
// The library opens the address that stands in this module; its files stay as they are.
require('whatsapp-web.js/src/util/Constants').WhatsWebURL = `${simulator}/`;
const { Client, LocalAuth } = require('whatsapp-web.js');

const client = new Client({
  authStrategy: new LocalAuth({ clientId, dataPath }),
  puppeteer: {
    executablePath: process.env.COLMEIA_TEST_BROWSER || '/usr/lib/chromium/chromium-headless-shell',
    headless: true,
    args: process.getuid() === 0 ? ['--no-sandbox'] : [],
  },
  webVersionCache: { type: 'none' },
});

function fail(why) {
  console.error(why);
  process.exit(1);
}

client.on('qr', async (qr) => {
  if (action === 'resume') fail('a code was shown: the profile was not resumed');
  const answer = await fetch(`${simulator}/phone/scan`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ qr, number, name: 'Dono' }),
  });
  // 404: the code expired between showing and scanning; the next one follows.
  if (!answer.ok && answer.status !== 404) fail(`scan: ${answer.status}`);
});

client.on('ready', async () => {
  const wid = client.info.wid._serialized;
  await client.destroy();
  console.log(wid);
  process.exit(0);
});

client.initialize().catch((error) => fail(error.stack));
