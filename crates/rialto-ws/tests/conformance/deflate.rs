//! Groups 12 and 13: permessage-deflate over kinds of data, lengths, fragments and parameters.

use super::{Frame, bits, frame};
use crate::support::Peer;
use rialto_ws::proto::OpCode::{self, Binary, Continuation, Ping, Pong, Text};
use rialto_ws::proto::deflate::{Compressor, Decompressor, Offer};
use rialto_ws::{Deflate, Options, Role};

/// Bytes in a message, and in each of its fragments; 0 for one frame. As the suite has them.
const SIZES: [(usize, usize); 9] = [
    (16, 0),
    (256, 0),
    (1024, 0),
    (8192, 0),
    (131_072, 0),
    (8192, 256),
    (65_536, 256),
    (131_072, 1024),
    (131_072, 32_768),
];

/// Messages of each length: contexts that are kept have to survive them.
const ROUNDS: usize = 2;

/// What the suite takes from files: prose, JSON, markup, a picture, and what does not shrink.
fn data(kind: usize, size: usize) -> (OpCode, Vec<u8>) {
    let mut seed = 7u32;
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    let words = ["Rialto", "news", "merchant", "ducats", "bond", "Antonio", "pound"];
    let mut out = Vec::new();
    while out.len() < size {
        let word = words[usize::from(noise()) % words.len()];
        match kind {
            0 => out.extend(format!("{word} ").bytes()),
            1 => out.extend(format!("{{\"{word}\":{}}},", noise()).bytes()),
            2 => out.extend(format!("<a href='{word}'>{word}</a>\n").bytes()),
            3 => out.extend([noise() & 0xF0, 200, 201]),
            _ => out.push(noise()),
        }
    }
    out.truncate(size);
    (if kind < 3 { Text } else { Binary }, out)
}

/// A peer that compresses, and the echo at its far end.
struct Compressing {
    peer: Peer,
    role: Role,
    compressor: Compressor,
    decompressor: Decompressor,
}

impl Compressing {
    /// `wish` is what both sides want.
    fn new(role: Role, wish: Deflate) -> Self {
        let offer = Offer::new(&wish);
        let header = offer.to_header();
        let accepted = wish.accept([header.as_bytes()].into_iter()).unwrap().unwrap();
        let answer = accepted.to_header();
        let checked = offer.check([answer.as_bytes()].into_iter()).unwrap().unwrap();
        let (ours, theirs, other) = match role {
            Role::Server => (accepted, checked, Role::Client),
            Role::Client => (checked, accepted, Role::Server),
        };
        let (socket, peer) = crate::support::open(role, &Options::default(), super::CAPACITY);
        tokio::spawn(super::returning(socket.with_deflate(Some(ours))));
        let (compressor, decompressor) = theirs.codec(other);
        Self { peer, role, compressor, decompressor }
    }

    /// Sends a message, compressed if that makes it shorter, in fragments of `size` bytes.
    async fn send(&mut self, opcode: OpCode, payload: &[u8], size: usize) {
        let compressed = self.compressor.compress(payload, <[u8]>::to_vec);
        let rsv = if compressed.is_some() { 0x40 } else { 0 };
        let bytes = compressed.as_deref().unwrap_or(payload);
        let size = if size == 0 { bytes.len().max(1) } else { size };
        let mut frames: Vec<Frame> =
            bytes.chunks(size).map(|piece| frame(Continuation, piece).more()).collect();
        if frames.is_empty() {
            frames.push(frame(Continuation, "").more());
        }
        frames.first_mut().unwrap().first |= opcode as u8 | rsv;
        frames.last_mut().unwrap().first |= 0x80;
        for frame in frames {
            self.peer.send_raw(&frame.wire(self.role)).await;
        }
    }

    /// The next message, decompressed if it is compressed.
    async fn next(&mut self) -> (OpCode, Vec<u8>) {
        let (header, payload) = self.peer.read_raw().await.expect("a frame before the end");
        match header.rsv {
            0 => (header.opcode, payload),
            _ => (header.opcode, self.decompressor.decompress(&payload, 1 << 24).unwrap()),
        }
    }

    async fn echoes(&mut self, opcode: OpCode, payload: Vec<u8>, size: usize) {
        self.send(opcode, &payload, size).await;
        let name = format!("{opcode:?} of {} by {size}, {:?}", payload.len(), self.role);
        assert!(self.next().await == (opcode, payload), "{name}");
    }
}

#[tokio::test]
async fn every_kind_of_data_in_every_length_and_fragmentation() {
    // 12.1.1 to 12.5.18
    for role in [Role::Server, Role::Client] {
        for wish in [Deflate::default(), Deflate::default().context_takeover()] {
            let mut peer = Compressing::new(role, wish.threshold(0));
            for kind in 0..5 {
                for (size, fragment) in SIZES {
                    for _ in 0..ROUNDS {
                        let (opcode, payload) = data(kind, size);
                        peer.echoes(opcode, payload, fragment).await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn every_choice_of_parameters() {
    // 13.1.1 to 13.7.18, and every window there is
    for role in [Role::Server, Role::Client] {
        for (server_anew, client_anew) in
            [(true, true), (true, false), (false, true), (false, false)]
        {
            for bits in 8..=15 {
                let wish = Deflate::default()
                    .threshold(0)
                    .server_no_context_takeover(server_anew)
                    .client_no_context_takeover(client_anew)
                    .server_max_window_bits(bits)
                    .client_max_window_bits(23 - bits);
                let mut peer = Compressing::new(role, wish);
                for (size, fragment) in [(16, 0), (1024, 0), (8192, 256), (65_536, 0)] {
                    for kind in 0..2 {
                        let (opcode, payload) = data(kind, size);
                        peer.echoes(opcode, payload, fragment).await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn plain_and_compressed_messages_and_control_frames_may_alternate() {
    for role in [Role::Server, Role::Client] {
        let wish = Deflate::default().context_takeover().threshold(500);
        let mut peer = Compressing::new(role, wish);
        for round in 0..10 {
            let (opcode, payload) = data(round % 3, 2000);
            // RFC 7692 §6: plain messages are not part of the stream that the contexts see.
            peer.peer.send_raw(&frame(opcode, &payload).wire(role)).await;
            assert!(peer.next().await == (opcode, payload.clone()));
            peer.peer.send_raw(&frame(Ping, "between").wire(role)).await;
            assert_eq!(peer.next().await, (Pong, b"between".to_vec()));
            peer.echoes(opcode, payload, 100).await;
        }
    }
}

#[tokio::test]
async fn an_empty_message_may_be_compressed_in_several_ways() {
    // RFC 7692 §7.2.3.6, and what other libraries send.
    for role in [Role::Server, Role::Client] {
        for payload in [&b"\x00"[..], b"", b"\x02\x00", b"\x03\x00"] {
            let mut peer = Compressing::new(role, Deflate::default());
            peer.peer.send_raw(&bits(0xC1, payload).wire(role)).await;
            assert_eq!(peer.next().await, (Text, Vec::new()), "{payload:?}");
        }
    }
}

#[tokio::test]
async fn other_reserved_bits_are_still_1002() {
    for role in [Role::Server, Role::Client] {
        for first in [0xA1, 0x91, 0xB1, 0xE1, 0xF1, 0xC8, 0xC9, 0xCA, 0xC0] {
            let mut peer = Compressing::new(role, Deflate::default());
            peer.peer.send_raw(&bits(first, "").wire(role)).await;
            assert_eq!(peer.peer.closed_with().await, 1002, "{role:?} {first:#x}");
        }
    }
}
