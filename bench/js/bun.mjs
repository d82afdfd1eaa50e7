// Bun's own server: bun bun.mjs PORT [deflate]
const port = Number(process.argv[2]);
const deflate = process.argv.includes('deflate');

const server = Bun.serve({
  hostname: '127.0.0.1',
  port,
  fetch(request, server) {
    const fanout = new URL(request.url).pathname === '/fanout';
    if (!server.upgrade(request, { data: { fanout } })) return new Response('', { status: 404 });
  },
  websocket: {
    maxPayloadLength: 256 << 20,
    backpressureLimit: 256 << 20,
    perMessageDeflate: deflate,
    open(socket) {
      if (socket.data.fanout) socket.subscribe('all');
    },
    message(socket, message) {
      if (socket.data.fanout) server.publish('all', message);
      else socket.send(message, deflate);
    },
  },
});
