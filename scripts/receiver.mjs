// Receives webhooks where no app does, and shows each message or event on a line of its own: `make run` starts it.
import { createServer } from 'node:http';

const port = Number(process.argv[2]);
// A message may hold anything, and a terminal obeys some of it.
const plain = (text) => String(text ?? '').replace(/(?!\u200d)\p{C}/gu, ' ').slice(0, 200);

// A message in the shape of Flask's webhook, or any event as other webhooks get it.
function told({ user_id, phone, body, event, session, payload }) {
  if (event === undefined) return `user ${plain(user_id)}, from ${plain(phone)}: ${plain(body) || '(no text)'}`;
  const from = payload?.from ? `, from ${plain(payload.from)}` : '';
  const what = payload?.body ?? payload?.status;
  return `${plain(event)}, session ${plain(session)}${from}${what ? `: ${plain(what)}` : ''}`;
}

const server = createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    try {
      console.log(`  received    ${told(JSON.parse(Buffer.concat(pieces).toString()))}`);
      response.writeHead(200).end();
    } catch {
      response.writeHead(400).end();
    }
  });
});
server.on('error', (error) => {
  const taken = error.code === 'EADDRINUSE';
  console.log(`  received    ${taken ? `your own app listens on port ${port}: messages go there` : error.message}`);
  process.exit(0);
});
server.listen(port, '127.0.0.1');
