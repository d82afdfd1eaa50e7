//! Files and public items that do not say what they are.
//!
//! rustc's own lint sees what is reachable from outside, fields and variants included; this check
//! sees every `pub` item, also in modules that are private today.

use super::Finding;
use crate::source::Source;

const WHY: &str = "whoever reads it must not have to guess";
const KINDS: &[&str] = &["fn", "struct", "enum", "union", "trait", "type", "static", "mod"];
const QUALIFIERS: &[&str] = &["const", "async", "unsafe", "safe", "extern", "default", "mut"];

/// Checks a Rust file: its first line, and each public item outside tests.
#[must_use]
pub fn check(file: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !opens_with_docs(&file.text) {
        let mend = "begin with a `//!` line that says what the file is for";
        findings.push(Finding::new(&file.path, 1, "no `//!`").because(WHY, mend));
    }
    let lines = Lines::new(file);
    for index in 0..lines.code.len() {
        let Some((kind, name)) = public_item(lines.code[index]) else { continue };
        if !file.in_test(lines.starts[index]) && !lines.documented(index) {
            let what = format!("public {kind} `{name}` is not documented");
            let mend = "say what it is, with units, bounds and errors";
            findings.push(Finding::new(&file.path, index + 1, what).because(WHY, mend));
        }
    }
    findings
}

fn opens_with_docs(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| {
        let plain = line.starts_with("//") && !line.starts_with("//!");
        !line.is_empty() && !plain && !line.starts_with("#!")
    });
    first.is_some_and(|line| line.starts_with("//!"))
}

/// Kind and name of the public item that a line of code begins. `pub(crate)` is not public, and
/// `pub use` and `pub mod x;` carry their words in the file they name.
fn public_item(line: &str) -> Option<(&str, &str)> {
    let mut words = line.trim_start().strip_prefix("pub ")?.split_whitespace().peekable();
    let mut last = "";
    while let Some(word) = words.next_if(|word| QUALIFIERS.contains(word)) {
        last = word;
    }
    let constant = last == "const" && words.peek().is_some_and(|word| !KINDS.contains(word));
    let kind = if constant { "const" } else { words.next()? };
    let known = constant || KINDS.contains(&kind);
    let word = words.find(|word| !QUALIFIERS.contains(word))?;
    let end = word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len());
    let elsewhere = kind == "mod" && word.ends_with(';');
    (known && !elsewhere && end > 0).then_some((kind, &word[..end]))
}

/// A file line by line: code, and whether rustdoc reads it.
struct Lines<'a> {
    code: Vec<&'a str>,
    text: Vec<&'a str>,
    starts: Vec<usize>,
    doc: Vec<bool>,
}

impl<'a> Lines<'a> {
    fn new(file: &'a Source) -> Self {
        let code: Vec<&str> = file.code.split('\n').collect();
        let text: Vec<&str> = file.text.split('\n').collect();
        let mut starts = vec![0];
        starts.extend(file.text.match_indices('\n').map(|(at, _)| at + 1));
        let mut doc = vec![false; code.len()];
        for comment in file.comments.iter().filter(|comment| comment.doc) {
            let last = file.line(comment.range.end - 1);
            doc[file.line(comment.range.start) - 1..last].fill(true);
        }
        Self { code, text, starts, doc }
    }

    /// Looks upwards from an item, over its attributes and plain comments.
    fn documented(&self, item: usize) -> bool {
        let mut open_brackets = 0_i32;
        for index in (0..item).rev() {
            let code = self.code[index].trim();
            let brackets = |c| i32::try_from(code.matches(c).count()).unwrap_or(i32::MAX);
            if open_brackets == 0 && self.doc[index] {
                return true;
            }
            let attribute = code.starts_with("#[") || code.starts_with("$(#[");
            let comment = code.is_empty() && !self.text[index].trim().is_empty();
            let inside = open_brackets > 0 || code.ends_with(']');
            if !attribute && !comment && !inside {
                return false;
            }
            if code.starts_with("#[doc") || code.starts_with("$(#[") {
                return true;
            }
            open_brackets += brackets(']') - brackets('[');
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        check(&Source::new("src/a.rs", text)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_file_without_a_head_is_found() {
        assert_eq!(found("use std::fmt;\n"), ["no `//!`"]);
        assert_eq!(found(""), ["no `//!`"]);
        assert!(found("// licence\n#![allow(x)]\n//! Head.\n").is_empty());
    }

    #[test]
    fn each_kind_of_public_item_needs_words() {
        for (item, what) in [
            ("pub fn f() {}", "fn `f`"),
            ("pub async unsafe fn f() {}", "fn `f`"),
            ("pub const fn f() {}", "fn `f`"),
            ("pub const N: usize = 1;", "const `N`"),
            ("pub static mut N: usize = 1;", "static `N`"),
            ("pub struct S;", "struct `S`"),
            ("pub enum E<T> {}", "enum `E`"),
            ("pub trait T: Send {}", "trait `T`"),
            ("pub type T = u8;", "type `T`"),
            ("pub extern \"C\" fn f() {}", "fn `f`"),
            ("pub mod m {}", "mod `m`"),
        ] {
            assert_eq!(
                found(&format!("//! x\n\n{item}\n")),
                [format!("public {what} is not documented")]
            );
            assert!(found(&format!("//! x\n\n/// Words.\n{item}\n")).is_empty(), "{item}");
        }
    }

    #[test]
    fn words_may_stand_above_attributes_and_comments() {
        let item = "/// Words.\n#[derive(\n    Debug,\n)]\n// Why.\n#[must_use]\npub struct S;\n";
        assert!(found(&format!("//! x\n{item}")).is_empty());
        assert!(found("//! x\n#[doc = \"words\"]\npub fn f() {}").is_empty());
    }

    #[test]
    fn another_items_words_do_not_count() {
        assert_eq!(found("//! x\n\n/// Words.\npub fn f() {}\npub fn g() {}\n").len(), 1);
        assert_eq!(found("//! x\n\n/// Words.\n\npub fn f() {}\n").len(), 1);
    }

    #[test]
    fn what_is_not_public_or_speaks_elsewhere_passes() {
        let text = "//! x\n\npub(crate) fn f() {}\npub use a::B;\npub mod m;\nfn g() {}\n\
                    #[cfg(test)]\nmod tests {\n    pub fn h() {}\n}\n";
        assert!(found(text).is_empty());
    }
}
