//! A message framed once, to be sent to many.

use crate::proto::{Header, Kind, Message, OpCode};
use bytes::Bytes;

/// A message in the form in which it leaves a server: framed once, shared by all receivers.
///
/// ```
/// use rialto_ws::Prepared;
/// let news = Prepared::new("What news on the Rialto?");
/// assert_eq!(news.payload(), b"What news on the Rialto?");
/// ```
#[derive(Clone, Debug)]
pub struct Prepared {
    frame: Bytes,
    kind: Kind,
    header: u8,
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
        let opcode = opcode(kind);
        let length = parts.iter().map(|part| part.len()).sum();
        let mut header = [0; Header::MAX];
        let size = Header::new(opcode, length, None).write(&mut header);
        let mut frame = Vec::with_capacity(size + length);
        frame.extend_from_slice(&header[..size]);
        for part in parts {
            frame.extend_from_slice(part);
        }
        Self { frame: frame.into(), kind, header: u8::try_from(size).unwrap_or(u8::MAX) }
    }

    /// A text message whose payload is `prefix` followed by `text`.
    #[must_use]
    pub fn text_with_prefix(prefix: &str, text: &str) -> Self {
        Self::from_parts(Kind::Text, &[prefix.as_bytes(), text.as_bytes()])
    }

    /// The message's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The payload, without the frame header.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.frame[usize::from(self.header)..]
    }

    /// The payload, shared instead of copied.
    #[must_use]
    pub fn payload_bytes(&self) -> Bytes {
        self.frame.slice(usize::from(self.header)..)
    }

    pub(crate) fn frame(&self) -> &Bytes {
        &self.frame
    }

    pub(crate) fn opcode(&self) -> OpCode {
        opcode(self.kind)
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

fn opcode(kind: Kind) -> OpCode {
    match kind {
        Kind::Text => OpCode::Text,
        Kind::Binary => OpCode::Binary,
    }
}
