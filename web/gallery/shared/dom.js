// The few DOM words that every page shares. Everything that came over the network enters the
// page as text (textContent, append), never as HTML: then no message can become a script.

const SVG = "http://www.w3.org/2000/svg";

/** The element with this id; a missing one is a fault of the page and says so. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`this page has no element #${id}`);
  return found;
}

/**
 * Builds one element. `attributes`: `onclick` and the like become listeners, `true` an empty
 * attribute, `false` and null are left out. Children are nodes or strings.
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** One drawing of `icons.svg`; decoration only, so the words stand beside it. */
export function icon(name) {
  const use = svg("use", { href: `/shared/icons.svg#${name}` });
  return svg("svg", { class: "icon", "aria-hidden": "true", focusable: "false" }, use);
}

/** "14:03:05" in the reader's own time zone. */
export function clockTime(unixMs) {
  return new Date(unixMs).toLocaleTimeString([], { hour12: false });
}

/** "1,234 B", "12.3 kB": bytes as people read them. */
export function bytes(count) {
  if (count < 10_000) return `${count.toLocaleString("en")} B`;
  const [size, unit] = count < 1e6 ? [count / 1e3, "kB"] : [count / 1e6, "MB"];
  return `${size.toFixed(1)} ${unit}`;
}
