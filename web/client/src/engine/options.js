// Options of the connection: defaults and the address in one object.

import { parseAddress, parseQuery } from "../address.js";
import { DEFAULT_TRANSPORTS } from "./transports.js";

const DEFAULTS = Object.freeze({
  path: "/engine.io",
  addTrailingSlash: true,
  transports: DEFAULT_TRANSPORTS,
  transportOptions: Object.freeze({}),
  upgrade: true,
  rememberUpgrade: false,
  tryAllTransports: false,
  withCredentials: false,
  timestampParam: "t",
  closeOnBeforeunload: false,
  forceBase64: false,
});

/** The address: of the URL, else of the options, else of the page. */
function addressOf(uri, options) {
  if (uri) return parseAddress(uri);
  const { hostname = options.host, port, secure } = options;
  if (!hostname) return parseAddress(undefined);
  const host = String(hostname);
  const bare = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const overTls = secure ?? (typeof location !== "undefined" && location.protocol === "https:");
  return parseAddress(`${overTls ? "https" : "http"}://${bare}${port ? `:${port}` : ""}`);
}

/**
 * @param {string | undefined} uri
 * @param {object} given options of the application; not changed
 */
export function resolveOptions(uri, given) {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options = { ...DEFAULTS, ...set };
  const { secure, hostname, port, query } = addressOf(uri, options);
  const chosen = options.query ?? query ?? {};
  const stem = options.path.replace(/\/$/, "");
  return {
    ...options,
    secure,
    hostname,
    port,
    path: options.addTrailingSlash ? `${stem}/` : stem,
    query: typeof chosen === "string" ? parseQuery(chosen) : { ...chosen },
  };
}
