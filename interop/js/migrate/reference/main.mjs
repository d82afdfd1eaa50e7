// The JavaScript lines of docs/migrate.md, in programs that run: the counterpart of
// interop/migrate-server. One process has many small servers, each on a port of its own:
// `GET /servers` at the address it prints says where.

import http from "node:http";
import { answers } from "./answers.mjs";
import { chat } from "./chat.mjs";
import { startCluster } from "./cluster.mjs";
import { startLogin } from "./login.mjs";
import { startOptions } from "./options.mjs";
import { notes } from "./notes.mjs";
import { listen, urls } from "./ports.mjs";
import { startRaw } from "./raw.mjs";
import { startRoutes } from "./routes.mjs";
import { socketio, startServers } from "./server.mjs";
import { startWhole } from "./whole.mjs";

await startServers();
await startWhole();
await startCluster();
await startOptions();
await startRaw();
await startRoutes();
await startLogin();
(await socketio("chat")).on("connection", chat);
(await socketio("notes")).on("connection", notes);
(await socketio("answers")).on("connection", answers);

const index = http.createServer((_request, response) => response.end(JSON.stringify(urls)));
console.log(`listening on ${await listen(index)}`);
