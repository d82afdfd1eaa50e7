// Where to connect: the URL that `io()` and `Manager` take, and query strings.

const URL_FORM = /^(?:(https?|wss?):)?\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/i;

/** The page's own address, where there is a page. */
function page() {
  return typeof location === "undefined" ? undefined : location;
}

/**
 * @typedef {object} Address
 * @property {boolean} secure TLS or not
 * @property {string} hostname an IPv6 address stands in its brackets
 * @property {string} port always given; the scheme's own when the URL has none
 * @property {string} path as written, `/` when empty: the namespace of `io(url)`
 * @property {Record<string, string> | undefined} query of the URL, if it has one
 */

/**
 * Reads a URL. Relative forms (`/chat`, `//host/chat`, `host:3000`, nothing at all) are completed
 * from the page. The path is kept as written, because namespaces are not percent-encoded.
 *
 * @param {string | undefined} uri
 * @returns {Address}
 * @throws {TypeError} when it is no URL, or relative where there is no page
 */
export function parseAddress(uri) {
  const here = page();
  const [, scheme, authority, path, query] = URL_FORM.exec(complete(uri, here)) ?? fail(uri);
  const protocol = (scheme ?? here?.protocol.replace(":", "") ?? fail(uri)).toLowerCase();
  const secure = protocol === "https" || protocol === "wss";
  let host;
  try {
    // The scheme given here decides which port the parser takes for the default one.
    host = new URL(`${secure ? "https" : "http"}://${authority}`);
  } catch {
    fail(uri);
  }
  return {
    secure,
    hostname: host.hostname,
    port: host.port || (secure ? "443" : "80"),
    path: path || "/",
    query: query ? parseQuery(query) : undefined,
  };
}

function complete(uri, here) {
  if (uri === undefined || uri === null || uri === "") return here ? `//${here.host}` : fail(uri);
  const text = String(uri);
  if (/^(?:(?:https?|wss?):)?\/\//i.test(text)) return text;
  if (text.startsWith("/")) return here ? `//${here.host}${text}` : fail(uri);
  return here ? `//${text}` : `https://${text}`;
}

function fail(uri) {
  throw new TypeError(
    uri ? `"${uri}" is not a URL to connect to` : "a URL is needed where there is no page",
  );
}

/** Reads a query string, without its question mark. The last of several equal names counts. */
export function parseQuery(text) {
  return Object.assign(Object.create(null), Object.fromEntries(new URLSearchParams(text)));
}

/** Writes a query string, without a question mark. */
export function formatQuery(query) {
  const pair = ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  return Object.entries(query).map(pair).join("&");
}
