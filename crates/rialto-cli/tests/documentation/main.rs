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

/// The second cell of each row whose second cell is code: the Rust of a table.
fn rows(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.split(" | ").nth(1));
    let code = cells.filter_map(|cell| cell.trim_end_matches(" |").strip_prefix('`'));
    code.filter_map(|cell| cell.split('`').next()).map(|cell| cell.replace("\\|", "|")).collect()
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
fn every_row_of_the_table_for_node_users() {
    assert_compiled("migrate.md", &rows(&page("migrate.md")), 80);
}

#[test]
fn every_block() {
    for (name, at_least) in
        [("migrate.md", 3), ("quickstart.md", 4), ("routes.md", 3), ("options.md", 1)]
    {
        assert_compiled(name, &blocks(&page(name)), at_least);
    }
}
