// npm's `socket.io` on Node: node socketio.mjs PORT [deflate] [tls CHAIN KEY]
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { Server } from 'socket.io';
import { events } from './socketio-events.mjs';

const words = process.argv.slice(3);
const tls = words.indexOf('tls');
const files = () => ({ cert: readFileSync(words[tls + 1]), key: readFileSync(words[tls + 2]) });
const server = tls < 0 ? http.createServer() : https.createServer(files());
const io = new Server(server, { serveClient: false, perMessageDeflate: words.includes('deflate') });

events(io);
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
