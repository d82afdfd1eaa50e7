//! Polling bodies of revision 3: each packet behind its length.

use super::{decode_binary, decode_text};
use crate::engine::{DEFAULT_MAX_PACKETS, Packet, Violation};

/// The byte behind the length in a binary body.
const END_OF_LENGTH: u8 = 0xff;
/// What a length may have of digits: more than the length of any body.
const MAX_DIGITS: usize = 16;

/// Reads the packets of a polling body one by one, without looking ahead. After an error it ends.
///
/// There are two forms, told apart by the request's content type. In text, a packet stands behind
/// `<length>:`, where the length counts UTF-16 units. In binary, it stands behind a byte that is 0
/// for text and 1 for binary, the digits of its length in bytes, and 255.
///
/// ```
/// use rialto_protocol::engine::{Packet, revision3::PayloadDecoder};
///
/// let text: Result<Vec<_>, _> = PayloadDecoder::text("2:4€1:2").collect();
/// assert_eq!(text, Ok(vec![Packet::Text("€"), Packet::Ping("")]));
///
/// let body = b"\0\x02\xff4a\x01\x02\xff\x04\x09";
/// let binary: Result<Vec<_>, _> = PayloadDecoder::binary(body).collect();
/// assert_eq!(binary, Ok(vec![Packet::Text("a"), Packet::from_binary(&[9])]));
/// ```
#[derive(Clone, Debug)]
pub struct PayloadDecoder<'a> {
    /// What has not been read yet; `None` at the end and after an error.
    rest: Option<Rest<'a>>,
    /// How many packets may still come.
    allowance: usize,
}

#[derive(Clone, Copy, Debug)]
enum Rest<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl<'a> PayloadDecoder<'a> {
    /// A decoder over a body of text, with [`DEFAULT_MAX_PACKETS`].
    pub const fn text(body: &'a str) -> Self {
        Self { rest: Some(Rest::Text(body)), allowance: DEFAULT_MAX_PACKETS }
    }

    /// A decoder over a binary body, with [`DEFAULT_MAX_PACKETS`].
    pub const fn binary(body: &'a [u8]) -> Self {
        Self { rest: Some(Rest::Binary(body)), allowance: DEFAULT_MAX_PACKETS }
    }

    /// Sets how many packets the body may hold, inclusive; one more is
    /// [`Violation::TooManyPackets`].
    #[must_use]
    pub const fn max_packets(mut self, count: usize) -> Self {
        self.allowance = count;
        self
    }

    fn decode_next(&mut self, rest: Rest<'a>) -> Result<Packet<'a>, Violation> {
        self.allowance = self.allowance.checked_sub(1).ok_or(Violation::TooManyPackets)?;
        let (packet, rest) = match rest {
            Rest::Text(body) => {
                let (packet, rest) = split_text(body)?;
                (decode_text(packet)?, (!rest.is_empty()).then_some(Rest::Text(rest)))
            }
            Rest::Binary(body) => {
                let (packet, rest) = split_binary(body)?;
                (packet, (!rest.is_empty()).then_some(Rest::Binary(rest)))
            }
        };
        self.rest = rest;
        Ok(packet)
    }
}

impl<'a> Iterator for PayloadDecoder<'a> {
    type Item = Result<Packet<'a>, Violation>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        Some(self.decode_next(rest))
    }
}

impl std::iter::FusedIterator for PayloadDecoder<'_> {}

/// The first packet's text, and what is behind it.
fn split_text(body: &str) -> Result<(&str, &str), Violation> {
    if body.is_empty() {
        return Err(Violation::EmptyPacket);
    }
    // No further than a length can reach: a body without a colon is not searched to its end.
    let head = &body.as_bytes()[..body.len().min(MAX_DIGITS + 1)];
    let colon = head.iter().position(|byte| *byte == b':').ok_or(Violation::InvalidLength)?;
    let units = length(head[..colon].iter().map(|digit| digit.wrapping_sub(b'0')))?;
    let rest = &body[colon + 1..];
    let end = byte_offset(rest, units).ok_or(Violation::InvalidLength)?;
    Ok(rest.split_at(end))
}

/// The first packet of a binary body, and what is behind it.
fn split_binary(body: &[u8]) -> Result<(Packet<'_>, &[u8]), Violation> {
    let (kind, rest) = body.split_first().ok_or(Violation::EmptyPacket)?;
    let head = &rest[..rest.len().min(MAX_DIGITS + 1)];
    let end = head.iter().position(|byte| *byte == END_OF_LENGTH);
    let end = end.ok_or(Violation::InvalidLength)?;
    let bytes = length(head[..end].iter().copied())?;
    let rest = &rest[end + 1..];
    let (packet, rest) = rest.split_at_checked(bytes).ok_or(Violation::InvalidLength)?;
    let packet = match kind {
        0 => decode_text(std::str::from_utf8(packet).map_err(|_| Violation::InvalidUtf8)?)?,
        1 => decode_binary(packet)?,
        _ => return Err(Violation::UnknownPacketType),
    };
    Ok((packet, rest))
}

/// The number that the digits (as values) spell; at least one is needed.
fn length(digits: impl ExactSizeIterator<Item = u8>) -> Result<usize, Violation> {
    if digits.len() == 0 {
        return Err(Violation::InvalidLength);
    }
    let mut value: usize = 0;
    for digit in digits {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(usize::from(digit)));
        value = next.filter(|_| digit <= 9).ok_or(Violation::InvalidLength)?;
    }
    Ok(value)
}

/// Where so many UTF-16 units end, in bytes; `None` beyond the text or inside a character.
fn byte_offset(text: &str, units: usize) -> Option<usize> {
    // A character has at least as many bytes as units: text without others is the common case.
    if text.get(..units).is_some_and(str::is_ascii) {
        return Some(units);
    }
    let mut left = units;
    for (offset, character) in text.char_indices() {
        if left == 0 {
            return Some(offset);
        }
        left = left.checked_sub(character.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}
