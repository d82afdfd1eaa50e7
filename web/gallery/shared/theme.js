// Runs before the first paint (a classic script in <head>), so that a remembered theme never
// flashes. Without a remembered choice the page follows the system's own setting.
(() => {
  "use strict";
  const KEY = "rialto.theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : null;
    } catch {
      return null; // storage may be blocked; the system's setting is then enough
    }
  }

  function current() {
    return root.dataset.theme ?? (system.matches ? "dark" : "light");
  }

  function announce() {
    document.dispatchEvent(new CustomEvent("themechange", { detail: current() }));
  }

  function toggle() {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      // the choice then lasts for this page only
    }
    announce();
  }

  const remembered = stored();
  if (remembered) root.dataset.theme = remembered;
  system.addEventListener("change", announce);
  globalThis.rialtoTheme = { current, toggle };
})();
