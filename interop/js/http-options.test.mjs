// The options that concern HTTP: compression of answers, every bundle, preflight answers, cookies
// and header fields of the application's own.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { SUBJECT, pick, start } from "./server.mjs";
import { Polling, enginePath } from "./wire.mjs";

let server;
before(async () => {
  server = await start({ pingInterval: 20_000, pingTimeout: 20_000, connectTimeout: 20_000 });
});
after(() => server.kill());

const DECODERS = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

describe("compression of polling answers", () => {
  /** One GET whose body stays as it came, which `fetch` would decode. */
  async function raw(target, accept) {
    const headers = accept === null ? {} : { "Accept-Encoding": accept };
    const request = http.get(server.url + target, { headers, agent: false });
    const [response] = await once(request, "response");
    return {
      status: response.statusCode,
      encoding: response.headers["content-encoding"],
      body: await buffer(response),
    };
  }

  /** One poll that finds `length` bytes waiting. */
  async function poll(length, accept) {
    const session = await (await Polling.open(server)).join();
    // The packet is `431["x…x"]`.
    await session.post(`421["make-text",${length - 7}]`);
    const answer = await raw(enginePath("polling", `&sid=${session.handshake.sid}`), accept);
    assert.equal(answer.status, 200);
    return answer;
  }

  for (const [accept, expected] of [
    ["gzip", "gzip"],
    ["deflate", "deflate"],
    ["gzip, deflate", "gzip"],
    ["deflate, gzip;q=0.5", "deflate"],
    ["GZIP", "gzip"],
    ["*", pick({ reference: "gzip", rialto: "zstd" })],
    // Node knows these, its polling does not use them.
    ["br", pick({ reference: undefined, rialto: "br" })],
    ["gzip, deflate, br", pick({ reference: "gzip", rialto: "br" })],
    ["gzip, deflate, br, zstd", pick({ reference: "gzip", rialto: "zstd" })],
    ["gzip;q=0", undefined],
    ["identity", undefined],
    ["", undefined],
    [null, undefined],
  ]) {
    test(`${accept}: ${expected ?? "as it is"}`, async () => {
      const { encoding, body } = await poll(5_000, accept);
      assert.equal(encoding, expected);
      const decode = expected === "zstd" ? null : (DECODERS[expected] ?? ((plain) => plain));
      if (decode) {
        assert.equal(decode(body).toString(), `431["${"x".repeat(4_993)}"]`);
      } else {
        assert.deepEqual([...body.subarray(0, 4)], [0x28, 0xb5, 0x2f, 0xfd]);
      }
      assert.equal(body.length < 200, expected !== undefined);
    });
  }

  test("from 1024 bytes on", async () => {
    assert.equal((await poll(1_023, "gzip")).encoding, undefined);
    assert.equal((await poll(1_024, "gzip")).encoding, "gzip");
  });

  test("an answer that is no text shrinks and comes back as well", async () => {
    const session = await (await Polling.open(server)).join();
    await session.post('421["make-binary",60000]');
    const target = enginePath("polling", `&sid=${session.handshake.sid}`);
    const read = async () => {
      const { encoding, body } = await raw(target, "gzip");
      return (encoding ? gunzipSync(body) : body).toString();
    };
    let text = await read();
    if (!text.includes("\u001eb")) {
      text += `\u001e${await read()}`;
    }
    const [head, data] = text.split("\u001e");
    assert.equal(head, '461-1[{"_placeholder":true,"num":0}]');
    const bytes = Buffer.from(data.slice(1), "base64");
    assert.equal(bytes.length, 60_000);
    assert.ok(bytes.every((byte, i) => byte === i % 251));
  });
});

describe("every bundle", () => {
  const get = (name, init) => fetch(`${server.url}/socket.io/${name}`, init);

  for (const name of [
    "socket.io.js",
    "socket.io.min.js",
    "socket.io.esm.min.js",
    "socket.io.msgpack.min.js",
  ]) {
    test(`${name} and its map`, async () => {
      const script = await get(name);
      assert.equal(script.status, 200);
      assert.match(script.headers.get("content-type"), /^(application|text)\/javascript/);
      assert.equal(script.headers.get("cache-control"), "public, max-age=0");
      assert.match(await script.text(), new RegExp(`sourceMappingURL=${name}\\.map`));
      const map = await get(`${name}.map`);
      assert.equal(map.status, 200);
      assert.match(map.headers.get("content-type"), /^application\/json/);
      assert.ok((await map.json()).sources.length > 0);
      const again = await get(`${name}.map`, {
        headers: { "If-None-Match": map.headers.get("etag") },
      });
      assert.equal(again.status, 304);
    });

    for (const accept of ["gzip", "deflate", "br"]) {
      test(`${name} by ${accept}`, async () => {
        const plain = await (await get(name, { headers: { "Accept-Encoding": "identity" } })).text();
        const response = await get(name, { headers: { "Accept-Encoding": accept } });
        assert.equal(response.headers.get("content-encoding"), accept);
        assert.equal(await response.text(), plain);
        const tag = response.headers.get("etag");
        const again = await get(name, {
          headers: { "Accept-Encoding": accept, "If-None-Match": tag },
        });
        assert.equal(again.status, 304);
      });
    }
  }
});

describe("preflight answers", () => {
  const ask = (headers) => fetch(server.url + enginePath("polling"), { method: "OPTIONS", headers });
  const good = { Origin: "http://good.test", "Access-Control-Request-Method": "POST" };

  test("name the methods, and nothing that was not asked for", async () => {
    const { status, headers } = await ask(good);
    assert.equal(status, 204);
    assert.equal(headers.get("content-length"), pick({ reference: "0", rialto: null }));
    assert.equal(headers.get("access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert.equal(headers.get("access-control-allow-headers"), null);
    assert.equal(headers.get("access-control-expose-headers"), null);
    assert.equal(headers.get("access-control-max-age"), null);
  });

  test("vary by what they depend on", async () => {
    const { headers } = await ask({ ...good, "Access-Control-Request-Headers": "x-a" });
    assert.match(headers.get("vary"), /\borigin\b/i);
    assert.match(headers.get("vary"), /\baccess-control-request-headers\b/i);
  });

  test("of a foreign origin name none", async () => {
    const response = await ask({ ...good, Origin: "http://evil.test" });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  });
});

describe("the path", () => {
  test("without its slash", async () => {
    const { status } = await fetch(`${server.url}/socket.io?EIO=4&transport=polling`);
    // Node wants the slash unless `addTrailingSlash` is off, and then the other way round.
    assert.equal(status, pick({ reference: 404, rialto: 200 }));
  });
});

const rialtoAlone = SUBJECT === "reference" && "the reference has the contract's program alone";

describe("the program for engine.io-client", { skip: rialtoAlone }, () => {
  let own;
  before(async () => {
    own = await start({ app: "engine-client" });
  });
  after(() => own?.kill());

  test("four cookies come with the first answer, and none later", async () => {
    const target = own.url + enginePath("polling", "", "/engine.io/");
    const response = await fetch(target);
    const cookies = response.headers.getSetCookie();
    assert.deepEqual(cookies.slice(0, 3), [
      "1=1; Max-Age=86400",
      "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
      "3=3; Max-Age=0",
    ]);
    assert.match(cookies[3], /^4=4; Expires=\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/);
    const { sid } = JSON.parse((await response.text()).slice(1));
    const poll = await fetch(`${target}&sid=${sid}`);
    assert.equal(await poll.text(), "4hi");
    assert.deepEqual(poll.headers.getSetCookie(), []);
  });

  test("the header fields of a later POST can be asked for", async () => {
    const session = await Polling.open(own, "/engine.io/");
    await session.poll();
    await session.post("4sendHeaders", { "Content-Type": "text/plain", "X-Later": "yes" });
    const fields = JSON.parse((await session.poll()).body.slice(1));
    assert.equal(fields["x-later"], "yes");
  });

  test("who is denied is told so", async () => {
    const response = await fetch(own.url + enginePath("polling", "&deny=1", "/engine.io/"));
    assert.equal(response.status, 403);
    assert.deepEqual(await response.json(), { code: 4, message: "Forbidden" });
  });
});
