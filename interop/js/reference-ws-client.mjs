// The client of `ws-client.test.mjs` on the npm package: the yardstick of Rialto's `ws-client`.
//
// usage: node reference-ws-client.mjs URL [--protocol NAME].. [--header NAME:VALUE]..
//        [--max-message BYTES] [--redirects COUNT] [--ca FILE] [--cert FILE --key FILE], and the
//        settings of compression in reference-deflate.mjs

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { WebSocket } from "ws";
import { DEFLATE_FLAGS, deflateOptions } from "./reference-deflate.mjs";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    protocol: { type: "string", multiple: true, default: [] },
    header: { type: "string", multiple: true, default: [] },
    "max-message": { type: "string" },
    redirects: { type: "string", default: "0" },
    ca: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    ...DEFLATE_FLAGS,
  },
});

const socket = new WebSocket(positionals[0], flags.protocol, {
  perMessageDeflate: deflateOptions(flags),
  headers: Object.fromEntries(flags.header.map((field) => field.split(":"))),
  followRedirects: flags.redirects !== "0",
  maxRedirects: Number(flags.redirects),
  ...Object.fromEntries(
    ["ca", "cert", "key"]
      .filter((name) => flags[name])
      .map((name) => [name, readFileSync(flags[name])]),
  ),
  ...(flags["max-message"] ? { maxPayload: Number(flags["max-message"]) } : {}),
});

function say(what) {
  console.log(JSON.stringify(what));
}

const state = { opened: false, status: null, error: null };

socket.on("open", () => {
  state.opened = true;
  say({ open: { protocol: socket.protocol || null } });
});
socket.on("unexpected-response", (_request, response) => {
  say({ failed: { code: 1006, status: response.statusCode, error: "refused" } });
  process.exit(0);
});
socket.on("error", (error) => {
  state.error = error;
});
socket.on("close", (code, reason) => {
  if (state.error || code === 1006) {
    const codes = { WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009, WS_ERR_INVALID_UTF8: 1007 };
    const own = state.opened && state.error ? (codes[state.error.code] ?? 1002) : 1006;
    say({ failed: { code: own, status: null, error: state.error?.message ?? "cut" } });
  } else {
    say({ close: { code, reason: reason.toString() } });
  }
});
socket.on("message", (data, isBinary) => {
  const text = isBinary ? "" : data.toString();
  const [, ping] = /^ping:(.*)$/s.exec(text) ?? [];
  const [, code, reason] = /^close:(\d+):(.*)$/s.exec(text) ?? [];
  if (ping !== undefined) {
    socket.ping(ping);
  } else if (code) {
    socket.close(Number(code), reason);
  } else {
    socket.send(data, { binary: isBinary });
  }
});
