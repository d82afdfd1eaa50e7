//! What the floors share. A floor answers every request as if it knew the key, and does no more
//! than moving bytes takes: no server can cost less.

mod epoll;

pub use epoll::{Connections, Protocol, serve};

use std::ops::Range;

/// The answer to RFC 6455's sample key, which the load generator sends.
pub const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// The port, from the command line.
///
/// # Panics
/// Without one.
#[must_use]
pub fn port() -> u16 {
    std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port")
}

/// Takes the whole client frames out of `received` and gives them as a server sends them.
///
/// A fan-out has to, since every client masks; payloads of 64 KiB and more are not understood.
#[must_use]
pub fn unmasked(received: &mut Vec<u8>) -> Vec<u8> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while let Some(frame) = unmask_first(&mut received[at..]) {
        write_frame(frame.first, &[&received[at..][frame.payload]], &mut frames);
        at += frame.end;
    }
    received.drain(..at);
    frames
}

/// A client's frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its first byte: FIN, RSV bits, opcode.
    pub first: u8,
    /// Where its payload stands, unmasked.
    pub payload: Range<usize>,
    /// Where the next frame begins.
    pub end: usize,
}

/// Unmasks the first frame in place, if it is whole and has less than 64 KiB.
#[must_use]
pub fn unmask_first(bytes: &mut [u8]) -> Option<Frame> {
    let first = *bytes.first()?;
    let (length, at) = match bytes.get(1)? & 0x7f {
        126 => (usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])), 4),
        short => (usize::from(short), 2),
    };
    let end = at + 4 + length;
    let [a, b, c, d] = *bytes.get(at..at + 4)? else { return None };
    let payload = bytes.get_mut(at + 4..end)?;
    let mask = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ mask).to_ne_bytes();
    }
    rest.iter_mut().zip([a, b, c, d].iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Some(Frame { first, payload: at + 4..end, end })
}

/// Adds a server's frame, of less than 64 KiB, whose payload is these parts.
pub fn write_frame(first: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(first);
    if let Some(short) = u8::try_from(length).ok().filter(|length| *length < 126) {
        out.push(short);
    } else {
        out.push(126);
        out.extend(u16::try_from(length).unwrap_or(0).to_be_bytes());
    }
    for part in parts {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_frames_are_taken_and_the_rest_waits() {
        let one = [0x81, 0x82, 1, 1, 1, 1, b'h' ^ 1, b'i' ^ 1];
        let mut received = [&one[..], &one[..5]].concat();
        assert_eq!(unmasked(&mut received), [0x81, 2, b'h', b'i']);
        assert_eq!(received, one[..5]);
        assert!(unmasked(&mut received).is_empty());
    }

    #[test]
    fn payloads_are_unmasked_to_their_last_byte() {
        for length in [0, 1, 7, 8, 125, 126, 1000] {
            let plain: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mut sent = Vec::new();
            write_frame(0x82, &[&plain], &mut sent);
            let head = sent.len() - length;
            sent[1] |= 0x80;
            let masked = plain.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(a, b)| a ^ b);
            let mut bytes = [&sent[..head], &[1, 2, 3, 4], &masked.collect::<Vec<u8>>()].concat();
            let end = bytes.len();
            assert_eq!(unmask_first(&mut bytes[..end - 1]), None);
            let frame = unmask_first(&mut bytes).unwrap();
            assert_eq!((frame.first, frame.end), (0x82, end));
            assert_eq!(bytes[frame.payload], plain, "{length} bytes");
        }
    }
}
