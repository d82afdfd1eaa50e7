//! `docs/options.md` says what the code does: each field of each type of options, and its default.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use rialto::{ConnectionStateRecovery, Cookie, Cors, HttpCompression, Options};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// The page.
fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/options.md");
    std::fs::read_to_string(path).unwrap()
}

/// The fields of a value and their values, as `Debug` shows them; what has a type of its own is
/// shown by the type's name.
fn fields(value: &impl Debug) -> BTreeMap<String, String> {
    let shown = format!("{value:#?}");
    let mut fields = BTreeMap::new();
    let mut open: Option<(String, String)> = None;
    for line in shown.lines().skip(1) {
        let depth = line.len() - line.trim_start().len();
        let line = line.trim();
        match (&mut open, line.split_once(": ")) {
            (Some((name, value)), _) if depth == 4 => {
                value.push_str(line.trim_end_matches(','));
                fields.insert(std::mem::take(name), shorten(value));
                open = None;
            }
            (Some((_, value)), _) => value.push_str(&line.replace(',', ", ")),
            (None, Some((name, start))) if start.ends_with(['{', '[', '(']) => {
                open = Some((name.to_owned(), start.to_owned()));
            }
            (None, Some((name, value))) => {
                fields.insert(name.to_owned(), value.trim_end_matches(',').to_owned());
            }
            (None, None) => {}
        }
    }
    fields
}

/// `[A, B, ]` is `[A, B]`, and `Some(Type {…}, )` is `Some(Type)`.
fn shorten(value: &str) -> String {
    let value = value.replace(", ]", "]").replace(", )", ")").replace(", }", "}");
    match (value.find(" {"), value.rfind('}')) {
        (Some(from), Some(to)) => format!("{}{}", &value[..from], &value[to + 1..]),
        _ => value,
    }
}

/// The first and third column of the tables below these headings.
fn rows(page: &str, headings: &[&str]) -> BTreeMap<String, String> {
    let mut rows = BTreeMap::new();
    let mut heading = "";
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text;
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if !headings.contains(&heading) || cells.len() < 5 || !cells[1].starts_with('`') {
            continue;
        }
        let bare = |cell: &str| cell.trim_matches('`').to_owned();
        assert!(!cells[4].is_empty(), "{line}");
        assert!(rows.insert(bare(cells[1]), bare(cells[3])).is_none(), "twice: {line}");
    }
    rows
}

#[test]
fn every_option_stands_on_the_page_with_its_default() {
    let page = page();
    let options = ["Of the server", "Of the engine", "Limits and times of Rialto's own"];
    assert_eq!(rows(&page, &options), fields(&Options::default()), "left: docs/options.md");
    for (heading, fields) in [
        ("`ConnectionStateRecovery`", fields(&ConnectionStateRecovery::default())),
        ("`HttpCompression`", fields(&HttpCompression::default())),
        ("`Cookie`", fields(&Cookie::default())),
        ("`Cors`", fields(&Cors::new(["*"]))),
    ] {
        assert_eq!(rows(&page, &[heading]), fields, "left: docs/options.md, {heading}");
    }
}
