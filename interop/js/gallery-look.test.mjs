// How the gallery's pages are served, look and can be used: headers, tabs, themes, widths,
// keyboard, and what axe-core has to say. With SCREENSHOTS=folder the pictures are kept.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { PAGES, SKIP, gallery, shows } from "./browser.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const RAW = ["echo", "events"];
const WIDTHS = [360, 768, 1280];
const HEIGHT = 800;

const place = gallery({ before, after });
const { visit } = place;
const address = (slug) => (slug ? `/${slug}/` : "/");
const title = (slug) => address(slug);

/** Opens the page and waits until it is at work: connected, or for raw pages with a socket open. */
async function atWork(t, slug, options) {
  const { page } = await visit(t, address(slug), options);
  if (RAW.includes(slug)) await page.click("#connect");
  await shows(page, "#badge-words", /WebSocket|Open/);
  if (slug === "transports") {
    await page.click("#run");
    await shows(page, "#status", /^Done/, 30_000);
  }
  if (slug === "chat") {
    await page.fill("#name", "Ada");
    await page.click("#enter");
    await shows(page, "#people", /Ada/);
    await page.fill("#text", "A word, so that there is something to see");
    await page.press("#text", "Enter");
    await shows(page, ".said p", /A word/);
  }
  return page;
}

describe("as it is served", { skip: SKIP }, () => {
  for (const slug of PAGES) {
    test(`headers and frame of ${title(slug)}`, async (t) => {
      const { page, response } = await visit(t, address(slug));
      assert.equal(response.status(), 200);
      const headers = response.headers();
      assert.match(headers["content-type"], /^text\/html; ?charset=utf-8$/i);
      assert.equal(headers["x-content-type-options"], "nosniff");
      const policy = headers["content-security-policy"] ?? "none";
      assert.match(policy, /default-src 'self'/);
      assert.match(policy, /connect-src 'self' ws: wss:/);
      assert.doesNotMatch(policy, /unsafe|\*|data:/);

      const source = await response.text();
      assert.doesNotMatch(source, /<script(?![^>]*\bsrc=)[^>]*>/, "an inline script");
      assert.doesNotMatch(source, /<style|\sstyle=|\son[a-z]+=/, "inline style or handler");
      assert.equal(await page.locator("h1").count(), 1);
      for (const landmark of ["header", "main", "footer", 'nav[aria-label="Gallery"]']) {
        const selector = `body > ${landmark}, body > header ${landmark}`;
        assert.equal(await page.locator(selector).count(), 1);
      }
      assert.match(await page.title(), /Rialto/);
    });
  }

  test("the policy holds: an inline script does not run", async (t) => {
    const { page } = await visit(t, "/", { allow: /Content Security Policy/ });
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.body.append(script);
      return globalThis.ran === true;
    });
    assert.equal(ran, false);
  });

  test("the style sheet stays under 16 KB", async () => {
    const sheet = await fetch(`${place.base}/shared/gallery.css`);
    assert.ok((await sheet.arrayBuffer()).byteLength < 16 * 1024);
  });
});

describe("tabs", { skip: SKIP }, () => {
  for (const slug of PAGES) {
    test(`${title(slug)} shows its own code, in both languages`, async (t) => {
      const { page } = await visit(t, address(slug));
      const name = slug || "index";
      const client = slug ? `/${slug}/${slug}.js` : "/index.js";
      const files = { client, rust: `/source/${name}.rs` };
      for (const [tab, file] of Object.entries(files)) {
        await page.click(`#tab-${tab}`);
        await shows(page, `#${tab} code`, /\S/);
        const answer = await fetch(place.base + file);
        assert.equal(answer.status, 200);
        const shown = await page.locator(`#${tab} code`).textContent();
        assert.equal(shown.trimEnd(), (await answer.text()).trimEnd());
        assert.ok((await page.locator(`#${tab} .c-keyword`).count()) > 2, "keywords are coloured");
        assert.ok(await page.locator("#demo").isHidden());
      }
      await page.click("#tab-demo");
      assert.ok(await page.locator("#demo").isVisible());
    });
  }

  test("by keyboard, and by address", async (t) => {
    const { page } = await visit(t, "/clock/#rust");
    await shows(page, "#rust code", /\S/);
    await page.locator("#tab-rust").focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.locator("#tab-demo").getAttribute("aria-selected"), "true");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await page.evaluate(() => document.activeElement.id), "tab-client");
    assert.match(page.url(), /#client$/);
    await page.keyboard.press("Home");
    assert.equal(await page.evaluate(() => document.activeElement.id), "tab-demo");
    assert.doesNotMatch(page.url(), /#/);
  });
});

describe("keyboard", { skip: SKIP }, () => {
  test("the first Tab offers to skip to the content; each stop is visible", async (t) => {
    const { page } = await visit(t, "/echo/");
    await shows(page, "#badge-words", /Not connected/);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    const stops = [];
    for (let stop = 0; stop < 12; stop += 1) {
      await page.keyboard.press("Tab");
      stops.push(
        await page.evaluate(() => {
          const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
          const name = document.activeElement.textContent.trim();
          return { name, visible: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
        }),
      );
    }
    assert.deepEqual(stops.filter(({ visible }) => !visible), []);
    const names = stops.map(({ name }) => name);
    for (const wanted of ["Rialto", "Clock", "Transports", "Demo", "Connect"]) {
      assert.ok(names.includes(wanted), `${wanted} is not among the stops ${names}`);
    }
  });

  test("targets are at least 44 pixels high or wide", async (t) => {
    for (const slug of PAGES) {
      const page = await atWork(t, slug, { viewport: { width: 360, height: HEIGHT } });
      const small = await page.evaluate(() =>
        [...document.querySelectorAll("main button, main input, .top a, .top button, .foot a")]
          .filter((target) => target.checkVisibility() && !target.closest(".pen"))
          .map((target) => [target.id || target.textContent, target.getBoundingClientRect()])
          .filter(([, { width, height }]) => height < 43.5 || width < 43.5)
          .map(([name, { width, height }]) => `${name}: ${width} × ${height}`),
      );
      assert.deepEqual(small, [], `small targets in ${title(slug)}`);
    }
  });
});

describe("themes", { skip: SKIP }, () => {
  const background = (page) =>
    page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  /** The switch follows the system's setting with the browser's next frame. */
  const pressed = (page, state) => page.waitForSelector(`#theme[aria-pressed=${state}]`);

  test("the system's theme is followed, a chosen one remembered", async (t) => {
    const { page } = await visit(t, "/clock/", { colorScheme: "light" });
    const light = await background(page);
    await pressed(page, false);
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await background(page);
    assert.notEqual(dark, light);
    await pressed(page, true);
    await page.click("#theme");
    assert.equal(await background(page), light);
    await page.goto(`${place.base}/chat/`);
    assert.equal(await background(page), light);
    await page.click("#theme");
    await page.reload();
    assert.equal(await background(page), dark);
  });
});

describe("looks", { skip: SKIP }, () => {
  const folder = process.env.SCREENSHOTS;

  for (const slug of PAGES) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${title(slug)}, ${colorScheme}: widths and axe`, async (t) => {
        const viewport = { width: WIDTHS[0], height: HEIGHT };
        const page = await atWork(t, slug, { colorScheme, viewport });
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: HEIGHT });
          const needed = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(needed <= width, `needs ${needed} of ${width} pixels`);
          if (folder) await picture(page, slug, `${colorScheme}-${width}`);
        }
        assert.deepEqual(await violations(page), []);
        await page.click("#tab-client");
        await shows(page, "#client code", /\S/);
        assert.deepEqual(await violations(page), []);
      });
    }
  }

  async function picture(page, slug, kind) {
    await mkdir(folder, { recursive: true });
    await page.evaluate(() => scrollTo(0, 0));
    const file = path.join(folder, `${slug || "index"}-${kind}.png`);
    await page.screenshot({ path: file, fullPage: true });
  }

  async function violations(page) {
    // Evaluated by the browser's own tools, which the page's policy does not bind.
    await page.evaluate(await readFile(AXE, "utf8"));
    const { violations: found, passes } = await page.evaluate(() => globalThis.axe.run());
    // An audit that looked at nothing would find nothing.
    assert.ok(passes.some(({ id }) => id === "color-contrast"), "axe has not seen the page");
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  }
});
