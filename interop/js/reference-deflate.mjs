// The settings of compression as `ws-echo` and `ws-client` take them, as options of the npm package.

/** For `parseArgs`. */
export const DEFLATE_FLAGS = {
  deflate: { type: "string", default: "on" },
  "server-no-context-takeover": { type: "string" },
  "client-no-context-takeover": { type: "string" },
  "server-max-window-bits": { type: "string" },
  "client-max-window-bits": { type: "string" },
  threshold: { type: "string" },
  // Of ours: the package knows whole messages only, and these are the same to a peer.
  pieces: { type: "boolean" },
};

/**
 * The option `perMessageDeflate`. Not named, contexts start anew, as is Rialto's default; `false`
 * stays out, since to the package it means that a peer may not ask for it.
 */
export function deflateOptions(flags) {
  if (flags.deflate === "off") {
    return false;
  }
  const number = (name) => (flags[name] === undefined ? undefined : Number(flags[name]));
  const options = {
    serverNoContextTakeover: flags["server-no-context-takeover"] !== "false" || undefined,
    clientNoContextTakeover: flags["client-no-context-takeover"] !== "false" || undefined,
    serverMaxWindowBits: number("server-max-window-bits"),
    clientMaxWindowBits: number("client-max-window-bits"),
    threshold: number("threshold"),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
