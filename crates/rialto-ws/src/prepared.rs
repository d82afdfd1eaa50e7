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
    /// Made by the first connection that compresses; what others of the same level send too.
    compressed: OnceLock<Compressed>,
}

#[derive(Debug)]
struct Compressed {
    level: u8,
    /// Missing if the message does not shrink.
    frame: Option<Bytes>,
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

    /// The compressed frame, made once for all connections of a level; `compressor` has to be one
    /// that starts anew. `None` if it was made at another level; within, `None` if the message
    /// does not shrink.
    pub(crate) fn compressed(&self, compressor: &mut Compressor) -> Option<Option<&Bytes>> {
        let level = compressor.level();
        let made = self.shared.compressed.get_or_init(|| {
            let frame = compressor.compress(self.payload(), |payload| self.frame_of(payload));
            Compressed { level, frame }
        });
        (made.level == level).then_some(made.frame.as_ref())
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
