//! What waits for the next poll of a session on long-polling.

use bytes::Bytes;
use rialto_protocol::engine::{Packet, PayloadEncoder};
use rialto_ws::{Charge, Kind, MessageRef, Prepared};
use std::collections::VecDeque;
use std::time::Instant;

/// Packets in order, bounded in bytes by whoever pushes.
pub(crate) struct Outbox {
    packets: VecDeque<Waiting>,
    bytes: Charge,
    /// When the first came after the last was taken, or packets were taken last.
    since: Option<Instant>,
    /// Bytes that came without asking for room since packets were taken last.
    beyond: usize,
}

/// One message or control packet, kept in the form in which a WebSocket would take it:
/// text with its Engine.IO type, binary as it is.
struct Waiting {
    kind: Kind,
    /// Whether a body that holds it may be compressed for its sake.
    compress: bool,
    payload: Bytes,
}

impl Waiting {
    fn message(&self) -> MessageRef<'_> {
        match self.kind {
            Kind::Text => MessageRef::Text(std::str::from_utf8(&self.payload).unwrap_or_default()),
            Kind::Binary => MessageRef::Binary(&self.payload),
        }
    }
}

impl Outbox {
    /// Its bytes are counted there as well.
    pub(crate) fn new(bytes: Charge) -> Self {
        Self { packets: VecDeque::new(), bytes, since: None, beyond: 0 }
    }

    /// Since when nothing was fetched of what waits; `None` if nothing does.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        self.since
    }

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.bytes.get()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(crate) fn push(&mut self, message: MessageRef<'_>) {
        let payload = message.as_bytes();
        // Packets of the protocol itself are a single character.
        self.push_bytes(message.kind(), Bytes::copy_from_slice(payload), payload.len() > 1);
    }

    /// [`Outbox::push`] of a packet that needs no room, as long as less than `reserve` bytes came
    /// this way since the last poll; false if not.
    pub(crate) fn push_beyond(&mut self, message: MessageRef<'_>, reserve: usize) -> bool {
        let fits = self.beyond < reserve;
        if fits {
            self.beyond += message.as_bytes().len();
            self.push(message);
        }
        fits
    }

    pub(crate) fn push_prepared(&mut self, message: &Prepared, compress: bool) {
        self.push_bytes(message.kind(), message.payload_bytes(), compress);
    }

    fn push_bytes(&mut self, kind: Kind, payload: Bytes, compress: bool) {
        self.bytes.set(self.len() + payload.len());
        self.since.get_or_insert_with(Instant::now);
        self.packets.push_back(Waiting { kind, compress, payload });
    }

    /// Takes as many packets as fit a body of `limit` bytes, one at least if any waits; whether the
    /// body may be compressed.
    pub(crate) fn take_payload(&mut self, limit: usize) -> (Vec<u8>, bool) {
        let mut body = Vec::with_capacity(self.len().min(limit));
        let mut encoder = PayloadEncoder::new(&mut body, limit);
        let compress = self.take_while(|message| match message {
            MessageRef::Text(text) => encoder.push_encoded(text.as_bytes()),
            MessageRef::Binary(data) => encoder.push(&Packet::from_binary(data)),
        });
        (body, compress)
    }

    /// Takes packets from the front as long as `take` does; whether a body of them may be
    /// compressed.
    pub(crate) fn take_while(&mut self, mut take: impl FnMut(MessageRef<'_>) -> bool) -> bool {
        let mut compress = false;
        self.beyond = 0;
        while let Some(waiting) = self.packets.front() {
            if !take(waiting.message()) {
                self.since = Some(Instant::now());
                return compress;
            }
            compress |= waiting.compress;
            self.bytes.set(self.bytes.get() - waiting.payload.len());
            self.packets.pop_front();
        }
        self.since = None;
        compress
    }

    /// Whether a binary message waits.
    pub(crate) fn has_binary(&self) -> bool {
        self.packets.iter().any(|waiting| matches!(waiting.kind, Kind::Binary))
    }

    /// Answers a ping. Of pongs side by side one is enough, so pings alone fill nothing.
    pub(crate) fn push_pong(&mut self) {
        if self.packets.back().is_none_or(|last| *last.payload != *b"3") {
            self.push(MessageRef::Text("3"));
        }
    }

    /// Hands everything over, in order, to a WebSocket that has replaced the polls.
    pub(crate) fn drain(&mut self, mut send: impl FnMut(MessageRef<'_>)) {
        self.bytes.set(0);
        self.since = None;
        for waiting in self.packets.drain(..) {
            send(waiting.message());
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.bytes.set(0);
        self.since = None;
        self.packets = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rialto_ws::SharedBudget;

    #[test]
    fn a_body_is_compressed_for_the_sake_of_what_it_holds() {
        let mut outbox = Outbox::new(SharedBudget::new(usize::MAX).charge());
        let image = Prepared::new(Bytes::from_static(&[1, 2, 3]));
        outbox.push_pong();
        outbox.push_prepared(&image, false);
        outbox.push(MessageRef::Text("4text"));
        assert_eq!(outbox.take_payload(8), (b"3\x1ebAQID".to_vec(), false));
        assert!(outbox.take_payload(8).1);
        outbox.push_prepared(&image, false);
        assert!(!outbox.take_while(|_| true));
        outbox.push_prepared(&image, true);
        assert!(outbox.take_while(|_| true));
    }

    #[test]
    fn pongs_side_by_side_are_one() {
        let mut outbox = Outbox::new(SharedBudget::new(usize::MAX).charge());
        (0..5).for_each(|_| outbox.push_pong());
        outbox.push(MessageRef::Text("4x"));
        (0..5).for_each(|_| outbox.push_pong());
        assert_eq!(outbox.take_payload(100).0, b"3\x1e4x\x1e3");
    }

    #[test]
    fn payloads_hold_what_fits_and_the_rest_waits() {
        let mut outbox = Outbox::new(SharedBudget::new(usize::MAX).charge());
        outbox.push(MessageRef::Text("4one"));
        outbox.push(MessageRef::Binary(&[1, 2, 3]));
        outbox.push(MessageRef::Text("4a long one"));
        assert_eq!(outbox.len(), 18);
        assert_eq!(outbox.take_payload(12).0, b"4one\x1ebAQID");
        assert_eq!(outbox.take_payload(3).0, b"4a long one");
        assert!(outbox.is_empty());
    }
}
