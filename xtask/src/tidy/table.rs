//! The tables and limits of `cargo xtask tidy`: the one file to edit when the house changes.
//!
//! An entry is a decision. Whoever adds an arrow says in the same change, in `ARCHITECTURE.md`, why
//! the lower module may know the upper one's neighbour.

/// A package of the workspace and the packages of ours that it may depend on.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Its name in the manifest.
    pub name: &'static str,
    /// Packages of this workspace that its manifest may name (in every kind of dependency).
    pub may: &'static [&'static str],
}

/// Dependencies point down only. `rialto-ws` and `rialto-protocol` stand at the bottom: each is of
/// use alone, to people who want nothing else of ours.
pub const CRATES: &[Package] = &[
    Package { name: "rialto-ws", may: &[] },
    Package { name: "rialto-protocol", may: &[] },
    Package { name: "rialto", may: &["rialto-ws", "rialto-protocol"] },
    Package { name: "rialto-cluster", may: &["rialto", "rialto-protocol"] },
    Package { name: "rialto-cli", may: PRODUCT },
    Package { name: "rialto-examples", may: PRODUCT },
    // Built on the public API alone: what it needs, users need too.
    Package { name: "contract-server", may: &["rialto", "rialto-ws"] },
    Package { name: "migrate-server", may: &["rialto"] },
    Package { name: "parsers", may: &["rialto", "rialto-protocol"] },
    Package { name: "ws-server", may: &["rialto-ws"] },
    // Members of the benchmark's own workspace: neither touches what it measures.
    Package { name: "bench-harness", may: &[] },
    Package { name: "bench-peers", may: &[] },
    Package { name: "ws-peers", may: &["rialto-ws"] },
    Package { name: "xtask", may: &[] },
];

const PRODUCT: &[&str] = &["rialto-ws", "rialto-protocol", "rialto", "rialto-cluster"];

/// The modules of one package.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The folder of its sources.
    pub folder: &'static str,
    /// Every top-level module; a module that is not here is a finding.
    pub modules: &'static [Module],
}

/// A top-level module and what it may name.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// Top-level modules of the same package that its product code may name.
    pub may: &'static [&'static str],
    /// Outside packages that its product code may not name.
    pub never: &'static [&'static str],
}

const fn module(name: &'static str, may: &'static [&'static str]) -> Module {
    Module { name, may, never: &[] }
}

/// A core: bytes and time go in, bytes and events come out; whoever does I/O stands above it.
const fn core(name: &'static str, may: &'static [&'static str]) -> Module {
    Module { name, may, never: RUNTIMES }
}

const RUNTIMES: &[&str] =
    &["tokio", "hyper", "hyper_util", "axum", "futures_core", "futures_sink", "tracing"];

/// Which module may name which. The root file (`lib.rs`, `main.rs`) puts them together and is free.
pub const LAYOUTS: &[Layout] = &[
    Layout {
        folder: "crates/rialto-protocol/src",
        modules: &[core("engine", &["reason"]), core("socketio", &["reason"]), core("reason", &[])],
    },
    Layout {
        folder: "crates/rialto-ws/src",
        modules: &[
            core("proto", &[]),
            // Pages alone.
            module("guide", &[]),
            module("error", &["proto"]),
            module("budget", &[]),
            module("options", &["budget", "proto"]),
            module("prepared", &["proto"]),
            module("head", &["error", "proto"]),
            module("io", &["budget", "prepared", "options", "error", "proto"]),
            module("streaming", &["io", "error", "proto"]),
            // A socket splits into halves and halves rejoin: one noun in two files.
            module(
                "socket",
                &["split", "streaming", "io", "prepared", "options", "error", "proto"],
            ),
            module(
                "split",
                &["socket", "streaming", "io", "prepared", "options", "error", "proto"],
            ),
            module("group", &["split", "io", "prepared", "error", "proto"]),
            module("client", &["socket", "split", "head", "io", "options", "error", "proto"]),
            module("server", &["socket", "split", "head", "io", "options", "error", "proto"]),
        ],
    },
    Layout {
        folder: "crates/rialto/src",
        modules: &[
            module(
                "server",
                &[
                    "ends", "socketio", "engine", "http", "adapter", "net", "options", "panics",
                    "error",
                ],
            ),
            module(
                "engine",
                &[
                    "ends",
                    "compression",
                    "encoded",
                    "handshake",
                    "net",
                    "options",
                    "panics",
                    "error",
                ],
            ),
            module("http", &["compression", "options", "error"]),
            module("compression", &["options"]),
            module(
                "socketio",
                &[
                    "ends",
                    "engine",
                    "adapter",
                    "encoded",
                    "parser",
                    "handshake",
                    "options",
                    "error",
                ],
            ),
            // What an adapter hands on and describes.
            module("adapter", &["encoded", "handshake", "options", "error"]),
            // The application's decision on a connection is an option.
            module("options", &["parser", "handshake", "panics", "error"]),
            module("handshake", &["error"]),
            module("encoded", &["parser", "error"]),
            module("ends", &[]),
            module("panics", &[]),
            module("parser", &["error"]),
            module("net", &[]),
            module("error", &[]),
        ],
    },
    Layout {
        folder: "crates/rialto-cli/src",
        modules: &[
            module("serve", &["gallery", "folder", "signals", "terminal"]),
            module("gallery", &[]),
            module("folder", &[]),
            module("signals", &[]),
            module("terminal", &[]),
        ],
    },
    Layout {
        folder: "xtask/src",
        modules: &[
            module("ci", &["autobahn", "fuzz", "tidy", "client", "tree"]),
            module("tidy", &["source", "lex", "tree"]),
            module("autobahn", &["tree"]),
            module("client", &["tree"]),
            module("bench", &["tree"]),
            module("fuzz", &["nightly", "tree"]),
            module("miri", &["nightly", "tree"]),
            module("nightly", &[]),
            module("source", &["lex"]),
            module("lex", &[]),
            module("tree", &[]),
        ],
    },
];

/// Files that may hold `unsafe`; each block says in a `SAFETY:` line why it is sound.
pub const UNSAFE_FILES: &[&str] = &["crates/rialto-ws/src/proto/text.rs"];

/// Longest source file, in lines, test modules inside it left out.
pub const FILE_LINES: usize = 700;
/// Longest function, in lines from its `fn` to its closing brace.
pub const FUNCTION_LINES: usize = 70;
/// Widest line of Rust, in characters.
pub const COLUMNS: usize = 100;

/// Written by a tool, not by hand: no sizes, no leftover marks. Paths and addresses still count.
pub const GENERATED: &[&str] = &["crates/rialto/client/", "Cargo.lock", "package-lock.json"];

// The words below are put together, so that looking for them does not find this file.

/// Marks of unfinished work, as whole words.
pub const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Calls that stand in for unfinished work.
pub const UNFINISHED: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!(")];

/// Folders of somebody's machine. Each counts only where a path can start.
pub const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/t", "mp/"),
    concat!("/Us", "ers/"),
];
/// Where packages are downloaded from: a matter of each machine's settings.
pub const REGISTRIES: &[&str] = &[
    concat!("arti", "factory"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
];

/// The one place Rust packages may come from, as `Cargo.lock` writes it.
pub const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
