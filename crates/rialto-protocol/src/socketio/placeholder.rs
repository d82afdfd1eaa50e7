//! Placeholders: where in a payload an attachment belongs.
//!
//! On the wire a placeholder is `{"_placeholder":true,"num":n}`; some clients write the members the
//! other way round. An object with `"_placeholder": true` that is not of one of these two forms is
//! refused, as are a number beyond the count and a number used twice (one attachment named a
//! thousand times would be copied a thousand times).

use super::Violation;
use super::json::Scanner;

const KEY: &str = "\"_placeholder\"";

/// How many attachments of a packet are kept account of without an allocation.
const FEW: usize = 16;

/// Between the brace of a placeholder that begins with `num` and its second key: more than its
/// text can need.
const LOOK_BACK: usize = 64;

/// The attachment's number, if the object whose first member's name begins at `key` (behind its
/// quote) is a placeholder.
pub(super) fn number_at(text: &str, key: usize) -> Option<usize> {
    let mut scan = Scanner::new(text, key);
    let number = if scan.eat_all(b"_placeholder\"") {
        let known = colon(&mut scan) && scan.eat_all(b"true") && comma(&mut scan);
        (known && scan.eat_all(b"\"num\"") && colon(&mut scan)).then(|| number(&mut scan, text))?
    } else if scan.eat_all(b"num\"") && colon(&mut scan) {
        let number = number(&mut scan, text);
        let known = comma(&mut scan) && scan.eat_all(KEY.as_bytes()) && colon(&mut scan);
        (known && scan.eat_all(b"true")).then_some(number)?
    } else {
        None
    };
    scan.skip_space();
    number.filter(|_| scan.eat(b'}'))
}

/// Checks all placeholders of a payload that is known to be JSON.
pub(super) fn check(text: &str, count: usize) -> Result<(), Violation> {
    let (mut few, mut many) = ([false; FEW], Vec::new());
    for at in keys(text) {
        let Some(number) = placeholder_around(text, at)? else { continue };
        match few.get_mut(number) {
            _ if number >= count => return Err(Violation::InvalidPlaceholder),
            Some(used) if *used => return Err(Violation::InvalidPlaceholder),
            Some(used) => *used = true,
            // Grows by what the text holds: `count` is only announced.
            None => many.push(number),
        }
    }
    many.sort_unstable();
    let twice = many.windows(2).any(|pair| matches!(pair, [one, next] if one == next));
    if twice { Err(Violation::InvalidPlaceholder) } else { Ok(()) }
}

/// Where the text has [`KEY`]. Most payloads have no other underscore, so to look for that is all.
fn keys(text: &str) -> impl Iterator<Item = usize> {
    let underscores = text.bytes().enumerate().filter(|(_, byte)| *byte == b'_');
    let quotes = underscores.filter_map(|(at, _)| at.checked_sub(1));
    quotes.filter(|at| text.as_bytes()[*at..].starts_with(KEY.as_bytes()))
}

/// The number of the placeholder whose marker stands at `at`; `None` if that is no marker: a
/// string's content or value, or a member that is not `true`.
fn placeholder_around(text: &str, at: usize) -> Result<Option<usize>, Violation> {
    // In valid JSON a quote behind a backslash is content; any other quote before `_` opens.
    if text[..at].ends_with('\\') {
        return Ok(None);
    }
    let mut scan = Scanner::new(text, at + KEY.len());
    if !(colon(&mut scan) && scan.eat_all(b"true")) {
        return Ok(None);
    }
    let before = text[..at].trim_end();
    if before.ends_with('{') {
        return number_at(text, at + 1).map(Some).ok_or(Violation::InvalidPlaceholder);
    }
    before
        .bytes()
        .rev()
        .take(LOOK_BACK)
        .position(|byte| byte == b'{')
        .and_then(|back| {
            let mut scan = Scanner::new(text, before.len() - back);
            scan.skip_space();
            scan.eat(b'"').then(|| number_at(text, scan.pos)).flatten()
        })
        .map(Some)
        .ok_or(Violation::InvalidPlaceholder)
}

fn colon(scan: &mut Scanner<'_>) -> bool {
    separator(scan, b':')
}

fn comma(scan: &mut Scanner<'_>) -> bool {
    separator(scan, b',')
}

fn separator(scan: &mut Scanner<'_>, byte: u8) -> bool {
    scan.skip_space();
    let found = scan.eat(byte);
    scan.skip_space();
    found
}

fn number(scan: &mut Scanner<'_>, text: &str) -> Option<usize> {
    let start = scan.pos;
    scan.digits();
    text[start..scan.pos].parse().ok()
}
