// Shows a source file as text with line numbers and a little colour. One regular expression per
// language finds comments, strings, numbers and words; what it does not know stays plain.

import { el } from "./dom.js";

const JS_WORDS =
  "async await break case catch class const continue default delete do else export extends " +
  "false finally for from function get if import in instanceof let new null of return set " +
  "static super switch this throw true try typeof undefined var void while yield";
const RUST_WORDS =
  "as async await break const continue crate dyn else enum extern false fn for if impl in let " +
  "loop match mod move mut pub ref return self Self static struct super trait true type unsafe " +
  "use where while";

const LANGUAGES = {
  js: {
    words: new Set(JS_WORDS.split(" ")),
    tokens: new RegExp(
      [
        String.raw`(?<comment>\/\/[^\n]*|\/\*[^]*?\*\/)`,
        String.raw`(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|` + "`(?:\\\\.|[^`\\\\])*`)",
        String.raw`(?<number>\b\d[\w.]*)`,
        String.raw`(?<word>[A-Za-z_$][\w$]*)`,
      ].join("|"),
      "g",
    ),
  },
  rust: {
    words: new Set(RUST_WORDS.split(" ")),
    tokens: new RegExp(
      [
        String.raw`(?<comment>\/\/[^\n]*|\/\*[^]*?\*\/)`,
        String.raw`(?<string>b?r(?<h>#*)"[^]*?"\k<h>|b?"(?:\\[^]|[^"\\])*"` +
          String.raw`|b?'(?:\\.[^']*|[^'\\])')`,
        String.raw`(?<meta>#!?\[[^\]]*\]|\b[a-z_]\w*!(?!=)|'[a-z_]\w*)`,
        String.raw`(?<number>\b\d[\w]*(?:\.\d[\w]*)?)`,
        String.raw`(?<word>[A-Za-z_]\w*)`,
      ].join("|"),
      "g",
    ),
  },
};

/** The source cut into `[kind, text]`; kind is "" for plain text. */
export function tokenize(source, language) {
  const { tokens, words } = LANGUAGES[language];
  const parts = [];
  let at = 0;
  for (const match of source.matchAll(tokens)) {
    if (match.index > at) parts.push(["", source.slice(at, match.index)]);
    parts.push([kindOf(match, words), match[0]]);
    at = match.index + match[0].length;
  }
  if (at < source.length) parts.push(["", source.slice(at)]);
  return parts;
}

function kindOf({ 0: text, groups }, words) {
  for (const kind of ["comment", "string", "meta", "number"]) {
    if (groups[kind] !== undefined) return kind;
  }
  if (words.has(text)) return "keyword";
  return /^[A-Z][a-z]/.test(text) ? "type" : "";
}

/** The parts as lines: a comment or string over several lines is cut at each line's end. */
function toLines(parts) {
  const lines = [[]];
  for (const [kind, text] of parts) {
    text.split("\n").forEach((piece, index) => {
      if (index > 0) lines.push([]);
      if (piece) lines.at(-1).push(kind ? el("span", { class: `c-${kind}` }, piece) : piece);
    });
  }
  return lines;
}

/** Fetches `file` into `panel`, once; a failure is said in words and tried again next time. */
export async function showCode(panel, file, language) {
  if (panel.dataset.loaded) return;
  panel.dataset.loaded = "yes";
  panel.replaceChildren(el("p", { role: "status" }, `Loading ${file} …`));
  try {
    const answer = await fetch(file);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    panel.replaceChildren(...listing(file, (await answer.text()).trimEnd(), language));
  } catch (problem) {
    delete panel.dataset.loaded;
    panel.replaceChildren(
      el("p", { role: "alert", class: "notice" }, `${file} cannot be shown: ${problem.message}.`),
    );
  }
}

function listing(file, source, language) {
  const lines = toLines(tokenize(source, language)).map((parts) =>
    el("span", { class: "row" }, ...parts, "\n"),
  );
  const copied = el("span", { role: "status" });
  const copy = el("button", { type: "button", class: "quiet" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source);
      copied.textContent = "Copied";
    } catch {
      copied.textContent = "Copying is not allowed here: select the text instead";
    }
  });
  return [
    el(
      "div",
      { class: "bar" },
      el("a", { href: file }, file),
      el("span", { class: "muted" }, `${lines.length} lines`),
      copied,
      copy,
    ),
    el(
      "pre",
      { tabindex: "0", role: "region", "aria-label": `Source of ${file}` },
      el("code", {}, ...lines),
    ),
  ];
}
