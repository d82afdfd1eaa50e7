// npm's `socket.io` on Bun with its own engine: bun socketio-bun.mjs PORT [tls CHAIN KEY]
import { Server as Engine } from '@socket.io/bun-engine';
import { Server } from 'socket.io';
import { events } from './socketio-events.mjs';

const [port, tls, chain, key] = process.argv.slice(2);
const engine = new Engine({ path: '/socket.io/' });
const io = new Server();

io.bind(engine);
events(io);
Bun.serve({
  ...engine.handler(),
  port: Number(port),
  hostname: '127.0.0.1',
  ...(tls === 'tls' ? { tls: { cert: Bun.file(chain), key: Bun.file(key) } } : {}),
});
