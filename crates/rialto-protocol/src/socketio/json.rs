//! Whether a text is JSON, without building anything from it.
//!
//! One pass, no recursion and no allocation: the open brackets are bits of one integer. Malformed
//! JSON is thus the connection's violation, as in the reference, and never a handler's surprise;
//! what passes here can be read by `serde_json`, except for numbers out of range and lone
//! surrogates, which depend on the type asked for.

use std::borrow::Cow;

use super::Violation;

/// How many arrays and objects may be open at once in a payload, the array of the arguments
/// included: 127, which is what `serde_json` can read back.
pub const MAX_DEPTH: u32 = 127;

/// A position in JSON text.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    pub(super) pos: usize,
}

/// The containers that are open.
#[derive(Default)]
struct Nesting {
    depth: u32,
    /// Whether the innermost container is an object.
    in_object: bool,
    /// The same of the containers around it, the next one in the lowest bit; `MAX_DEPTH` fits.
    outer: u128,
}

impl Nesting {
    fn open(&mut self, is_object: bool) {
        self.outer = self.outer << 1 | u128::from(self.in_object);
        self.depth += 1;
        self.in_object = is_object;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.in_object = self.outer & 1 == 1;
        self.outer >>= 1;
    }
}

/// Checks that `text` is one JSON value with nothing but white space around it. If it begins as
/// most events do, with `["name"` and no escape in it, says where that ends; otherwise 0.
pub(super) fn check(text: &str) -> Result<usize, Violation> {
    let mut scan = Scanner::new(text, 0);
    let mut nesting = Nesting::default();
    let name_end = plain_start(&mut scan, &mut nesting);
    if name_end > 0 && !after_value(&mut scan, &mut nesting)? {
        return Ok(name_end);
    }
    loop {
        scan.skip_space();
        let is_open = match scan.peek() {
            Some(b'"') => {
                valid(scan.string())?;
                false
            }
            Some(b'[') => opens(&mut scan, &mut nesting, b']')?,
            Some(b'{') => opens(&mut scan, &mut nesting, b'}')?,
            _ => {
                valid(scan.scalar())?;
                false
            }
        };
        if !is_open && !after_value(&mut scan, &mut nesting)? {
            return Ok(name_end);
        }
        if nesting.in_object {
            scan.skip_space();
            valid(scan.key())?;
        }
    }
}

/// Reads `["name"`, if the text begins so, and says where it ends.
fn plain_start(scan: &mut Scanner<'_>, nesting: &mut Nesting) -> usize {
    let Some(name) = scan.bytes.strip_prefix(b"[\"") else { return 0 };
    let quote = 2 + plain_prefix(name);
    if scan.bytes.get(quote) != Some(&b'"') {
        return 0;
    }
    nesting.open(false);
    scan.pos = quote + 1;
    scan.pos
}

/// Opens a container; false if it is empty and thus closed again.
fn opens(scan: &mut Scanner<'_>, nesting: &mut Nesting, end: u8) -> Result<bool, Violation> {
    if nesting.depth == MAX_DEPTH {
        return Err(Violation::TooDeep);
    }
    scan.pos += 1;
    scan.skip_space();
    if scan.eat(end) {
        return Ok(false);
    }
    nesting.open(end == b'}');
    Ok(true)
}

/// Closes what ends behind a value, up to the next comma; false at the end of the text.
#[inline]
fn after_value(scan: &mut Scanner<'_>, nesting: &mut Nesting) -> Result<bool, Violation> {
    loop {
        scan.skip_space();
        match scan.peek() {
            Some(b',') if nesting.depth > 0 => {
                scan.pos += 1;
                return Ok(true);
            }
            Some(b'}') if nesting.in_object => nesting.close(),
            Some(b']') if nesting.depth > 0 && !nesting.in_object => nesting.close(),
            None if nesting.depth == 0 => return Ok(false),
            _ => return Err(Violation::InvalidJson),
        }
        scan.pos += 1;
    }
}

const fn valid(condition: bool) -> Result<(), Violation> {
    if condition { Ok(()) } else { Err(Violation::InvalidJson) }
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str, pos: usize) -> Self {
        Self { bytes: text.as_bytes(), pos }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.pos += usize::from(found);
        found
    }

    pub(super) fn eat_all(&mut self, word: &[u8]) -> bool {
        let found = self.bytes.get(self.pos..).is_some_and(|rest| rest.starts_with(word));
        if found {
            self.pos += word.len();
        }
        found
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        // Compact JSON is the rule, so that one comparison is nearly always all.
        while self.peek().is_some_and(|byte| byte <= b' ') {
            if !matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                return;
            }
            self.pos += 1;
        }
    }

    /// Reads digits and says how many there were.
    #[inline]
    pub(super) fn digits(&mut self) -> usize {
        let start = self.pos;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.pos += 1;
        }
        self.pos - start
    }

    /// Reads a member's name and its colon.
    #[inline]
    fn key(&mut self) -> bool {
        if !self.string() {
            return false;
        }
        self.skip_space();
        self.eat(b':')
    }

    #[inline]
    fn scalar(&mut self) -> bool {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b't') => self.eat_all(b"true"),
            Some(b'f') => self.eat_all(b"false"),
            Some(b'n') => self.eat_all(b"null"),
            _ => self.number(),
        }
    }

    /// Reads a number as RFC 8259 §6 has it: no leading zeros, no bare dot.
    #[inline]
    pub(super) fn number(&mut self) -> bool {
        self.eat(b'-');
        if !self.eat(b'0') && self.digits() == 0 {
            return false;
        }
        if self.eat(b'.') && self.digits() == 0 {
            return false;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            return self.digits() > 0;
        }
        true
    }

    /// Reads a string with its quotes; no control characters, only known escapes.
    #[inline]
    pub(super) fn string(&mut self) -> bool {
        if !self.eat(b'"') {
            return false;
        }
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return true;
                }
                Some(b'\\') => {
                    self.pos += 1;
                    if !self.escape() {
                        return false;
                    }
                }
                _ => return false,
            }
        }
    }

    fn escape(&mut self) -> bool {
        let Some(byte) = self.peek() else { return false };
        self.pos += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => true,
            b'u' => {
                let code = self.bytes.get(self.pos..self.pos + 4);
                self.pos += 4;
                code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
            }
            _ => false,
        }
    }

    /// Moves to the next quote, backslash or control character.
    #[inline]
    fn skip_plain(&mut self) {
        self.pos += self.bytes.get(self.pos..).map_or(0, plain_prefix);
    }
}

/// How many bytes stand before the first quote, backslash or control character: what JSON has in
/// its strings as it is.
#[inline]
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let mut plain = 0;
    // Names end here, and short values.
    while plain < 2 * 8
        && let Some(chunk) = bytes[plain..].first_chunk::<8>()
    {
        let found = special_bytes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return plain + (found.trailing_zeros() / 8) as usize;
        }
        plain += 8;
    }
    // The compiler makes vector instructions of this loop.
    while let Some(block) = bytes[plain..].first_chunk::<BLOCK>() {
        let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
        if block.iter().fold(false, |found, byte| found | special(byte)) {
            break;
        }
        plain += BLOCK;
    }
    while let Some(chunk) = bytes[plain..].first_chunk::<8>() {
        let found = special_bytes(u64::from_le_bytes(*chunk));
        if found != 0 {
            return plain + (found.trailing_zeros() / 8) as usize;
        }
        plain += 8;
    }
    let rest = bytes[plain..].iter();
    plain + rest.take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\').count()
}

/// Bytes that are looked at together in a long string.
const BLOCK: usize = 32;

/// Sets the high bit of each byte that is a quote, a backslash or a control character. Bytes above
/// the first such byte may be marked by a borrow, so only the lowest mark counts.
#[inline]
const fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & HIGH
}

/// Replaces each lone surrogate escape (`\ud83d` without its other half) by `\ufffd`. The length
/// stays the same. `None` if there is none.
///
/// JavaScript strings may hold such halves and `JSON.stringify` writes them as escapes; Rust
/// strings cannot hold them.
pub(super) fn replace_lone_surrogates(text: &str) -> Option<String> {
    let mut cleaned: Option<Vec<u8>> = None;
    let bytes = text.as_bytes();
    let mut pos = 0;
    while let Some(found) = bytes.get(pos..).and_then(|rest| rest.iter().position(|b| *b == b'\\'))
    {
        let at = pos + found;
        pos = at + 2;
        match surrogate(bytes, at) {
            Some(0xd800..=0xdbff) if matches!(surrogate(bytes, at + 6), Some(0xdc00..)) => {
                pos = at + 12;
            }
            Some(_) => {
                let copy = cleaned.get_or_insert_with(|| bytes.to_vec());
                copy[at..at + 6].copy_from_slice(b"\\ufffd");
                pos = at + 6;
            }
            None => {}
        }
    }
    // ASCII was put in the place of ASCII, so the text is still UTF-8.
    cleaned.and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Replaces each number beyond the range of floats by `null`, in text that is JSON: what JavaScript
/// makes of it as well, once it passes it on.
pub(super) fn replace_infinities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut scan = Scanner::new(text, 0);
    while let Some(byte) = scan.peek() {
        let start = scan.pos;
        let is_number = matches!(byte, b'-' | b'0'..=b'9') && scan.number();
        if !(is_number || byte == b'"' && scan.string()) {
            scan.pos = start + 1;
        }
        let token = text.get(start..scan.pos).unwrap_or_default();
        let infinite = is_number && token.parse::<f64>().is_ok_and(f64::is_infinite);
        out.push_str(if infinite { "null" } else { token });
    }
    out
}

/// The surrogate that the escape at `at` spells, if it is one.
fn surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let code = u16::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()?;
    (0xd800..=0xdfff).contains(&code).then_some(code)
}

/// The content of a JSON string given with its quotes; borrowed unless it has escapes.
pub(super) fn unquote(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(quoted)
        .or_else(|error| match replace_lone_surrogates(quoted) {
            Some(cleaned) => serde_json::from_str(&cleaned),
            None => Err(error),
        })
        .ok()
        .map(Cow::Owned)
}
