// The tabs "Demo | Client code | Rust code". Code is fetched when its tab is first opened, so it
// is the very file that runs, never a copy that went stale.

import { showCode } from "./code.js";
import { el } from "./dom.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** Puts the tabs above `demo`, which becomes the first panel. */
export function buildTabs(demo, slug) {
  const client = slug === "index" ? "/index.js" : `/${slug}/${slug}.js`;
  const tabs = [
    { id: "demo", label: slug === "index" ? "Gallery" : "Demo", panel: demo },
    { id: "client", label: "Client code", file: client, language: "js" },
    { id: "rust", label: "Rust code", file: `/source/${slug}.rs`, language: "rust" },
  ];
  const list = el("div", { role: "tablist", "aria-label": "Demo and code", class: "tabs" });
  for (const tab of tabs) addTab(tab, list);
  demo.before(list);
  demo.after(...tabs.slice(1).map((tab) => tab.panel));

  const select = (wanted, focus = true) => {
    for (const tab of tabs) {
      const chosen = tab === wanted;
      tab.button.setAttribute("aria-selected", String(chosen));
      tab.button.tabIndex = chosen ? 0 : -1;
      tab.panel.hidden = !chosen;
    }
    if (focus) wanted.button.focus();
    if (wanted.file) showCode(wanted.panel, wanted.file, wanted.language);
    const hash = wanted.id === "demo" ? location.pathname + location.search : `#${wanted.id}`;
    history.replaceState(null, "", hash);
  };
  for (const tab of tabs) tab.button.addEventListener("click", () => select(tab));
  list.addEventListener("keydown", (event) => {
    const next = neighbour(tabs, event.key);
    if (!next) return;
    event.preventDefault();
    select(next);
  });
  select(tabs.find((tab) => location.hash === `#${tab.id}`) ?? tabs[0], false);
}

function addTab(tab, list) {
  tab.panel ??= el("section", { id: tab.id, class: "code-panel" });
  tab.button = el(
    "button",
    { type: "button", role: "tab", id: `tab-${tab.id}`, "aria-controls": tab.id },
    tab.label,
  );
  tab.panel.setAttribute("role", "tabpanel");
  tab.panel.setAttribute("aria-labelledby", tab.button.id);
  list.append(tab.button);
}

function neighbour(tabs, key) {
  const at = tabs.findIndex((tab) => tab.button.getAttribute("aria-selected") === "true");
  if (key in STEPS) return tabs[(at + STEPS[key] + tabs.length) % tabs.length];
  if (key === "Home") return tabs[0];
  if (key === "End") return tabs[tabs.length - 1];
  return null;
}
