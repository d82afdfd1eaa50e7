//! RFC 6455 clause by clause, in the groups of the Autobahn suite: what either end answers to each
//! kind of input, however the bytes arrive. This runs wherever cargo does; `cargo xtask autobahn`
//! runs the suite itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod closing;
mod control;
mod fragments;
mod messages;
mod reserved;
#[path = "../support/mod.rs"]
mod support;
mod text;

use rialto_ws::proto::OpCode::{self, Close};
use rialto_ws::proto::apply_mask;
use rialto_ws::{Options, Role, WebSocket};
use support::Peer;

/// Room in the pipe for whatever a case sends at once.
const CAPACITY: usize = 1 << 24;

/// Pieces in which the bytes of a case arrive; a whole one and single bytes among them.
const CHOPS: [usize; 4] = [usize::MAX, 1, 7, 997];

/// Into more pieces than this a case is not cut.
const LONG: usize = 5_000;

/// What our end is sent and what has to come back.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    sent: Vec<Frame>,
    back: Vec<(OpCode, Vec<u8>)>,
    end: End,
}

/// A frame, right or wrong.
#[derive(Clone, Debug)]
struct Frame {
    first: u8,
    payload: Vec<u8>,
    /// Bytes that are announced and do not come.
    missing: usize,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// The connection is in order, and ends when the case closes it.
    Clean,
    /// It is failed with this code.
    Failed(u16),
    /// Our end answers the Close frame of the case with this code, or with none.
    Answered(Option<u16>),
}

/// A frame in order; `fin` is said by [`Frame::more`].
fn frame(opcode: OpCode, payload: impl AsRef<[u8]>) -> Frame {
    bits(0x80 | opcode as u8, payload)
}

/// A frame whose first byte is this.
fn bits(first: u8, payload: impl AsRef<[u8]>) -> Frame {
    Frame { first, payload: payload.as_ref().to_vec(), missing: 0 }
}

impl Frame {
    /// Not the last of its message.
    fn more(mut self) -> Self {
        self.first &= 0x7F;
        self
    }

    /// Only the beginning of a frame.
    fn cut(mut self, missing: usize) -> Self {
        self.missing = missing;
        self
    }

    /// The frame as the peer of `role` sends it.
    fn wire(&self, role: Role) -> Vec<u8> {
        let length = self.payload.len() + self.missing;
        let mask = if role == Role::Server { 0x80 } else { 0 };
        let mut out = vec![self.first];
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..=125), _) => out.push(short | mask),
            (_, Ok(long)) => {
                out.push(126 | mask);
                out.extend(long.to_be_bytes());
            }
            _ => {
                out.push(127 | mask);
                out.extend((length as u64).to_be_bytes());
            }
        }
        let mut payload = self.payload.clone();
        if role == Role::Server {
            let key = [0x37, 0xFA, 0x21, 0x3D];
            out.extend(key);
            apply_mask(&mut payload, key, 0);
        }
        out.extend(payload);
        out
    }
}

impl Case {
    /// A case after which the connection is in order.
    fn clean(name: impl Into<String>, sent: Vec<Frame>, back: Vec<(OpCode, Vec<u8>)>) -> Self {
        Self { name: name.into(), sent, back, end: End::Clean }
    }

    /// A case that has to be answered by a Close frame with this code.
    fn failed(name: impl Into<String>, sent: Vec<Frame>, code: u16) -> Self {
        Self { name: name.into(), sent, back: Vec::new(), end: End::Failed(code) }
    }

    /// The same, with something that comes back before.
    fn after(mut self, back: Vec<(OpCode, Vec<u8>)>) -> Self {
        self.back = back;
        self
    }

    /// Runs it at both ends, in every kind of pieces.
    async fn run(&self) {
        for role in [Role::Server, Role::Client] {
            let mut wire: Vec<u8> = self.sent.iter().flat_map(|frame| frame.wire(role)).collect();
            if matches!(self.end, End::Clean) {
                wire.extend(frame(Close, 1000u16.to_be_bytes()).wire(role));
            }
            for chop in CHOPS.into_iter().filter(|chop| wire.len() / chop <= LONG) {
                self.run_as(role, &wire, chop).await;
            }
        }
    }

    async fn run_as(&self, role: Role, wire: &[u8], chop: usize) {
        let name = format!("{} ({role:?}, {chop})", self.name);
        let mut peer = echo(role);
        for piece in wire.chunks(chop.min(wire.len().max(1))) {
            peer.send_raw(piece).await;
            // So that it is read before the next one comes.
            tokio::task::yield_now().await;
        }
        let mut back = Vec::new();
        let code = loop {
            let next = peer.read().await;
            let (opcode, payload) = next.unwrap_or_else(|| panic!("{name}: no Close frame"));
            if opcode == Close {
                break payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
            back.push((opcode, payload));
        };
        assert!(back == self.back, "{name}: {} instead of {}", show(&back), show(&self.back));
        let expected = match self.end {
            End::Clean => Some(1000),
            End::Failed(code) => Some(code),
            End::Answered(code) => code,
        };
        assert_eq!(code, expected, "{name}");
        if role == Role::Client {
            // The server ends the stream (RFC 6455 §7.1.1).
            peer.shutdown().await;
        }
        assert!(peer.read().await.is_none(), "{name}: nothing follows a Close frame");
    }
}

/// Frames, shortened for a message of failure.
fn show(frames: &[(OpCode, Vec<u8>)]) -> String {
    let shown = frames.iter().map(|(opcode, payload)| {
        let start = &payload[..payload.len().min(20)];
        format!("{opcode:?} of {} bytes {start:?}", payload.len())
    });
    format!("[{}]", shown.collect::<Vec<_>>().join(", "))
}

/// An end that returns every message, and its peer.
fn echo(role: Role) -> Peer {
    let (socket, peer) = support::open(role, &Options::default(), CAPACITY);
    tokio::spawn(returning(socket));
    peer
}

async fn returning(mut socket: WebSocket) {
    while let Ok(Some(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Runs the cases one after the other.
async fn all(cases: impl IntoIterator<Item = Case>) {
    let mut count = 0;
    for case in cases {
        case.run().await;
        count += 1;
    }
    assert!(count > 0, "a list without cases");
}
