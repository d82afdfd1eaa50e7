// Requests that no proper client sends: malformed HTTP, upgrades to where none is served.
// Each gets its status, and the server goes on for everyone else.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { pick, start } from "./server.mjs";
import { Polling, Wire, enginePath, requestHead, upgradeHeaders } from "./wire.mjs";

let server;
before(async () => {
  server = await start();
});
after(() => server.kill());

/** Sends the bytes and gives back the status of the answer; the connection must end after it. */
async function answered(t, bytes) {
  const wire = new Wire(t, server);
  wire.write(bytes);
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(await wire.end())?.[1]);
  return status;
}

/** An upgrade request; gives back the answer. */
async function upgrade(t, target, headers = {}, method = "GET") {
  const wire = new Wire(t, server);
  wire.write(requestHead(server, method, target, upgradeHeaders(headers)));
  return wire.response();
}

afterEach(async () => {
  const response = await fetch(`${server.url}/health`);
  assert.equal(await response.text(), "ok");
});

describe("malformed HTTP", () => {
  const head = (...lines) => ["GET /health HTTP/1.1", ...lines, "", ""].join("\r\n");
  const bad = {
    "no request line": "GARBAGE\r\n\r\n",
    "a TLS greeting": Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 13, 10, 13, 10]),
    "an unknown version": "GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
    "a control character in the target": "GET /health\u0001 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a header without a colon": head("Host: a", "bad header"),
    "a space before the colon": head("Host: a", "X-Test : 1"),
    "NUL in a header value": head("Host: a", "X-Test: a\u0000b"),
    "no Host": head(),
    "two different lengths": `${head("Host: a", "Content-Length: 5, 6")}hello`,
    "a negative length": head("Host: a", "Content-Length: -1"),
    "a length that is no number": head("Host: a", "Content-Length: five"),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    test(`${name}: 400`, async (t) => {
      assert.equal(await answered(t, bytes), 400);
    });
  }

  test("headers without end: 431", async (t) => {
    assert.equal(await answered(t, head("Host: a", `X-Test: ${"y".repeat(20_000)}`)), 431);
  });

  test("too many headers: 431", async (t) => {
    const many = Array.from({ length: 3_000 }, (_, i) => `X-${i}: 1`);
    assert.equal(await answered(t, head("Host: a", ...many)), 431);
  });

  test("a length and chunks at once hide no second request", async (t) => {
    const hidden = "GET /ws.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const lines = [
      "POST /nothing HTTP/1.1",
      "Host: a",
      `Content-Length: ${5 + hidden.length}`,
      "Transfer-Encoding: chunked",
      "",
      "",
    ];
    const wire = new Wire(t, server);
    wire.write(`${lines.join("\r\n")}0\r\n\r\n${hidden}`);
    wire.finish();
    const text = await wire.end();
    // Either the message is refused, or the chunks win and the connection ends after it.
    assert.match(text, /^HTTP\/1\.1 (400|404) /);
    assert.doesNotMatch(text, /<html/i);
  });

  test("broken chunks end the connection", async (t) => {
    const { handshake } = await Polling.open(server);
    const target = enginePath("polling", `&sid=${handshake.sid}`);
    const wire = new Wire(t, server);
    wire.write(requestHead(server, "POST", target, { "Transfer-Encoding": "chunked" }));
    wire.write("ZZ\r\nnonsense\r\n");
    assert.doesNotMatch(await wire.end(), / 200 /);
  });

  test("a request cut in the middle is nothing", async (t) => {
    const wire = new Wire(t, server);
    wire.write("POST /announce HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{");
    wire.reset();
  });

  test("a request may come byte by byte, two may come at once", async (t) => {
    const wire = new Wire(t, server);
    for (const letter of requestHead(server, "GET", "/health")) {
      wire.write(letter);
      await new Promise(setImmediate);
    }
    assert.equal((await wire.response()).body, "ok");
    wire.write(requestHead(server, "GET", "/health") + requestHead(server, "GET", "/nothing"));
    assert.equal((await wire.response()).body, "ok");
    assert.equal((await wire.response()).status, 404);
  });
});

describe("upgrades", () => {
  for (const target of [
    "/",
    "/health",
    "/nothing",
    "/socket.iox/?EIO=4&transport=websocket",
    "/echoes",
    "/announce",
  ]) {
    test(`none at ${target}`, async (t) => {
      const wire = new Wire(t, server);
      wire.write(requestHead(server, "GET", target, upgradeHeaders()));
      // Refused, answered as the plain request that it also is, or dropped: anything but 101.
      await wire.until(() => wire.ended || wire.text.includes("\r\n\r\n"), "an answer");
      assert.doesNotMatch(wire.text, /^HTTP\/1\.1 101/);
    });
  }

  test("an unknown session: 400", async (t) => {
    const { status, body } = await upgrade(t, enginePath("websocket", "&sid=nothing"));
    assert.equal(status, 400);
    assert.match(body, /Session ID unknown/);
  });

  test("denied by the application", async (t) => {
    const { status, body } = await upgrade(t, enginePath("websocket", "&deny=1"));
    // Node answers 400 to every refused upgrade.
    assert.ok(pick({ reference: [400], rialto: [400, 403] }).includes(status), `status ${status}`);
    assert.match(body, /denied by app/);
  });

  test("an old protocol version is refused", async (t) => {
    const { status } = await upgrade(t, "/socket.io/?EIO=3&transport=websocket");
    // Node switches protocols first and then sends an HTTP refusal into the WebSocket.
    assert.equal(status, pick({ reference: 101, rialto: 400 }));
  });

  test("a WebSocket handshake that names polling is refused", async (t) => {
    const { status } = await upgrade(t, enginePath("polling"));
    // Node opens a WebSocket and sends a frame of no use.
    assert.equal(status, pick({ reference: 101, rialto: 400 }));
  });

  test("a path that refuses: 401", async (t) => {
    assert.equal((await upgrade(t, "/echo/refuse")).status, 401);
  });

  for (const target of ["/echo", enginePath("websocket")]) {
    describe(`broken handshakes at ${target.split("?")[0]}`, () => {
      for (const [name, headers] of Object.entries({
        "no key": { "Sec-WebSocket-Key": null },
        "a short key": { "Sec-WebSocket-Key": "c2hvcnQ=" },
        "a key that is no base64": { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" },
      })) {
        test(`${name}: 400`, async (t) => {
          assert.equal((await upgrade(t, target, headers)).status, 400);
        });
      }

      test("an upgrade to another protocol: refused", async (t) => {
        // 426 is as good: it names the protocol that is spoken here.
        const { status } = await upgrade(t, target, { Upgrade: "h2c" });
        assert.ok([400, 426].includes(status), `status ${status}`);
      });

      for (const version of ["7", "99", "x", null]) {
        test(`version ${version}: refused, and the right one named`, async (t) => {
          const { status, headers } = await upgrade(t, target, {
            "Sec-WebSocket-Version": version,
          });
          assert.ok([400, 426].includes(status), `status ${status}`);
          assert.match(headers["sec-websocket-version"], /\b13\b/);
        });
      }
    });
  }

  test("a handshake by POST is refused", async (t) => {
    const { status } = await upgrade(t, "/echo", {}, "POST");
    assert.ok([400, 404, 405].includes(status), `status ${status}`);
  });
});
