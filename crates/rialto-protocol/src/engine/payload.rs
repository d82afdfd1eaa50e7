//! The body of a long-polling request or response: packets joined by the record separator.

use super::{Packet, Violation};

/// Between two packets of a payload (ASCII record separator).
const SEPARATOR: u8 = 0x1e;

/// How many packets one polling body may hold unless told otherwise: 16 384.
///
/// The stock client batches what its buffer holds, a few hundred packets at most within the usual
/// megabyte. A hostile body of that size can hold half a million two-byte packets, each of which
/// costs far more to handle than to send, so the count is bounded as well as the bytes.
pub const DEFAULT_MAX_PACKETS: usize = 16_384;

/// Reads the packets of a polling body one by one, without looking ahead.
///
/// After an error the iterator ends.
///
/// ```
/// use rialto_protocol::engine::{Packet, PayloadDecoder, Violation};
///
/// let packets: Result<Vec<_>, _> = PayloadDecoder::new("4hi\u{1e}2\u{1e}bAQI=").collect();
/// let expected = vec![Packet::Text("hi"), Packet::Ping(""), Packet::Binary(vec![1, 2].into())];
/// assert_eq!(packets, Ok(expected));
/// assert_eq!(PayloadDecoder::new("").next(), Some(Err(Violation::EmptyPacket)));
/// ```
#[derive(Clone, Debug)]
pub struct PayloadDecoder<'a> {
    /// What has not been read yet; `None` at the end and after an error.
    rest: Option<&'a str>,
    /// How many packets may still come.
    allowance: usize,
}

impl<'a> PayloadDecoder<'a> {
    /// A decoder over a body, with [`DEFAULT_MAX_PACKETS`].
    pub const fn new(body: &'a str) -> Self {
        Self { rest: Some(body), allowance: DEFAULT_MAX_PACKETS }
    }

    /// A decoder over a body's bytes.
    ///
    /// # Errors
    /// [`Violation::InvalidUtf8`].
    pub fn from_bytes(body: &'a [u8]) -> Result<Self, Violation> {
        std::str::from_utf8(body).map(Self::new).map_err(|_| Violation::InvalidUtf8)
    }

    /// Sets how many packets the body may hold, inclusive; one more is
    /// [`Violation::TooManyPackets`].
    #[must_use]
    pub const fn max_packets(mut self, count: usize) -> Self {
        self.allowance = count;
        self
    }

    fn decode_next(&mut self, body: &'a str) -> Result<Packet<'a>, Violation> {
        self.allowance = self.allowance.checked_sub(1).ok_or(Violation::TooManyPackets)?;
        let (packet, rest) = match body.split_once(char::from(SEPARATOR)) {
            Some((packet, rest)) => (packet, Some(rest)),
            None => (body, None),
        };
        let packet = Packet::decode(packet)?;
        self.rest = rest;
        Ok(packet)
    }
}

impl<'a> Iterator for PayloadDecoder<'a> {
    type Item = Result<Packet<'a>, Violation>;

    fn next(&mut self) -> Option<Self::Item> {
        let body = self.rest.take()?;
        Some(self.decode_next(body))
    }
}

impl std::iter::FusedIterator for PayloadDecoder<'_> {}

/// Appends packets to a polling body as long as the whole stays within a limit.
///
/// A packet that is larger than the limit all by itself still goes out, alone: refusing it here
/// would stop the session's queue for ever.
///
/// ```
/// use rialto_protocol::engine::{Packet, PayloadEncoder};
///
/// let mut body = Vec::new();
/// let mut payload = PayloadEncoder::new(&mut body, 8);
/// assert!(payload.push(&Packet::Text("one")));
/// assert!(payload.push(&Packet::Ping("")));
/// assert!(!payload.push(&Packet::Text("three")));
/// assert_eq!(body, b"4one\x1e2");
/// ```
#[derive(Debug)]
pub struct PayloadEncoder<'a> {
    out: &'a mut Vec<u8>,
    /// Where the body begins in `out`.
    start: usize,
    /// The body's limit in bytes.
    limit: usize,
}

impl<'a> PayloadEncoder<'a> {
    /// An encoder that appends to `out` a body of at most `limit` bytes (the session's
    /// `max_payload`), not counting what `out` held before.
    pub const fn new(out: &'a mut Vec<u8>, limit: usize) -> Self {
        let start = out.len();
        Self { out, start, limit }
    }

    /// Appends the packet if it fits, and says whether it did; if not, the body is as before.
    pub fn push(&mut self, packet: &Packet<'_>) -> bool {
        if !self.separate(packet.payload_len()) {
            return false;
        }
        packet.encode_payload(self.out);
        true
    }

    /// Appends a packet that has been encoded before (as for a broadcast), by the same rule.
    pub fn push_encoded(&mut self, packet: &[u8]) -> bool {
        if !self.separate(packet.len()) {
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

    /// Makes room for a packet of that many bytes, or says that there is none.
    fn separate(&mut self, len: usize) -> bool {
        if self.is_empty() {
            self.out.reserve(len);
            return true;
        }
        if self.len().saturating_add(1).saturating_add(len) > self.limit {
            return false;
        }
        self.out.reserve(1 + len);
        self.out.push(SEPARATOR);
        true
    }
}
