// The HTTP side: routes, bundles, the polling transport request by request, CORS, refusals.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pause } from "./clients.mjs";
import { pick, start } from "./server.mjs";
import { Polling, Wire, enginePath, requestHead, upgradeHeaders } from "./wire.mjs";

let server;
before(async () => {
  // Quiet heartbeats: what a poll answers is what the test caused.
  server = await start({ pingInterval: 20_000, pingTimeout: 20_000, connectTimeout: 20_000 });
});
after(() => server.kill());

const get = (target, init) => fetch(server.url + target, init);

/** Checks a refusal of the Engine.IO endpoint: status, JSON type, code, message. */
async function refused(response, status, code, message) {
  assert.equal(response.status, status);
  assert.match(response.headers.get("content-type"), /^application\/json/);
  const body = await response.json();
  assert.equal(body.code, code);
  if (message) {
    assert.equal(body.message, message);
  } else {
    assert.equal(typeof body.message, "string");
  }
}

describe("routes beside Socket.IO", () => {
  test("/health answers ok", async () => {
    const response = await get("/health");
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "ok");
  });

  test("/ws.html is a page", async () => {
    const response = await get("/ws.html");
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^text\/html/);
    assert.match(await response.text(), /<html/i);
  });

  for (const target of [
    "/",
    "/nothing",
    "/health/deeper",
    "/socket.iox/",
    "/socket.io-admin/",
    "/engine.iox/?EIO=4&transport=polling",
    "/%00",
    "/..%2f..%2fetc/passwd",
  ]) {
    test(`${target} does not exist`, async () => {
      assert.equal((await get(target)).status, 404);
    });
  }

  test("posting to nowhere is 404, posting nonsense to /announce 400", async () => {
    assert.equal((await get("/nothing", { method: "POST", body: "x" })).status, 404);
    const response = await get("/announce", { method: "POST", body: "{" });
    assert.ok(response.status >= 400 && response.status < 500, `status ${response.status}`);
  });
});

describe("the client bundles", () => {
  for (const name of ["socket.io.js", "socket.io.esm.min.js"]) {
    test(`${name} is served, and once only`, async () => {
      const target = `/socket.io/${name}`;
      const response = await get(target);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type"), /^(application|text)\/javascript/);
      const tag = response.headers.get("etag");
      assert.match(tag, /^(W\/)?".+"$/);
      assert.ok((await response.text()).length > 1_000);

      const again = await get(target, { headers: { "If-None-Match": tag } });
      assert.equal(again.status, 304);
      assert.equal(await again.text(), "");
      const stale = await get(target, { headers: { "If-None-Match": '"another"' } });
      assert.equal(stale.status, 200);
      await stale.arrayBuffer();
    });
  }

  test("the module form exports what programs import", async () => {
    const source = await (await get("/socket.io/socket.io.esm.min.js")).text();
    const module = await import(
      `data:text/javascript;base64,${Buffer.from(source).toString("base64")}`
    );
    for (const name of ["io", "Manager", "Socket"]) {
      assert.equal(typeof module[name], "function", name);
    }
    assert.equal(module.default ?? module.io, module.io);
  });

  test("another file name is no bundle", async () => {
    const response = await get("/socket.io/nothing.js");
    assert.ok([400, 404].includes(response.status), `status ${response.status}`);
  });
});

describe("the polling handshake", () => {
  test("the open packet", async () => {
    const response = await get(enginePath("polling"));
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type"), /^text\/plain; ?charset=utf-8$/i);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const body = await response.text();
    assert.equal(body[0], "0");
    const { sid, ...rest } = JSON.parse(body.slice(1));
    assert.match(sid, /^[\w-]{20}$/);
    assert.deepEqual(rest, {
      upgrades: ["websocket"],
      pingInterval: 20_000,
      pingTimeout: 20_000,
      maxPayload: 100_000,
    });
  });

  test("unknown parameters do no harm, their order does not matter", async () => {
    for (const query of [
      "transport=polling&x=%F0%9F%A6%80&EIO=4&t=abc",
      "EIO=4&transport=polling&x&y=%zz&=",
    ]) {
      const response = await get(`/socket.io/?${query}`);
      assert.equal(response.status, 200, query);
      assert.match(await response.text(), /^0\{/);
    }
  });

  test("the cookie carries the session id, on this answer alone", async () => {
    const response = await get(enginePath("polling"));
    const { sid } = JSON.parse((await response.text()).slice(1));
    assert.deepEqual(response.headers.getSetCookie(), [
      `io=${sid}; Path=/; HttpOnly; SameSite=Lax`,
    ]);
    const post = await get(enginePath("polling", `&sid=${sid}`), { method: "POST", body: "40" });
    assert.equal(await post.text(), "ok");
    const poll = await get(enginePath("polling", `&sid=${sid}`));
    assert.match(await poll.text(), /^40\{/);
    assert.deepEqual(
      [post, poll].flatMap((answer) => answer.headers.getSetCookie()),
      [],
    );
  });

  test("no cookie on a WebSocket handshake, none at all when it is off", async (t) => {
    const wire = new Wire(t, server);
    wire.write(requestHead(server, "GET", enginePath("websocket"), upgradeHeaders()));
    const { status, headers } = await wire.response();
    assert.equal(status, 101);
    assert.equal(headers["set-cookie"], undefined);

    const plain = await start({ cookie: "off" });
    t.after(() => plain.kill());
    const response = await fetch(plain.url + enginePath("polling"));
    assert.deepEqual(response.headers.getSetCookie(), []);
    await response.arrayBuffer();
  });
});

describe("refusals of the Engine.IO endpoint", () => {
  for (const query of [
    "EIO=4",
    "EIO=4&transport=",
    "EIO=4&transport=pigeon",
    "EIO=4&transport=__proto__",
    "EIO=4&transport=constructor",
    "EIO=4&transport=Polling",
  ]) {
    test(`code 0, transport unknown: ${query}`, async () => {
      await refused(await get(`/socket.io/?${query}`), 400, 0, "Transport unknown");
    });
  }

  for (const sid of [
    "nothing",
    "AAAAAAAAAAAAAAAAAAAA",
    "__proto__",
    "x".repeat(2_000),
    "%00",
    "%D1%8E",
  ]) {
    test(`code 1, session unknown: ${sid.slice(0, 30)}`, async () => {
      for (const init of [{}, { method: "POST", body: "40" }]) {
        const response = await get(enginePath("polling", `&sid=${sid}`), init);
        await refused(response, 400, 1, "Session ID unknown");
      }
    });
  }

  for (const method of ["POST", "PUT", "DELETE"]) {
    test(`code 2, a handshake by ${method}`, async () => {
      const response = await get(enginePath("polling"), { method, body: "40" });
      await refused(response, 400, 2, "Bad handshake method");
    });
  }

  test("code 3, a WebSocket handshake without an upgrade", async () => {
    await refused(await get(enginePath("websocket")), 400, 3);
  });

  test("code 3, the session of another transport", async () => {
    const { handshake } = await Polling.open(server);
    await refused(await get(enginePath("websocket", `&sid=${handshake.sid}`)), 400, 3);
  });

  test("code 4, denied by the application, in its own words", async () => {
    await refused(await get(enginePath("polling", "&deny=1")), 403, 4, "denied by app");
  });

  for (const version of ["EIO=3&", "EIO=5&", "EIO=&", "EIO=x&", ""]) {
    test(`code 5, protocol version: "${version}"`, async () => {
      const response = await get(`/socket.io/?${version}transport=polling`);
      await refused(response, 400, 5, "Unsupported protocol version");
    });
  }
});

describe("a polling session", () => {
  test("a poll waits for what there is to say; a POST is answered ok", async () => {
    const session = await Polling.open(server);
    const poll = session.poll();
    await pause(100);
    const post = await session.post("40");
    assert.deepEqual([post.status, post.body], [200, "ok"]);
    assert.match(post.headers.get("content-type"), /^text\/html/);
    const { status, body } = await poll;
    assert.equal(status, 200);
    assert.match(body, /^40\{"sid":"[\w-]{20}"\}/);
  });

  test("several packets share one body, in both directions", async () => {
    const session = await (await Polling.open(server)).join();
    await session.post('42["echo",1]\u001e42["echo",2]\u001e42["echo","\\u001e"]');
    const { body } = await session.poll();
    assert.equal(body, '42["echo",1]\u001e42["echo",2]\u001e42["echo","\\u001e"]');
  });

  test("binary travels as base64", async () => {
    const session = await (await Polling.open(server)).join();
    await session.post('451-["echo",{"_placeholder":true,"num":0}]\u001ebAQID');
    const { body } = await session.poll();
    assert.equal(body, '451-["echo",{"_placeholder":true,"num":0}]\u001ebAQID');
  });

  test("a second poll at once ends the session", async () => {
    const session = await Polling.open(server);
    const first = session.poll();
    await pause(100);
    const second = await session.poll();
    assert.ok([400, 500].includes(second.status), `status ${second.status}`);
    assert.deepEqual([(await first).status, (await first).body], [200, "1"]);
    await refused(await get(enginePath("polling", `&sid=${session.handshake.sid}`)), 400, 1);
  });

  test("a second POST at once ends the session", async (t) => {
    const session = await Polling.open(server);
    const target = enginePath("polling", `&sid=${session.handshake.sid}`);
    const slow = new Wire(t, server);
    slow.write(
      requestHead(server, "POST", target, { "Content-Length": "10", "Content-Type": "text/plain" }),
    );
    slow.write("40");
    await pause(100);
    const second = await session.post("40");
    assert.ok([400, 500].includes(second.status), `status ${second.status}`);
    await refused(await get(target), 400, 1);
  });

  test("the close packet: the open poll is answered, the session is gone", async () => {
    const session = await Polling.open(server);
    const poll = session.poll();
    await pause(100);
    assert.equal((await session.post("1")).body, "ok");
    assert.deepEqual([(await poll).status, (await poll).body], [200, "6"]);
    await refused(await get(enginePath("polling", `&sid=${session.handshake.sid}`)), 400, 1);
  });

  test("a cut poll ends the session", async (t) => {
    const session = await Polling.open(server);
    const target = enginePath("polling", `&sid=${session.handshake.sid}`);
    const wire = new Wire(t, server);
    wire.write(requestHead(server, "GET", target));
    await pause(100);
    wire.cut();
    await pause(200);
    await refused(await get(target), 400, 1);
  });

  /** Starts a POST whose body is announced so, sends that much of it; gives back the answer. */
  async function posted(t, headers, body) {
    const { handshake } = await Polling.open(server);
    const target = enginePath("polling", `&sid=${handshake.sid}`);
    const wire = new Wire(t, server);
    wire.write(requestHead(server, "POST", target, { "Content-Type": "text/plain", ...headers }));
    wire.write(body);
    return wire.response();
  }

  test("a body announced over the limit: 413", async (t) => {
    // Rialto need not see the body to know; Node reads until it is too much.
    const body = pick({ reference: "4".repeat(100_001), rialto: "4" });
    assert.equal((await posted(t, { "Content-Length": "100001" }, body)).status, 413);
  });

  test("a body that grows over the limit: 413 before its end", async (t) => {
    const chunk = `${(100_001).toString(16)}\r\n${"4".repeat(100_001)}\r\n`;
    assert.equal((await posted(t, { "Transfer-Encoding": "chunked" }, chunk)).status, 413);
  });

  test("a body of just the limit is taken", async () => {
    const session = await (await Polling.open(server)).join();
    const [head, tail] = ['42["echo","', '"]'];
    const exact = head + "x".repeat(100_000 - head.length - tail.length) + tail;
    assert.equal(Buffer.byteLength(exact), 100_000);
    assert.equal((await session.post(exact)).body, "ok");
    assert.equal((await session.poll()).body, exact);
  });

  test("a binary body is not of this protocol version", async () => {
    const session = await Polling.open(server);
    const post = await session.post("40", { "Content-Type": "application/octet-stream" });
    assert.equal(post.status, 400);
    await refused(await get(enginePath("polling", `&sid=${session.handshake.sid}`)), 400, 1);
  });

  test("other methods are refused", async () => {
    for (const method of ["PUT", "DELETE", "PATCH"]) {
      const session = await Polling.open(server);
      const { status } = await session.poll({ method });
      // Node answers 500 to a mistake of the client.
      assert.ok(
        pick({ reference: [500], rialto: [400, 405] }).includes(status),
        `${method}: ${status}`,
      );
    }
  });

  for (const body of ["", "abc", "9", "40\u001e", "40\u001e9", "2"]) {
    test(`a body that is no payload ends the session: ${JSON.stringify(body)}`, async () => {
      const session = await Polling.open(server);
      const { status } = await session.post(body);
      // Node says ok and closes without a word.
      assert.equal(status, pick({ reference: 200, rialto: 400 }));
      await refused(await get(enginePath("polling", `&sid=${session.handshake.sid}`)), 400, 1);
    });
  }
});

describe("cross-origin requests", () => {
  const good = { Origin: "http://good.test" };

  test("an origin of the list may read the answer", async () => {
    const response = await get(enginePath("polling"), { headers: good });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("access-control-allow-origin"), good.Origin);
    assert.equal(response.headers.get("access-control-allow-credentials"), "true");
    assert.match(response.headers.get("vary"), /\borigin\b/i);
    await response.arrayBuffer();
  });

  test("it may read refusals and bundles as well", async () => {
    for (const target of ["/socket.io/?EIO=4", "/socket.io/socket.io.js"]) {
      const response = await get(target, { headers: good });
      assert.equal(response.headers.get("access-control-allow-origin"), good.Origin, target);
      await response.arrayBuffer();
    }
  });

  test("a preflight request is answered at once", async () => {
    const response = await get(enginePath("polling"), {
      method: "OPTIONS",
      headers: {
        ...good,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-test",
      },
    });
    assert.equal(response.status, 204);
    assert.equal(await response.text(), "");
    const { headers } = response;
    assert.equal(headers.get("access-control-allow-origin"), good.Origin);
    assert.equal(headers.get("access-control-allow-credentials"), "true");
    assert.match(headers.get("access-control-allow-methods"), /\bGET\b.*\bPOST\b/);
    assert.equal(headers.get("access-control-allow-headers"), "content-type,x-test");
    assert.match(headers.get("vary"), /\borigin\b/i);
  });

  for (const origin of [
    "http://evil.test",
    "http://good.test.evil.test",
    "http://good.test:81",
    "http://xgood.test",
    "null",
  ]) {
    test(`${origin} may not`, async () => {
      const response = await get(enginePath("polling"), { headers: { Origin: origin } });
      // Node answers and leaves it to the browser to hide it; Rialto opens no session for it.
      assert.equal(response.status, pick({ reference: 200, rialto: 403 }));
      assert.equal(response.headers.get("access-control-allow-origin"), null);
      assert.notEqual(await response.text(), "");
    });
  }

  test("the server's own origin, and none, pass without the list", async () => {
    for (const headers of [{ Origin: server.url }, {}]) {
      const response = await get(enginePath("polling"), { headers });
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    }
  });

  test("cookies come with a foreign WebSocket too: its origin must be on the list", async (t) => {
    const handshake = async (target, Origin) => {
      const wire = new Wire(t, server);
      wire.write(requestHead(server, "GET", target, upgradeHeaders({ Origin })));
      return (await wire.response()).status;
    };
    const target = enginePath("websocket");
    assert.equal(await handshake(target, good.Origin), 101);
    assert.equal(await handshake(target, server.url), 101);
    // CORS does not apply to WebSockets, so Node lets every page in (cross-site hijacking).
    assert.equal(
      await handshake(target, "http://evil.test"),
      pick({ reference: 101, rialto: 403 }),
    );
  });
});
