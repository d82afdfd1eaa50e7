// Every page of the gallery does its job, in a real browser. What the pages and the server tell
// each other is written in web/gallery/EVENTS.md.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SKIP, gallery, shows } from "./browser.mjs";

const place = gallery({ before, after });
const { visit } = place;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const disabled = (page, selector) => page.locator(selector).isDisabled();
let rooms = 0;
/** A room that no other test, and no earlier run against the same server, has used. */
const freshRoom = () => `room-${process.pid}-${(rooms += 1)}`;

describe("transports in use", { skip: SKIP }, () => {
  const modes = [
    { query: "", badge: /WebSocket/, polls: true, sockets: true },
    { query: "?transport=polling", badge: /Polling/, polls: true, sockets: false },
    { query: "?transport=websocket", badge: /WebSocket/, polls: false, sockets: true },
  ];
  for (const { query, badge, polls, sockets } of modes) {
    test(`front page with "${query}"`, async (t) => {
      // From a page that speaks no Socket.IO, so that every request of the next one is seen.
      const { page } = await visit(t, "/echo/");
      const seen = { polls: false, sockets: false };
      page.on("request", (request) => (seen.polls ||= /transport=polling/.test(request.url())));
      page.on("websocket", () => (seen.sockets = true));
      await page.goto(`${place.base}/${query}`);
      await shows(page, "#badge-words", badge);
      await shows(page, "#server", /^rialto \d/);
      await shows(page, "#round-trip", /\d ms$/);
      await shows(page, "#path", sockets && polls ? /polling.*WebSocket/ : /after \d+ ms/);
      assert.deepEqual(seen, { polls, sockets });
      assert.equal(await page.getAttribute(".tile a", "href"), `/clock/${query}`);
    });
  }

  test("a line that is lost and comes back", async (t) => {
    const allow = /ERR_INTERNET_DISCONNECTED|ERR_NETWORK/;
    const { page, context } = await visit(t, "/clock/?transport=polling", { allow });
    await shows(page, "#count", /^1$/);
    await context.setOffline(true);
    await shows(page, "#badge-words", /Connecting/, 30_000);
    await shows(page, "#log", /disconnected: transport (close|error)/);
    await context.setOffline(false);
    await shows(page, "#badge-words", /Polling/, 15_000);
    await shows(page, "#log", /connected.*disconnected.*connected.*received/s);
  });
});

describe("clock", { skip: SKIP }, () => {
  test("the server's time, every five seconds", async (t) => {
    const { page } = await visit(t, "/clock/");
    await shows(page, "#server-time", /^\d\d:\d\d:\d\d$/);
    await shows(page, "#gap", /first one/);
    const gap = parseFloat(await shows(page, "#gap", /\d s$/, 6_500));
    assert.ok(gap > 4.5 && gap < 5.5, `the second message came after ${gap} s`);
    const shown = Date.parse(await page.getAttribute("#server-time", "datetime"));
    assert.ok(Math.abs(Date.now() - shown) < 2_000, `the page shows ${new Date(shown)}`);
    await page.click("#announce");
    await shows(page, "#spoken", /Server time/, 6_500);
  });
});

describe("welcome", { skip: SKIP }, () => {
  test("everyone sees who comes and goes", async (t) => {
    const first = await visit(t, "/welcome/");
    await shows(first.page, "#greeting", /^web Socket Works$/);
    const second = await visit(t, "/welcome/?transport=websocket");
    await shows(first.page, "#visitors", /^2 are here now$/);
    await second.page.click("#leave");
    await shows(second.page, "#leave", /Come back/);
    await shows(first.page, "#visitors", /alone/);
    await second.page.click("#leave");
    await shows(second.page, "#greeting", /^web Socket Works$/);
    await shows(first.page, "#log", /visit \d+.*somebody left.*visit \d+/s);
  });
});

describe("echo", { skip: SKIP }, () => {
  test("Connect, echo, the time every 2.5 seconds, Close", async (t) => {
    const { page } = await visit(t, "/echo/");
    assert.ok(await disabled(page, "#send"), "nothing to send before Connect");
    await page.click("#connect");
    await shows(page, "#state", /^open$/);
    await page.fill("#message", "<b>Grüße</b>");
    await page.press("#message", "Enter");
    await shows(page, '[data-kind="in"] .what', /^<b>Grüße<\/b>$/);
    assert.equal(await page.inputValue("#message"), "");
    const gap = parseFloat(await shows(page, "#gap", /\d ms$/, 7_000));
    assert.ok(gap > 2_300 && gap < 2_700, `two ticks were ${gap} ms apart`);
    await page.click("#close");
    await shows(page, "#log", /closed cleanly with code 1000/);
    const ticks = await page.locator('[data-kind="time"]').count();
    await pause(2_800);
    assert.equal(await page.locator('[data-kind="time"]').count(), ticks, "a tick after Close");
    await page.click("#connect");
    await shows(page, "#state", /^open$/);
  });
});

describe("events", { skip: SKIP }, () => {
  const state = (page) => page.getAttribute("[aria-current=step]", "data-state");
  const last = (page) => page.locator("#log .line").last().textContent();
  const open = async (t, options) => {
    const { page } = await visit(t, "/events/", options);
    assert.equal(await state(page), "3");
    await page.click("#connect");
    await shows(page, "[data-event=open]", /1/);
    assert.equal(await state(page), "1");
    return page;
  };

  test("text and binary come back and are shown", async (t) => {
    const page = await open(t);
    await page.fill("#text", "héllo");
    await page.press("#text", "Enter");
    await shows(page, "#log", /received: text: héllo/);
    await page.fill("#hex", "00 41 ff");
    await page.click("#send-bytes");
    await shows(page, "#log", /received: binary, 3 bytes\n00 41 ff +\.A\./);
    await page.click("#make-binary");
    await shows(page, "#log", /binary, 32 bytes\n00 01 02/);
    await page.fill("#hex", "0g");
    await page.click("#send-bytes");
    await shows(page, "#log", /Error: bytes are pairs/);
    const file = { name: "a.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(200) };
    await page.setInputFiles("#file", file);
    await shows(page, "#log", /binary, 200 bytes\n.*… and 72 more/s);
    await shows(page, "[data-event=message]", /4/);
  });

  test("closing with a code and a reason, from either side", async (t) => {
    const page = await open(t);
    await page.fill("#code", "4321");
    await page.fill("#reason", "so long: a reason");
    await page.click("#close-here");
    await shows(page, "#log", /close: code 4321, reason "so long: a reason", wasClean true/);
    assert.equal(await state(page), "3");
    await page.click("#send-text");
    assert.match(await last(page), /not sent, for the socket is not open/);

    await page.click("#connect");
    await shows(page, "[data-event=open]", /2/);
    await page.fill("#code", "3000");
    await page.click("#close-there");
    await shows(page, "#log", /close: code 3000, reason "so long: a reason", wasClean true/);

    await page.click("#connect");
    await shows(page, "[data-event=open]", /3/);
    await page.fill("#code", "1001");
    await page.click("#close-here");
    await shows(page, "#log", /InvalidAccessError/);
    await page.click("#close-there");
    await shows(page, "#log", /text: refused: a server closes with 1000 or 3000 to 4999/);
    assert.equal(await state(page), "1");
  });

  test("errors: a wrong door, too large a message, a cut line", async (t) => {
    const page = await open(t, { allow: /\/ws\/nowhere/ });
    await page.click("#missing");
    await shows(page, "[data-event=error]", /1/);
    await shows(page, "#log", /close: code 1006/);
    await page.click("#connect");
    await shows(page, "[data-event=open]", /2/);
    await page.click("#too-large");
    await shows(page, "#log", /close: code 1009/);
    await page.click("#connect");
    await shows(page, "[data-event=open]", /3/);
    await page.click("#drop");
    await shows(page, "#log", /close: code 1006(.|\n)*close: code 1009(.|\n)*close: code 1006/);
  });
});

describe("chat", { skip: SKIP }, () => {
  const enter = async (t, name, room, transport = "") => {
    const { page, context } = await visit(t, `/chat/${transport && `?transport=${transport}`}`);
    await page.fill("#name", name);
    await page.fill("#room", room);
    await page.click("#enter");
    await shows(page, "#room-title", new RegExp(`^Room ${room}$`));
    return { page, context };
  };
  const say = async (page, text) => {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  };

  test("one by polling only, one by WebSocket only", async (t) => {
    const room = freshRoom();
    const { page: ada } = await enter(t, "Ada", room, "polling");
    const { page: grace } = await enter(t, "Grace", room, "websocket");
    await shows(ada, "#badge-words", /Polling/);
    await shows(grace, "#badge-words", /WebSocket/);
    await shows(ada, "#people", /Ada \(you\)Grace/);
    await shows(ada, "#log", /Grace came in/);

    await ada.locator("#text").pressSequentially("Hi");
    await shows(grace, "#typing", /^Ada is typing/);
    await say(ada, "Hi <img src=x onerror=alert(1)> 👋");
    await shows(grace, ".said p", /^Hi <img src=x onerror=alert\(1\)> 👋$/);
    await shows(grace, "#typing", /^$/);
    await say(grace, "Ciao");
    await shows(ada, ".said:not(.mine) p", /^Ciao$/);
    assert.equal(await grace.locator(".said.mine").count(), 1);
  });

  test("whoever comes later sees what was said; rooms are apart", async (t) => {
    const [room, other] = [freshRoom(), freshRoom()];
    const { page: ada } = await enter(t, "Ada", room);
    for (const text of ["one", "two", "three"]) await say(ada, text);
    await shows(ada, ".said p", /three/);
    const { page: late } = await enter(t, "Late", room);
    const held = await late.locator(".said p").allTextContents();
    assert.deepEqual(held, ["one", "two", "three"]);

    const { page: away } = await enter(t, "Away", other);
    await shows(ada, "#rooms", new RegExp(`${other} · 1`));
    await say(away, "nobody hears this");
    await shows(away, ".said p", /nobody/);
    await ada.locator("#rooms button", { hasText: other }).click();
    await shows(ada, "#room-title", new RegExp(other));
    await shows(late, "#people-title", /: 1$/);
    await shows(late, "#log", /Ada left/);
    assert.doesNotMatch(await late.locator("#log").textContent(), /nobody/);
    await away.context().close();
    await shows(ada, "#people-title", /: 1$/);
  });

  test("a refusal is told politely, and nothing is lost", async (t) => {
    const { page } = await visit(t, "/chat/");
    await page.fill("#name", "   ");
    await page.click("#enter");
    await shows(page, "#notice", /^Not done: a name has 1 to 32 characters\.$/);
    await page.fill("#name", "Ada");
    await page.fill("#room", freshRoom());
    await page.click("#enter");
    await shows(page, "#notice", /^$/);
    // The box itself allows no more than 2000: the server must not rely on that.
    const long = "x".repeat(2001);
    await page.evaluate((text) => {
      document.getElementById("text").value = text;
      document.getElementById("say").requestSubmit();
    }, long);
    await shows(page, "#notice", /^Not done: a message has 1 to 2000 characters\.$/);
    assert.equal(await page.inputValue("#text"), long);
    assert.equal(await page.locator(".said").count(), 0);
  });

  test("the place in the room is taken again after an absence", async (t) => {
    const allow = /ERR_INTERNET_DISCONNECTED|ERR_NETWORK/;
    const room = freshRoom();
    const { page, context } = await visit(t, `/chat/?transport=polling&room=${room}`, { allow });
    await page.fill("#name", "Ada");
    await page.click("#enter");
    await shows(page, "#people", /Ada/);
    await context.setOffline(true);
    await shows(page, "#log", /You are offline/, 30_000);
    await context.setOffline(false);
    await shows(page, "#badge-words", /Polling/, 15_000);
    await say(page, "back again");
    await shows(page, ".said.mine p", /back again/);
  });
});

describe("whiteboard", { skip: SKIP }, () => {
  const draw = async (page, from, to) => {
    const { x, y, width, height } = await page.locator("#board").boundingBox();
    const at = ([a, b]) => [x + a * width, y + b * height];
    await page.mouse.move(...at(from));
    await page.mouse.down();
    await page.mouse.move(...at(to), { steps: 12 });
    await page.mouse.up();
  };
  const lines = (page, count) => shows(page, "#facts", new RegExp(`, ${count} lines?$`));
  const picture = (page) =>
    page.evaluate(() => {
      const board = document.getElementById("board");
      const { data } = board.getContext("2d").getImageData(0, 0, board.width, board.height);
      let painted = 0;
      for (let at = 3; at < data.length; at += 4) painted += data[at] > 0;
      return { painted, image: board.toDataURL() };
    });
  /** The pictures of both pages once they are equal, which one repaint later they must be. */
  const samePicture = async (one, other) => {
    let pictures;
    for (let attempt = 0; attempt < 40; attempt += 1) {
      pictures = [await picture(one), await picture(other)];
      if (pictures[0].image === pictures[1].image) return pictures[0];
      await pause(50);
    }
    return assert.fail(`the pictures differ: ${pictures.map(({ painted }) => painted)} points`);
  };
  // High enough for the whole board: a mouse reaches only what is in view.
  const viewport = { width: 900, height: 1000 };
  const emptyBoard = async (t, query = "") => {
    const { page } = await visit(t, `/whiteboard/${query}`, { viewport });
    await shows(page, "#facts", /here/);
    await page.click("#clear");
    await page.click("#sure button[value=yes]");
    await lines(page, 0);
    return page;
  };

  test("two draw, a latecomer sees the picture, undo takes one's own", async (t) => {
    const ada = await emptyBoard(t, "?transport=polling");
    const { page: grace } = await visit(t, "/whiteboard/?transport=websocket", { viewport });
    await shows(ada, "#facts", /^2 here/);
    await ada.locator("[value=red]").check({ force: true });
    await ada.locator("#width").fill("20");
    await draw(ada, [0.1, 0.1], [0.9, 0.4]);
    await draw(grace, [0.1, 0.9], [0.9, 0.6]);
    await lines(ada, 2);
    await lines(grace, 2);
    const both = await samePicture(ada, grace);
    assert.ok(both.painted > 1_000, `only ${both.painted} points are painted`);

    const { page: late } = await visit(t, "/whiteboard/", { viewport });
    await lines(late, 2);
    await samePicture(late, ada);
    assert.ok(await disabled(late, "#undo"), "the latecomer has nothing to undo");

    await grace.click("#undo");
    await lines(late, 1);
    const rest = await samePicture(late, ada);
    assert.ok(rest.painted > 0 && rest.painted < both.painted);
    await shows(grace, "#facts", /1 line$/);
    assert.ok(await disabled(grace, "#undo"), "the line left is not Grace's");
  });

  test("drawing, lifting and undoing by keyboard", async (t) => {
    const page = await emptyBoard(t);
    const { page: other } = await visit(t, "/whiteboard/", { viewport });
    await page.locator("#board").focus();
    await page.keyboard.press("Space");
    for (const key of ["ArrowRight", "ArrowRight", "Shift+ArrowDown"]) {
      await page.keyboard.press(key);
    }
    await shows(page, "#spoken", /^pen down at 820, 550$/);
    await page.keyboard.press("Space");
    await shows(page, "#spoken", /^pen up/);
    await lines(other, 1);
    await page.keyboard.press("Tab");
    await samePicture(page, other);
    await page.locator("#board").focus();
    await page.keyboard.press("Control+z");
    await lines(other, 0);
    // The words change at once, the picture with the next repaint.
    for (let attempt = 0; attempt < 40 && (await picture(other)).painted; attempt += 1) {
      await pause(50);
    }
    assert.equal((await picture(other)).painted, 0);
  });

  test("clearing asks first", async (t) => {
    const page = await emptyBoard(t);
    await draw(page, [0.2, 0.2], [0.5, 0.5]);
    await lines(page, 1);
    await page.click("#clear");
    await page.click("#sure button[value=no]");
    await page.click("#clear");
    await page.keyboard.press("Escape");
    await lines(page, 1);
  });
});

describe("transports", { skip: SKIP }, () => {
  test("the same work costs requests and bytes by polling, frames by WebSocket", async (t) => {
    const { page } = await visit(t, "/transports/");
    await page.locator("#count").fill("30");
    await page.click("#run");
    await shows(page, "#status", /^(Done|Stopped)/, 30_000);
    assert.match(await page.textContent("#status"), /^Done/);
    const cell = async (lane, row) =>
      page.textContent(`[data-lane="${lane}"][data-row="${row}"]`);
    const number = async (lane, row) => parseFloat((await cell(lane, row)).replace(",", ""));

    assert.equal(await cell("polling", "ended on"), "Polling");
    assert.equal(await cell("websocket", "ended on"), "WebSocket");
    assert.equal(await cell("upgrade", "ended on"), "WebSocket");
    for (const lane of ["polling", "websocket", "upgrade"]) {
      assert.equal(await number(lane, "messages, both ways"), 124);
      assert.ok((await number(lane, "median round trip")) > 0);
    }
    assert.ok((await number("polling", "HTTP requests")) > 60);
    assert.equal(await number("polling", "WebSocket frames"), 0);
    assert.equal(await number("websocket", "HTTP requests"), 1);
    assert.ok((await number("websocket", "WebSocket frames")) > 120);
    const upgraded = await number("upgrade", "HTTP requests");
    assert.ok(upgraded > 2 && upgraded < 30, `${upgraded} requests before the upgrade`);
    const [dear, cheap] = [
      await number("polling", "bytes per message"),
      await number("websocket", "bytes per message"),
    ];
    assert.ok(dear > 3 * cheap, `${dear} bytes by polling, ${cheap} by WebSocket`);
    await shows(page, "#badge-words", /WebSocket/);
  });
});
