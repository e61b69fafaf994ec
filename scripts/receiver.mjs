// Receives Flask's webhook where no app does, and shows each message on a line of its own: `make run` starts it.
import { createServer } from 'node:http';

const port = Number(process.argv[2]);
// A message may hold anything, and a terminal obeys some of it.
const plain = (text) => String(text ?? '').replace(/\p{C}/gu, ' ').slice(0, 200);

const server = createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    try {
      const { user_id, phone, body } = JSON.parse(Buffer.concat(pieces).toString());
      console.log(`  received    user ${plain(user_id)}, from ${plain(phone)}: ${plain(body) || '(no text)'}`);
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
