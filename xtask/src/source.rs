//! A Rust file as the checks see it: text, code without literals, lines, and which part is a test.

use std::ops::Range;

use crate::lex::{self, Comment};

/// One Rust file.
#[derive(Debug)]
pub struct Source {
    /// Relative to the project's folder, `/` between names.
    pub path: String,
    /// As it stands.
    pub text: String,
    /// The text with comments and literals blanked; the same length, the same lines.
    pub code: String,
    /// Every comment, in order.
    pub comments: Vec<Comment>,
    starts: Vec<usize>,
    tests: Vec<Range<usize>>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where its `fn` stands, in bytes.
    pub at: usize,
    /// Lines from the `fn` to the closing brace, both included.
    pub lines: usize,
}

impl Source {
    /// Reads `text` as the file at `path`.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        let masked = lex::mask(text);
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            starts: starts.collect(),
            code: masked.code,
            comments: masked.comments,
            tests: Vec::new(),
        };
        source.tests = source.test_parts();
        source
    }

    /// The line of a byte, counted from 1.
    #[must_use]
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// How many lines there are, those of test modules left out.
    #[must_use]
    pub fn product_lines(&self) -> usize {
        let all = self.text.lines().count();
        let tests = self.tests.iter().map(|part| self.line(part.end - 1) - self.line(part.start));
        all.saturating_sub(tests.map(|lines| lines + 1).sum())
    }

    /// Whether a byte belongs to a test: a test file, a test module or a test function.
    #[must_use]
    pub fn in_test(&self, at: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|part| part.contains(&at))
    }

    /// Whether the file holds nothing but tests, by its place or its name.
    #[must_use]
    pub fn is_test_file(&self) -> bool {
        let mut names = self.path.rsplit('/');
        let file = names.next().unwrap_or_default();
        file == "tests.rs"
            || file.ends_with("_tests.rs")
            || names.any(|name| matches!(name, "tests" | "benches"))
            || self.code.trim_start().starts_with("#![cfg(test)]")
    }

    /// Where `word` stands in the code as an identifier of its own.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let bytes = self.code.as_bytes();
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let before = at.checked_sub(1).map(|before| bytes[before]);
            let after = bytes.get(at + word.len()).copied();
            !before.is_some_and(lex::is_word) && !after.is_some_and(lex::is_word)
        })
    }

    /// The identifier at `at`, blanks before it skipped; empty where there is none.
    #[must_use]
    pub fn word_at(&self, at: usize) -> &str {
        let rest = self.code[at.min(self.code.len())..].trim_start();
        let end = rest.bytes().position(|byte| !lex::is_word(byte)).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Every function that has a body, test functions too.
    #[must_use]
    pub fn functions(&self) -> Vec<Function> {
        self.words("fn").filter_map(|at| self.function(at)).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let name = self.word_at(at + 2);
        // `fn(u8) -> u8` is a type; it has no name.
        if name.is_empty() {
            return None;
        }
        let body = self.body(at)?;
        let lines = self.line(body.end - 1) - self.line(at) + 1;
        Some(Function { name: name.to_owned(), at, lines })
    }

    /// The braces that belong to the item at `at`, if it has a body.
    #[must_use]
    pub fn body(&self, at: usize) -> Option<Range<usize>> {
        let mut depth = 0_usize;
        for (offset, byte) in self.code.bytes().enumerate().skip(at) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.saturating_sub(1),
                b'{' if depth == 0 => return Some(offset..self.closing_brace(offset)),
                b';' if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// The end (exclusive) of the braces that open at `open`.
    #[must_use]
    pub fn closing_brace(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (offset, byte) in self.code.bytes().enumerate().skip(open) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            if depth == 0 {
                return offset + 1;
            }
        }
        self.code.len()
    }

    /// The bodies behind `#[cfg(test)]`, `#[test]`, `#[tokio::test]` and the like; outermost only.
    fn test_parts(&self) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        for (at, _) in self.code.match_indices("#[") {
            let inside_other = parts.last().is_some_and(|part| part.contains(&at));
            let end = self.code[at..].find(']').map_or(self.code.len(), |end| at + end);
            if !inside_other && is_test_attribute(&self.code[at + 2..end]) {
                let from = (end + 1).min(self.code.len());
                parts.extend(self.body(from).map(|body| at..body.end));
            }
        }
        parts
    }
}

/// Whether an attribute (what stands between `#[` and the first `]`) makes its item a test.
fn is_test_attribute(attribute: &str) -> bool {
    let path = attribute.split('(').next().unwrap_or_default().trim();
    let inner = &attribute[path.len().min(attribute.len())..];
    if path == "cfg" {
        let words: Vec<&str> = inner.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        return words.contains(&"test") && !words.contains(&"not");
    }
    path.rsplit("::").next() == Some("test") || attribute.trim_start().starts_with("proptest")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn a(x: [u8; 2]) -> fn(u8) {\n    x\n}\n\n\
                        trait T {\n    fn none(&self);\n}\n\n\
                        #[cfg(test)]\nmod tests {\n    #[test]\n    fn b() {\n    }\n}\n";

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        let source = Source::new("src/a.rs", TEXT);
        let found: Vec<_> = source.functions().into_iter().map(|f| (f.name, f.lines)).collect();
        assert_eq!(found, [("a".to_owned(), 3), ("b".to_owned(), 2)]);
    }

    #[test]
    fn test_modules_are_set_aside() {
        let source = Source::new("src/a.rs", TEXT);
        assert!(!source.in_test(0));
        assert!(source.in_test(TEXT.find("fn b").unwrap()));
        assert_eq!(source.product_lines(), 8);
        assert!(Source::new("crates/x/tests/a.rs", "fn f() {}").in_test(0));
    }

    #[test]
    fn attributes_that_make_tests() {
        for yes in ["test", "tokio::test", "tokio::test(flavor = \"x\")", "cfg(test)"] {
            assert!(is_test_attribute(yes), "{yes}");
        }
        assert!(is_test_attribute("cfg(all(test, unix))"));
        for no in ["cfg(not(test))", "cfg(unix)", "must_use", "doc"] {
            assert!(!is_test_attribute(no), "{no}");
        }
    }

    #[test]
    fn words_are_whole_identifiers_of_code() {
        let source = Source::new("a.rs", "unsafe_code; \"unsafe\" /* unsafe */ unsafe { }");
        assert_eq!(source.words("unsafe").count(), 1);
        assert_eq!(source.line(0), 1);
    }
}
