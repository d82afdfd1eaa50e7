// URLs and options, on a page and without one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { formatQuery, parseAddress, parseQuery } from "../../src/address.js";
import { resolveOptions } from "../../src/engine/options.js";

function onPage(t, href) {
  const { protocol, host, hostname, port } = new URL(href);
  globalThis.location = { protocol, host, hostname, port };
  t.after(() => delete globalThis.location);
}

const read = (uri) => {
  const { secure, hostname, port, path } = parseAddress(uri);
  return `${secure ? "tls" : "tcp"} ${hostname} ${port} ${path}`;
};

test("absolute URLs", () => {
  assert.equal(read("http://host"), "tcp host 80 /");
  assert.equal(read("https://host"), "tls host 443 /");
  assert.equal(read("ws://localhost:3000"), "tcp localhost 3000 /");
  assert.equal(read("WSS://Host/Chat"), "tls host 443 /Chat");
  assert.equal(read("http://host:80/a/b/"), "tcp host 80 /a/b/");
  assert.equal(read("https://host:80"), "tls host 80 /");
  assert.equal(read("http://[::1]:3000/x?y=z#w"), "tcp [::1] 3000 /x");
  assert.equal(read("http://user:word@host/"), "tcp host 80 /");
  assert.equal(read("http://host/общий чат"), "tcp host 80 /общий чат");
});

test("relative URLs need a page", (t) => {
  for (const uri of [undefined, "", "/chat", "//host"]) {
    assert.throws(() => parseAddress(uri), TypeError);
  }
  onPage(t, "https://site.test:8443/page");
  assert.equal(read(undefined), "tls site.test 8443 /");
  assert.equal(read("/chat"), "tls site.test 8443 /chat");
  assert.equal(read("//other.test/chat"), "tls other.test 443 /chat");
  assert.equal(read("other.test:1234"), "tls other.test 1234 /");
  assert.equal(read("http://other.test"), "tcp other.test 80 /");
});

test("what is no URL", () => {
  for (const uri of ["http://", "http://a b", "http://host:99999"]) {
    assert.throws(() => parseAddress(uri), TypeError);
  }
});

test("queries", () => {
  assert.deepEqual({ ...parseQuery("a=1&b=x%20y&c") }, { a: "1", b: "x y", c: "" });
  assert.equal(parseQuery("__proto__=1").__proto__, "1");
  assert.equal(formatQuery({ a: 1, "é &": "=" }), "a=1&%C3%A9%20%26=%3D");
});

test("options: the address by parts, the path, the query", () => {
  const by = (options, uri) => resolveOptions(uri, options);
  const parts = by({ hostname: "host", port: 1234, secure: true });
  assert.deepEqual([parts.secure, parts.hostname, parts.port], [true, "host", "1234"]);
  assert.equal(by({ hostname: "::1" }).hostname, "[::1]");
  assert.equal(by({ path: "/a" }, "http://h").path, "/a/");
  assert.equal(by({ path: "/a/", addTrailingSlash: false }, "http://h").path, "/a");
  assert.deepEqual(by({}, "http://h?x=1").query, { x: "1" });
  assert.deepEqual({ ...by({ query: "y=2" }, "http://h?x=1").query }, { y: "2" });
  assert.equal(by({ timestampParam: undefined }, "http://h").timestampParam, "t");
});
