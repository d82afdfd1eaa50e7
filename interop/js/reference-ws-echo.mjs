// The server of `ws-deflate.test.mjs` on the npm package: the yardstick of Rialto's `ws-echo`.
//
// usage: node reference-ws-echo.mjs [--deflate on|off] [--server-no-context-takeover BOOL]
//        [--client-no-context-takeover BOOL] [--server-max-window-bits BITS]
//        [--client-max-window-bits BITS] [--threshold BYTES] [--protocol NAME]

import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";
import { DEFLATE_FLAGS, deflateOptions } from "./reference-deflate.mjs";

const { values: flags } = parseArgs({
  options: { ...DEFLATE_FLAGS, protocol: { type: "string" } },
});
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: deflateOptions(flags),
  handleProtocols: (offered) => (offered.has(flags.protocol) ? flags.protocol : false),
});
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.on("listening", () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});
