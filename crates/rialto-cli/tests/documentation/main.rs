//! The Rust of the pages in `docs/` compiles: it stands once more in `lines.rs`.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

mod lines;

use std::fs;
use std::path::Path;

const LINES: &str = include_str!("lines.rs");

/// A page of `docs/`.
fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    fs::read_to_string(docs.join(name)).unwrap()
}

/// Without what rustfmt may change: white space, and commas before a closing bracket.
fn bare(code: &str) -> String {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    code.replace(",)", ")").replace(",}", "}").replace(",]", "]")
}

/// The blocks of Rust.
fn blocks(page: &str) -> Vec<String> {
    let blocks = page.split("\n```rust\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap().to_owned()).collect()
}

fn assert_compiled(place: &str, pieces: &[String], at_least: usize) {
    assert!(pieces.len() >= at_least, "{place}: only {} pieces found", pieces.len());
    let lines = bare(LINES);
    for piece in pieces {
        assert!(lines.contains(&bare(piece)), "{place}: not in lines.rs:\n{piece}");
    }
}

#[test]
fn every_block() {
    for (name, at_least) in [("quickstart.md", 4), ("routes.md", 3), ("options.md", 1)] {
        assert_compiled(name, &blocks(&page(name)), at_least);
    }
}
