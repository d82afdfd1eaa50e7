//! Writes polling bodies of revision 3.

use super::packet::{base64_len, encode_base64, encode_binary};
use crate::engine::Packet;

/// The form of a polling body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Text, binary messages in base64: for `text/plain`.
    Text,
    /// Binary: for `application/octet-stream`, which a client reads unless it has said `b64=1`.
    Binary,
}

/// Appends packets to a polling body as long as the whole stays within a limit.
///
/// A packet that is larger than the limit all by itself still goes out, alone: refusing it here
/// would stop the session's queue for ever.
///
/// ```
/// use rialto_protocol::engine::{Packet, revision3::{Form, PayloadEncoder}};
///
/// let mut body = Vec::new();
/// let mut payload = PayloadEncoder::new(&mut body, Form::Text, 20);
/// assert!(payload.push(&Packet::Text("€")));
/// assert!(payload.push(&Packet::from_binary(&[1, 2, 3])));
/// assert!(!payload.push(&Packet::Text("a third")));
/// assert_eq!(body, "2:4€6:b4AQID".as_bytes());
/// ```
#[derive(Debug)]
pub struct PayloadEncoder<'a> {
    out: &'a mut Vec<u8>,
    /// Where the body begins in `out`.
    start: usize,
    form: Form,
    /// The body's limit in bytes.
    limit: usize,
}

impl<'a> PayloadEncoder<'a> {
    /// An encoder that appends to `out` a body of at most `limit` bytes, not counting what `out`
    /// held before.
    pub const fn new(out: &'a mut Vec<u8>, form: Form, limit: usize) -> Self {
        let start = out.len();
        Self { out, start, form, limit }
    }

    /// Appends the packet if it fits, and says whether it did; if not, the body is as before.
    pub fn push(&mut self, packet: &Packet<'_>) -> bool {
        let Packet::Binary(data) = packet else {
            let mut text = Vec::new();
            packet.encode_message(&mut text);
            return self.push_encoded(&text);
        };
        let len = match self.form {
            Form::Text => base64_len(data),
            Form::Binary => 1 + data.len(),
        };
        if !self.begin(1, len, len) {
            return false;
        }
        match self.form {
            Form::Text => encode_base64(self.out, data),
            Form::Binary => encode_binary(self.out, data),
        }
        true
    }

    /// Appends a packet of text that has been encoded before, its type included, by the same rule.
    pub fn push_encoded(&mut self, packet: &[u8]) -> bool {
        let length = match self.form {
            Form::Text => utf16_len(packet),
            Form::Binary => packet.len(),
        };
        if !self.begin(0, length, packet.len()) {
            return false;
        }
        self.out.extend_from_slice(packet);
        true
    }

    /// The body's length so far, in bytes.
    pub const fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether no packet has been appended yet.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes what stands before a packet of that length, if its `bytes` fit.
    fn begin(&mut self, kind: u8, length: usize, bytes: usize) -> bool {
        let digits = length.to_string();
        let around = match self.form {
            Form::Text => 1,
            Form::Binary => 2,
        };
        let size = bytes.saturating_add(digits.len() + around);
        if !self.is_empty() && self.len().saturating_add(size) > self.limit {
            return false;
        }
        self.out.reserve(size);
        match self.form {
            Form::Text => {
                self.out.extend_from_slice(digits.as_bytes());
                self.out.push(b':');
            }
            Form::Binary => {
                self.out.push(kind);
                self.out.extend(digits.bytes().map(|digit| digit - b'0'));
                self.out.push(0xff);
            }
        }
        true
    }
}

/// The length of UTF-8 text in UTF-16 units.
fn utf16_len(text: &[u8]) -> usize {
    let characters = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    // Four bytes in UTF-8 are two units in UTF-16.
    characters + text.iter().filter(|byte| **byte >= 0xf0).count()
}
