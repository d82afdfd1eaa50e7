//! One packet of revision 3, as a WebSocket message or as a part of a polling payload.

use std::borrow::Cow;

use crate::engine::packet::decode_base64;
use crate::engine::{Packet, PacketType, Violation};

/// The type of a message as the first byte of a binary packet.
const MESSAGE: u8 = 4;

/// Reads a packet from text. As in revision 4, but base64 carries its type: `b4AQID`.
///
/// # Errors
/// [`Violation::EmptyPacket`], [`Violation::UnknownPacketType`] (also for base64 of anything but a
/// message, which no client sends), [`Violation::InvalidBase64`].
///
/// ```
/// use rialto_protocol::engine::{Packet, revision3};
///
/// assert_eq!(revision3::decode_text("4hello"), Ok(Packet::Text("hello")));
/// assert_eq!(revision3::decode_text("b4AQID"), Ok(Packet::Binary(vec![1, 2, 3].into())));
/// ```
#[inline]
pub fn decode_text(text: &str) -> Result<Packet<'_>, Violation> {
    let Some(base64) = text.strip_prefix('b') else { return Packet::decode(text) };
    let digit = base64.as_bytes().first().ok_or(Violation::EmptyPacket)?;
    if *digit != PacketType::Message.digit() {
        return Err(Violation::UnknownPacketType);
    }
    decode_base64(&base64.as_bytes()[1..]).map(|data| Packet::Binary(data.into()))
}

/// Reads a binary packet: one byte for the type, which can only be that of a message, and its data.
///
/// # Errors
/// [`Violation::EmptyPacket`], [`Violation::UnknownPacketType`].
///
/// ```
/// use rialto_protocol::engine::{Packet, Violation, revision3};
///
/// assert_eq!(revision3::decode_binary(&[4, 1, 2]), Ok(Packet::from_binary(&[1, 2])));
/// assert_eq!(revision3::decode_binary(&[9]), Err(Violation::UnknownPacketType));
/// ```
#[inline]
pub const fn decode_binary(data: &[u8]) -> Result<Packet<'_>, Violation> {
    match data {
        [MESSAGE, message @ ..] => Ok(Packet::Binary(Cow::Borrowed(message))),
        [] => Err(Violation::EmptyPacket),
        _ => Err(Violation::UnknownPacketType),
    }
}

/// Appends a binary message as the content of one binary WebSocket message.
pub fn encode_binary(out: &mut Vec<u8>, data: &[u8]) {
    out.reserve(1 + data.len());
    out.push(MESSAGE);
    out.extend_from_slice(data);
}

/// Appends a binary message as text, for clients that cannot receive binary.
pub fn encode_base64(out: &mut Vec<u8>, data: &[u8]) {
    out.extend_from_slice(b"b4");
    base64_simd::STANDARD.encode_append(data, out);
}

/// How many bytes [`encode_base64`] appends.
pub(super) fn base64_len(data: &[u8]) -> usize {
    2 + base64_simd::STANDARD.encoded_length(data.len())
}
