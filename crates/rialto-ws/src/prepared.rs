//! A message framed once, to be sent to many.

use crate::proto::deflate::Compressor;
use crate::proto::{Header, Kind, Message, OpCode, RSV1};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};

/// A message in the form in which it leaves a server: framed and compressed once, shared by all
/// receivers.
///
/// ```
/// use rialto_ws::Prepared;
/// let news = Prepared::new("What news on the Rialto?");
/// assert_eq!(news.payload(), b"What news on the Rialto?");
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    shared: Arc<Framed>,
    compress: bool,
}

#[derive(Debug)]
pub(crate) struct Framed {
    frame: Bytes,
    kind: Kind,
    header: u8,
    /// Made by the first connection that compresses; what others of the same settings send too.
    compressed: OnceLock<Box<Compressed>>,
}

#[derive(Debug)]
struct Compressed {
    /// Level and window.
    settings: (u8, u8),
    /// `None` if the message does not shrink.
    frame: Option<Bytes>,
    /// The same for other settings.
    others: OnceLock<Box<Compressed>>,
}

impl Framed {
    /// Header and payload.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.frame
    }
}

impl Prepared {
    /// Frames a message.
    pub fn new(message: impl Into<Message>) -> Self {
        let message = message.into();
        Self::from_parts(message.kind(), &[message.as_bytes()])
    }

    /// Frames a message whose payload is the parts one after the other.
    #[must_use]
    pub(crate) fn from_parts(kind: Kind, parts: &[&[u8]]) -> Self {
        let opcode = kind.into();
        let length = parts.iter().map(|part| part.len()).sum();
        let mut header = [0; Header::MAX];
        let size = Header::new(opcode, length, None).write(&mut header);
        let mut frame = Vec::with_capacity(size + length);
        frame.extend_from_slice(&header[..size]);
        for part in parts {
            frame.extend_from_slice(part);
        }
        let header = u8::try_from(size).unwrap_or(u8::MAX);
        let compressed = OnceLock::new();
        let shared = Framed { frame: frame.into(), kind, header, compressed };
        Self { shared: Arc::new(shared), compress: true }
    }

    /// A text message whose payload is `prefix` followed by `text`.
    #[must_use]
    pub fn text_with_prefix(prefix: &str, text: &str) -> Self {
        Self::from_parts(Kind::Text, &[prefix.as_bytes(), text.as_bytes()])
    }

    /// Whether connections that have agreed on compression compress it, if it is large enough for
    /// them. Default true; not worth it for what is compressed already, as images are.
    #[must_use]
    pub fn compress(mut self, on: bool) -> Self {
        self.compress = on;
        self
    }

    /// The message's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.shared.kind
    }

    /// The payload, without the frame header.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.shared.frame[usize::from(self.shared.header)..]
    }

    /// The payload, shared instead of copied.
    #[must_use]
    pub fn payload_bytes(&self) -> Bytes {
        self.shared.frame.slice(usize::from(self.shared.header)..)
    }

    pub(crate) fn framed(&self) -> &Arc<Framed> {
        &self.shared
    }

    pub(crate) fn is_compressible(&self) -> bool {
        self.compress
    }

    /// The compressed frame, made once for all connections of the same level and window;
    /// `compressor` has to be one that starts anew. `None` if the message does not shrink.
    pub(crate) fn compressed(&self, compressor: &mut Compressor) -> Option<&Bytes> {
        let settings = (compressor.level(), compressor.window());
        let mut place = &self.shared.compressed;
        // As long as the list of windows that clients have asked for: seven at most on a server.
        loop {
            let made = place.get_or_init(|| {
                let frame = compressor.compress(self.payload(), |payload| self.frame_of(payload));
                Box::new(Compressed { settings, frame, others: OnceLock::new() })
            });
            if made.settings == settings {
                return made.frame.as_ref();
            }
            place = &made.others;
        }
    }

    fn frame_of(&self, compressed: &[u8]) -> Bytes {
        let mut bytes = [0; Header::MAX];
        let header = Header { rsv: RSV1, ..Header::new(self.opcode(), compressed.len(), None) };
        let size = header.write(&mut bytes);
        [&bytes[..size], compressed].concat().into()
    }

    pub(crate) fn opcode(&self) -> OpCode {
        self.shared.kind.into()
    }
}

impl<M: Into<Message>> From<M> for Prepared {
    fn from(message: M) -> Self {
        Self::new(message)
    }
}

impl From<&Self> for Prepared {
    fn from(message: &Self) -> Self {
        message.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payload of a frame of less than 64 KiB.
    fn inflated(frame: &Bytes) -> Vec<u8> {
        let payload = if frame[1] < 126 { &frame[2..] } else { &frame[4..] };
        let mut stream = payload.to_vec();
        stream.extend_from_slice(&[0, 0, 0xFF, 0xFF, 3, 0]);
        let mut raw = zlib_rs::Inflate::new(false, 15);
        let mut out = vec![0; 100_000];
        raw.decompress(&stream, &mut out, zlib_rs::InflateFlush::Finish).unwrap();
        out.truncate(raw.total_out().try_into().unwrap());
        out
    }

    #[test]
    fn a_message_is_compressed_once_for_each_level_and_window() {
        let text: String = (0..5000).map(|n| format!("{n} ducats ")).collect();
        let message = Prepared::new(text.clone());
        let mut made = Vec::new();
        for round in 0..100 {
            for (n, (level, window)) in [(1, 15), (6, 15), (6, 9), (6, 12)].into_iter().enumerate()
            {
                // As each connection has its own.
                let mut compressor = Compressor::anew(level, window);
                let frame = message.compressed(&mut compressor).unwrap().clone();
                match round {
                    0 => made.push(frame),
                    _ => assert_eq!(frame.as_ptr(), made[n].as_ptr(), "compressed again"),
                }
            }
        }
        for (n, frame) in made.iter().enumerate() {
            assert_eq!(inflated(frame), text.as_bytes());
            assert!(made[..n].iter().all(|other| other.as_ptr() != frame.as_ptr()));
        }
    }

    #[test]
    fn that_a_message_does_not_shrink_is_found_out_once() {
        let noise: Vec<u8> =
            (0_u32..64).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let message = Prepared::new(Bytes::copy_from_slice(&noise));
        let mut compressor = Compressor::anew(6, 15);
        assert_eq!(message.compressed(&mut compressor), None);
        let made = message.shared.compressed.get().expect("noted");
        assert!(made.frame.is_none() && made.others.get().is_none());
        assert_eq!(message.compressed(&mut compressor), None);
        assert!(made.others.get().is_none());
    }
}
