//! A small lexer for Rust: tells code from comments and literals, nothing more.
//!
//! The checks look for words in code. A string that holds such a word, or a comment that speaks of
//! it, must not count: [`mask`] blanks them and leaves every other byte where it was.

use std::ops::Range;

/// A comment's place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Bytes of the comment, its marks included.
    pub range: Range<usize>,
    /// Whether rustdoc reads it (`///`, `//!`, `/**`, `/*!`).
    pub doc: bool,
}

/// Rust text with its comments and literals blanked.
#[derive(Debug)]
pub struct Masked {
    /// As long as the text, line breaks in the same places.
    pub code: String,
    /// Every comment, in order.
    pub comments: Vec<Comment>,
}

/// Blanks comments, strings (raw, byte and C strings too) and character literals.
///
/// Lifetimes and loop labels stay. Text that is not valid Rust is masked to its end at worst.
#[must_use]
pub fn mask(text: &str) -> Masked {
    let mut scanner = Scanner { text, at: 0, code: text.as_bytes().to_vec(), comments: Vec::new() };
    while scanner.at < text.len() {
        scanner.step();
    }
    // Whole tokens were blanked byte by byte, so what is left is still valid UTF-8.
    let code = String::from_utf8_lossy(&scanner.code).into_owned();
    Masked { code, comments: scanner.comments }
}

/// Whether a byte can be part of an identifier (every non-ASCII byte is taken as such).
#[must_use]
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    code: Vec<u8>,
    comments: Vec<Comment>,
}

impl Scanner<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        if rest.starts_with("//") {
            let doc =
                (rest.starts_with("///") && !rest.starts_with("////")) || rest.starts_with("//!");
            let length = rest.find('\n').unwrap_or(rest.len());
            self.comment(length, doc);
        } else if rest.starts_with("/*") {
            let doc =
                (rest.starts_with("/**") && !rest.starts_with("/***")) || rest.starts_with("/*!");
            self.comment(block_comment(rest), doc && !rest.starts_with("/**/"));
        } else if let Some(length) = self.literal(rest) {
            self.blank(length);
        } else {
            self.at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }

    fn comment(&mut self, length: usize, doc: bool) {
        self.comments.push(Comment { range: self.at..self.at + length, doc });
        self.blank(length);
    }

    fn blank(&mut self, length: usize) {
        let end = (self.at + length).min(self.code.len());
        for byte in &mut self.code[self.at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        self.at = end;
    }

    /// The length of the literal that starts here, if one does.
    fn literal(&self, rest: &str) -> Option<usize> {
        let inside_word = self.at > 0 && is_word(self.text.as_bytes()[self.at - 1]);
        match rest.as_bytes()[0] {
            b'"' => Some(1 + quoted(&rest[1..], b'"')),
            b'\'' => character(rest),
            b'b' | b'c' | b'r' if !inside_word => prefixed(rest),
            _ => None,
        }
    }
}

/// Length of a block comment; they nest.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

/// Length of what follows an opening quote, up to and with the closing one.
fn quoted(rest: &str, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A character literal, as opposed to a lifetime: one character (or an escape) between quotes.
fn character(rest: &str) -> Option<usize> {
    let inner = &rest[1..];
    let first = inner.chars().next()?;
    if first == '\\' {
        return Some(1 + quoted(inner, b'\''));
    }
    let closing = inner[first.len_utf8()..].starts_with('\'');
    (closing && first != '\'').then(|| first.len_utf8() + 2)
}

/// Literals with a prefix: `b'x'`, `b"x"`, `c"x"`, `r"x"`, `br##"x"##` and the like.
fn prefixed(rest: &str) -> Option<usize> {
    if let Some(inner) = rest.strip_prefix("b'") {
        return Some(2 + quoted(inner, b'\''));
    }
    let letters = rest.find(|c: char| !"bcr".contains(c)).unwrap_or(rest.len());
    if !matches!(&rest[..letters], "b" | "c" | "r" | "br" | "cr") {
        return None;
    }
    let hashes = rest[letters..].bytes().take_while(|byte| *byte == b'#').count();
    let inner = rest[letters + hashes..].strip_prefix('"')?;
    let opening = letters + hashes + 1;
    if !rest[..letters].ends_with('r') {
        return (hashes == 0).then(|| opening + quoted(inner, b'"'));
    }
    let closing = format!("\"{}", "#".repeat(hashes));
    Some(opening + inner.find(&closing).map_or(inner.len(), |at| at + closing.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the text, its blanks squeezed.
    fn left(text: &str) -> String {
        let masked = mask(text);
        assert_eq!(masked.code.len(), text.len());
        assert_eq!(masked.code.matches('\n').count(), text.matches('\n').count());
        masked.code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn literals_of_every_kind_are_blanked() {
        assert_eq!(left(r#"f("a \" b", x)"#), "f( , x)");
        assert_eq!(left(r###"f(r#"a " b"#, br"c\", c"d", b"e", r"")"###), "f( , , , , )");
        assert_eq!(left(r"g('a', '\'', b'\n', 'é', '\u{1F600}')"), "g( , , , , )");
        assert_eq!(left("\"unfinished"), "");
    }

    #[test]
    fn lifetimes_labels_and_raw_identifiers_stay() {
        assert_eq!(left("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
        assert_eq!(left("'outer: loop { break 'outer }"), "'outer: loop { break 'outer }");
        assert_eq!(left("r#type + bar + crab"), "r#type + bar + crab");
    }

    #[test]
    fn comments_nest_and_know_whether_they_are_docs() {
        let masked = mask("/// a\n//// b\n//! c\n// d\n/* e /* f */ g */ x /** h */ /**/");
        let docs: Vec<bool> = masked.comments.iter().map(|comment| comment.doc).collect();
        assert_eq!(docs, [true, false, true, false, false, true, false]);
        assert_eq!(masked.code.trim(), "x");
    }

    #[test]
    fn a_comment_mark_in_a_string_starts_nothing() {
        assert_eq!(left("let u = \"http://x\"; y"), "let u = ; y");
        assert_eq!(left("a // \"\nb"), "a b");
    }
}
