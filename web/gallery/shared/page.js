// The frame of every page: head with navigation, badge and theme switch, the three tabs, foot.
// The page itself only names itself: <body data-page="chat">, and holds <section id="demo">.

import { showState } from "./badge.js";
import { withTransport, wantedTransport } from "./connection.js";
import { byId, el, icon, svg } from "./dom.js";
import { PAGES } from "./pages.js";
import { buildTabs } from "./tabs.js";

const slug = document.body.dataset.page;
const raw = PAGES.some((page) => page.slug === slug && page.raw);

function themeButton() {
  const button = el(
    "button",
    { type: "button", id: "theme", class: "quiet square", "aria-label": "Dark theme" },
    icon("theme"),
  );
  const show = () => {
    button.setAttribute("aria-pressed", String(rialtoTheme.current() === "dark"));
  };
  button.addEventListener("click", rialtoTheme.toggle);
  document.addEventListener("themechange", show);
  show();
  return button;
}

function navigation() {
  const links = PAGES.map((page) => {
    const here = page.slug === slug;
    const href = withTransport(`/${page.slug}/`);
    return el("li", {}, el("a", { href, "aria-current": here && "page" }, page.title));
  });
  return el("nav", { "aria-label": "Gallery" }, el("ul", {}, ...links));
}

function badge() {
  return el(
    "p",
    { id: "badge", class: "badge", "data-state": raw ? "idle" : "waiting" },
    el("span", { class: "dot", "aria-hidden": "true" }),
    el("span", { id: "badge-words", role: "status" }, raw ? "Not connected yet" : "Connecting"),
    el("span", { id: "badge-detail" }),
  );
}

function buildHead() {
  const brand = el(
    "a",
    { class: "brand", href: withTransport("/"), "aria-current": slug === "index" && "page" },
    svg("svg", { "aria-hidden": "true" }, svg("use", { href: "/shared/icons.svg#rialto" })),
    "Rialto",
  );
  document.querySelector(".top").append(brand, navigation(), badge(), themeButton());
  const here = document.querySelector("nav [aria-current]");
  // The strip of links scrolls on a narrow screen: start where the reader is.
  if (here) here.closest("ul").scrollLeft = here.offsetLeft - 16;
}

function transportChoice() {
  const choice = (transport, words) => {
    const href = transport === "upgrade" ? location.pathname : `?transport=${transport}`;
    const here = wantedTransport() === transport && "true";
    return el("li", {}, el("a", { href, "aria-current": here }, words));
  };
  return el(
    "nav",
    { "aria-label": "Transport of this page" },
    el("span", {}, "Connect with"),
    el(
      "ul",
      {},
      choice("upgrade", "polling, then upgrade"),
      choice("polling", "polling only"),
      choice("websocket", "WebSocket only"),
    ),
  );
}

function buildFoot() {
  const foot = document.querySelector(".foot");
  if (!raw) foot.append(transportChoice());
  foot.append(
    el("p", {}, "Rialto: real time for Rust. No cookie, no tracker, nothing from elsewhere."),
  );
}

buildHead();
// Served without its Socket.IO client (an option of the server), a page can only say so.
if (!raw && typeof globalThis.io !== "function") showState("offline", "No client script");
buildTabs(byId("demo"), slug);
buildFoot();
