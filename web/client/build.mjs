// Makes the bundles from src/. `cargo xtask client` calls it.
//
//   node build.mjs               writes crates/rialto/client/, which the library builds in
//   node build.mjs --out FOLDER  writes the same files elsewhere, byte for byte
//   node build.mjs --sizes       prints how large the bundles are

import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync, gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const bundles = path.resolve(here, "../../crates/rialto/client");

const banner = "/*! Rialto client, API-compatible with socket.io-client 4 - MIT OR Apache-2.0 */";

const outputs = [
  { outfile: "socket.io.js", entry: "classic.js", format: "iife", minify: false },
  { outfile: "socket.io.min.js", entry: "classic.js", format: "iife", minify: true },
  { outfile: "socket.io.esm.min.js", entry: "index.js", format: "esm", minify: true },
  {
    outfile: "socket.io.msgpack.min.js",
    entry: "classic.js",
    format: "iife",
    minify: true,
    parser: "msgpack/parser.js",
  },
];

/** Gives the manager another default parser; the one that nobody asks for is left out then. */
const withParser = (file) => ({
  name: "parser",
  setup({ onResolve }) {
    onResolve({ filter: /\/parser\.js$/ }, ({ importer }) => {
      const replaced = path.basename(importer) === "manager.js";
      return replaced ? { path: path.join(here, "src", file) } : undefined;
    });
  },
});

/** Another version of esbuild makes other bytes, and the comparison would blame the sources. */
async function requirePinnedVersion(esbuild) {
  const { devDependencies } = JSON.parse(await readFile(path.join(here, "package.json"), "utf8"));
  if (esbuild.version === devDependencies.esbuild) return;
  throw new Error(
    `esbuild ${esbuild.version} is installed, ${devDependencies.esbuild} is pinned: run npm ci`,
  );
}

async function build(folder) {
  const esbuild = await import("esbuild");
  await requirePinnedVersion(esbuild);
  await mkdir(folder, { recursive: true });
  for (const { outfile, entry, format, minify, parser } of outputs) {
    const { outputFiles } = await esbuild.build({
      absWorkingDir: here,
      entryPoints: [`src/${entry}`],
      // Always named as if beside src/: the paths in the source maps do not depend on the folder.
      outfile: path.join(here, "dist", outfile),
      write: false,
      bundle: true,
      format,
      minify,
      target: "es2022",
      charset: "utf8",
      plugins: parser ? [withParser(parser)] : [],
      sourcemap: true,
      legalComments: "none",
      banner: { js: banner },
      logLevel: "warning",
    });
    for (const file of outputFiles) {
      await writeFile(path.join(folder, path.basename(file.path)), file.contents);
    }
  }
}

async function printSizes() {
  const names = (await readdir(bundles)).filter((name) => name.endsWith(".js")).sort();
  for (const name of names) {
    const bytes = await readFile(path.join(bundles, name));
    const sizes = [bytes, gzipSync(bytes, { level: 9 }), brotliCompressSync(bytes)];
    const [plain, gzip, brotli] = sizes.map(({ length }) => String(length).padStart(7));
    console.log(`${name.padEnd(25)}${plain} bytes${gzip} gzip${brotli} brotli`);
  }
}

const { values } = parseArgs({
  options: { out: { type: "string" }, sizes: { type: "boolean", default: false } },
});
if (values.sizes) await printSizes();
else await build(path.resolve(values.out ?? bundles));
