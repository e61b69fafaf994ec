/* The server that Colmeia replaces, in its best form: one Node process, Express, and one unmodified
 * whatsapp-web.js client per user. Only what the benchmark asks of both sides. */
'use strict';

const { existsSync, readdirSync } = require('node:fs');
const express = require('express');
/* The library opens the address that stands in this module; its files stay as they are. */
require('whatsapp-web.js/src/util/Constants').WhatsWebURL = process.env.PAGE_URL;
const { Client, LocalAuth } = require('whatsapp-web.js');

const { CHROMIUM, DATA, FLASK_WEBHOOK_URL, PORT } = process.env;
const users = new Map();

/* One user's failure must not end the others; the old server ended. */
process.on('unhandledRejection', (error) => console.error('unhandled', error));
process.on('uncaughtException', (error) => console.error('uncaught', error));

function sessionOf(id) {
  let session = users.get(id);
  if (session) return session;
  const client = new Client({
    authStrategy: new LocalAuth({ clientId: `ylada_bot_user_${id}`, dataPath: `${DATA}/.wwebjs_auth_user_${id}` }),
    puppeteer: { executablePath: CHROMIUM, headless: true },
    webVersionCache: { type: 'none' },
  });
  session = { client, qr: null, ready: false };
  users.set(id, session);
  client.on('qr', (qr) => (session.qr = qr));
  client.on('ready', () => Object.assign(session, { ready: true, qr: null }));
  client.on('disconnected', () => (session.ready = false));
  client.on('message', (message) => {
    const body = { from: message.from, body: message.body, user_id: id };
    fetch(FLASK_WEBHOOK_URL, { method: 'POST', body: JSON.stringify(body) }).catch(() => {});
  });
  client.initialize().catch((error) => console.error(id, error));
  return session;
}

const app = express();
app.use(express.json());
app.get('/health', (request, response) => response.json({ status: 'ok', activeClients: users.size }));
app.get('/qr', ({ query }, response) => {
  const { qr, ready } = sessionOf(query.user_id);
  response.json({ ready, qr, hasQr: Boolean(qr) });
});
/* Known users without a browser, so that many can be asked about. */
app.post('/known', ({ body }, response) => {
  for (let id = 1; id <= body.users; id++) users.set(`known_${id}`, { client: null, qr: null, ready: false });
  response.json({});
});
app.get('/status', ({ query }, response) => {
  const session = users.get(query.user_id);
  response.json({
    ready: Boolean(session?.ready),
    hasQr: Boolean(session?.qr),
    actuallyConnected: Boolean(session?.ready),
    clientInitialized: Boolean(session),
    isAuthenticated: Boolean(session?.ready),
    isConnecting: false,
    phone_number: null,
    clientInfo: session?.client?.info ? { wid: session.client.info.wid._serialized } : null,
    reconnectInfo: { attempts: 0, maxAttempts: 10, isReconnecting: false, autoReconnectEnabled: true },
  });
});
app.post('/send', async ({ body }, response) => {
  try {
    const chat = `${body.phone.replace(/\D/g, '')}@c.us`;
    const message = await users.get(body.user_id).client.sendMessage(chat, body.message);
    response.json({ success: true, messageId: message.id._serialized });
  } catch (error) {
    response.status(500).json({ error: String(error) });
  }
});

/* Who was linked comes back, all at once. */
for (const name of existsSync(DATA) ? readdirSync(DATA) : []) {
  const id = /^\.wwebjs_auth_user_(.+)$/.exec(name)?.[1];
  if (id) sessionOf(id);
}
app.listen(PORT, '127.0.0.1');

process.on('SIGTERM', async () => {
  const clients = [...users.values()].map(({ client }) => client).filter(Boolean);
  await Promise.allSettled(clients.map((client) => client.destroy()));
  process.exit(0);
});
