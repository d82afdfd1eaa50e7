// npm's `ws` on Node: node ws.mjs PORT [deflate]
import http from 'node:http';
import { WebSocketServer } from 'ws';

const port = Number(process.argv[2]);
const options = {
  noServer: true,
  maxPayload: 256 << 20,
  // Every reply is compressed, as with the other servers.
  perMessageDeflate: process.argv.includes('deflate') ? { threshold: 0 } : false,
};
const echo = new WebSocketServer({ ...options, clientTracking: false });
const fanout = new WebSocketServer(options);

echo.on('connection', (socket) => {
  socket.on('error', () => {}); // clients reset their connections
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
fanout.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => {
    for (const client of fanout.clients) client.send(data, { binary });
  });
});

const server = http.createServer((request, response) => response.writeHead(404).end());
server.on('upgrade', (request, stream, head) => {
  stream.setNoDelay(true);
  const one = request.url === '/fanout' ? fanout : echo;
  one.handleUpgrade(request, stream, head, (socket) => one.emit('connection', socket));
});
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
