//! The messages that clients send, framed and masked before the run.

use super::{Content, Load};
use anyhow::{Result, bail};
use flate2::{Compress, Compression, FlushCompress};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

/// From this size on, messages are sent out of a file: the generator stays cheaper than a server.
const FROM_FILE: usize = 64 << 10;

/// Different messages, sent in turn and then from the first again.
pub(super) struct Messages {
    /// What comes back.
    pub(super) plain: Vec<Vec<u8>>,
    /// Where each frame begins in `wire`, and where the last ends.
    pub(super) starts: Vec<usize>,
    /// The frames, the whole sequence once or more, so that one call can send several.
    pub(super) wire: Vec<u8>,
    /// The same, for messages that are sent out of a file.
    pub(super) file: Option<OwnedFd>,
}

impl Messages {
    pub(super) fn new(load: &Load) -> Result<Self> {
        // Compressors that remember must not see the same message twice within a window.
        let count = if load.deflate { 64 } else { 16 };
        let count = if load.size > 64 << 10 { 2 } else { count };
        let plain: Vec<_> =
            (1..=count).map(|seed| payload(load.size, load.content, seed)).collect();
        let (mut wire, mut starts) = (Vec::new(), vec![0]);
        for (message, tint) in plain.iter().zip(0..) {
            let mask = [0x37 ^ tint, 0xfa, 0x21_u8.wrapping_add(tint), 0x3d];
            let first = first_byte(load);
            if load.deflate {
                wire.extend(frame(first, &deflated(message)?, mask));
            } else {
                wire.extend(frame(first, message, mask));
            }
            starts.push(wire.len());
        }
        let repeat = if wire.len() < 64 << 10 { 2 + load.depth / plain.len() } else { 1 };
        wire = wire.repeat(repeat);
        let file =
            (load.size >= FROM_FILE && !load.deflate).then(|| in_memory(&wire)).transpose()?;
        Ok(Self { plain, starts, wire, file })
    }

    /// How many different messages there are.
    pub(super) fn count(&self) -> usize {
        self.plain.len()
    }

    /// Bytes of the frame with that number.
    pub(super) fn length(&self, number: usize) -> usize {
        self.starts[number + 1] - self.starts[number]
    }

    /// Bytes of all of them, once.
    pub(super) fn total(&self) -> usize {
        self.starts[self.count()]
    }
}

/// The first byte of a client's frame: FIN, RSV1 if compressed, the opcode.
pub(super) fn first_byte(load: &Load) -> u8 {
    let opcode = if load.content == Content::Binary { 2 } else { 1 };
    0x80 | opcode | if load.deflate { 0x40 } else { 0 }
}

/// A masked frame.
pub(super) fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(first);
    match payload.len() {
        length @ ..126 => frame.push(0x80 | u8::try_from(length).unwrap_or(0)),
        length @ ..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap_or(0).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A message's payload, different for each seed.
pub(super) fn payload(size: usize, content: Content, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    if content == Content::Binary {
        return (0..size).map(|_| random().to_le_bytes()[3]).collect();
    }
    let name = if content == Content::NonAscii { "Zoë Müller ☃" } else { "Anna Smith" };
    let mut text = String::with_capacity(size + 128);
    while text.len() < size {
        let dice = random();
        let (id, many, room) = (dice % 1_000_000, dice >> 50, (dice >> 20) % 32);
        let at = text.len();
        let _ = write!(text, "{{\"id\":{id},\"user\":\"{name} {many}\",\"room\":\"lobby-{room}\",");
        let _ = write!(text, "\"text\":\"message number {at}\",\"ok\":{}}},", dice & 4096 == 0);
    }
    // Never inside a character; blanks make up for what that leaves open.
    text.truncate(text.floor_char_boundary(size));
    let mut bytes = text.into_bytes();
    bytes.resize(size, b' ');
    bytes
}

/// Compressed by itself, as RFC 7692 section 7.2.1 says.
pub(super) fn deflated(message: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(message.len() + 64);
    Compress::new(Compression::new(6), false).compress_vec(
        message,
        &mut bytes,
        FlushCompress::Sync,
    )?;
    let Some(body) = bytes.strip_suffix(&[0, 0, 0xff, 0xff]) else {
        bail!("the generator's own compression has no end");
    };
    Ok(body.to_vec())
}

fn in_memory(bytes: &[u8]) -> Result<OwnedFd> {
    let mut file = File::from(memfd_create("messages", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_size_and_its_alphabet() {
        for size in [0, 1, 5, 16, 512, 16384] {
            let text = payload(size, Content::NonAscii, 7);
            assert_eq!(text.len(), size);
            assert!(std::str::from_utf8(&text).is_ok());
            assert!(payload(size, Content::Text, 7).is_ascii());
            assert_eq!(payload(size, Content::Binary, 7).len(), size);
        }
        assert!(!payload(512, Content::NonAscii, 7).is_ascii());
        assert_ne!(payload(16, Content::Binary, 1), payload(16, Content::Binary, 2));
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        let head = |size: usize| frame(0x82, &vec![0; size], [0; 4]).len() - size;
        assert_eq!([head(125), head(126), head(65535), head(65536)], [6, 8, 8, 14]);
        assert_eq!(frame(0x81, b"ab", [1, 2, 3, 4]), [0x81, 0x82, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2]);
    }
}
