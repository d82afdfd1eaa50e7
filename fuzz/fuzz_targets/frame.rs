//! Frames: however the bytes are cut, and whichever way they are handed in, the decoder sees the
//! same; and what it saw can be written and read again.
//!
//! Input: one byte of switches, one byte that chooses the cuts, then what arrives.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rialto_ws::proto::{
    Body, CloseCode, CloseFrame, Decoder, Header, Item, Kind, Limits, OpCode, Piece, Role,
    Violation, apply_mask,
};

/// Small, so that inputs of a few kilobytes reach them.
const MAX_MESSAGE: usize = 700;
const MAX_SMALL_FRAGMENTS: u32 = 8;

/// An item that no longer borrows from the input.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Message(Kind, Bytes),
    Ping(Bytes),
    Pong(Bytes),
    Close(CloseFrame),
}

/// Everything that one pass saw: the items, how it ended, and what is still to come.
#[derive(Debug, PartialEq)]
struct Outcome {
    items: Vec<Seen>,
    end: Result<usize, Violation>,
}

fuzz_target!(|data: &[u8]| {
    let [switches, seed, wire @ ..] = data else { return };
    let role = if switches & 1 == 0 { Role::Server } else { Role::Client };
    let limits = if switches & 2 == 0 {
        Limits::default()
    } else {
        Limits::default().max_message(MAX_MESSAGE).max_small_fragments(MAX_SMALL_FRAGMENTS)
    };
    let whole = in_pieces(role, limits, wire, |left| left);
    assert_eq!(whole, in_pieces(role, limits, wire, |_| 1), "byte by byte");
    let mut cuts = Cuts(*seed);
    assert_eq!(whole, in_pieces(role, limits, wire, |left| cuts.next(left)), "cut by {seed}");
    let mut cuts = Cuts(*seed);
    let direct = straight_in(role, limits, wire, |left| cuts.next(left));
    assert_eq!(whole, direct, "read into the message's buffer");
    let seen = (whole.items.clone(), whole.end.err());
    assert_eq!(seen, by_piece(role, limits, wire, |left| left), "by pieces");
    let mut cuts = Cuts(*seed);
    let pieces = by_piece(role, limits, wire, |left| cuts.next(left));
    assert_eq!(seen, pieces, "by pieces, cut by {seed}");
    assert_eq!(seen, part_by_piece(role, limits, wire, *seed), "the later part by pieces");
    for item in &whole.items {
        check(item, &limits);
        assert_eq!(read_again(role, item), Some(item.clone()), "written and read again");
    }
});

/// Lengths of pieces, mostly short, from one byte.
struct Cuts(u8);

impl Cuts {
    fn next(&mut self, left: usize) -> usize {
        self.0 = self.0.wrapping_mul(77).wrapping_add(31);
        let length = if self.0 & 0xC0 == 0 { 200 } else { usize::from(self.0 % 13) };
        length.clamp(1, left)
    }
}

/// Hands the input to [`Decoder::decode`] in pieces, of which `size` chooses the lengths.
fn in_pieces(
    role: Role,
    limits: Limits,
    wire: &[u8],
    mut size: impl FnMut(usize) -> usize,
) -> Outcome {
    let mut decoder = Decoder::new(role, limits);
    let (mut items, mut rest) = (Vec::new(), wire);
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(size(rest.len()));
        rest = tail;
        if let Err(violation) = feed(&mut decoder, piece, &mut items) {
            return Outcome { items, end: Err(violation) };
        }
    }
    Outcome { items, end: Ok(decoder.remaining()) }
}

/// As a connection reads: while payload is due, straight into the buffer of the message.
fn straight_in(
    role: Role,
    limits: Limits,
    wire: &[u8],
    mut size: impl FnMut(usize) -> usize,
) -> Outcome {
    let mut decoder = Decoder::new(role, limits);
    let (mut items, mut rest) = (Vec::new(), wire);
    while !rest.is_empty() {
        let due = decoder.remaining();
        let length = size(rest.len());
        let result = match decoder.payload_mut() {
            Some(buffer) if due > 0 => {
                let (piece, tail) = rest.split_at(length.min(due));
                buffer.extend_from_slice(piece);
                rest = tail;
                let item = decoder.payload_read(piece.len());
                item.map(|item| items.extend(item.map(|item| own(item, &[]))))
            }
            _ => {
                let (piece, tail) = rest.split_at(length);
                rest = tail;
                feed(&mut decoder, piece, &mut items)
            }
        };
        if let Err(violation) = result {
            return Outcome { items, end: Err(violation) };
        }
    }
    Outcome { items, end: Ok(decoder.remaining()) }
}

/// Hands the input to [`Decoder::decode_piece`]; a message counts when its last piece has come.
fn by_piece(
    role: Role,
    limits: Limits,
    wire: &[u8],
    mut size: impl FnMut(usize) -> usize,
) -> (Vec<Seen>, Option<Violation>) {
    let mut decoder = Decoder::new(role, limits);
    let (mut items, mut rest, mut message) = (Vec::new(), wire, None);
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(size(rest.len()));
        rest = tail;
        if let Err(violation) = feed_pieces(&mut decoder, piece, &mut message, &mut items) {
            return (items, Some(violation));
        }
    }
    assert_eq!(decoder.is_streaming(), message.is_some());
    (items, None)
}

/// The first bytes by [`Decoder::decode`], as if somebody had begun to receive whole messages.
fn part_by_piece(
    role: Role,
    limits: Limits,
    wire: &[u8],
    seed: u8,
) -> (Vec<Seen>, Option<Violation>) {
    let mut decoder = Decoder::new(role, limits);
    let (mut items, mut message) = (Vec::new(), None);
    let (first, later) = wire.split_at(wire.len() * usize::from(seed) / 256);
    let fed = feed(&mut decoder, first, &mut items);
    let fed = fed.and_then(|()| feed_pieces(&mut decoder, later, &mut message, &mut items));
    (items, fed.err())
}

fn feed_pieces(
    decoder: &mut Decoder,
    piece: &[u8],
    message: &mut Option<(Kind, Vec<u8>)>,
    items: &mut Vec<Seen>,
) -> Result<(), Violation> {
    let mut piece = piece.to_vec();
    let mut input = piece.as_mut_slice();
    loop {
        let decoded = decoder.decode_piece(input)?;
        match decoded.piece {
            Some(Piece::Begin(kind)) => assert!(message.replace((kind, Vec::new())).is_none()),
            Some(Piece::Data { body, last }) => {
                let (kind, mut payload) = message.take().expect("a message has begun");
                payload.extend_from_slice(body.as_slice(input));
                match last {
                    true => items.push(Seen::Message(kind, payload.into())),
                    false => *message = Some((kind, payload)),
                }
            }
            Some(Piece::Control(item)) => items.push(own(item, input)),
            None => {
                assert_eq!(decoded.consumed, input.len(), "nothing seen, yet not at the end");
                return Ok(());
            }
        }
        input = &mut input[decoded.consumed..];
    }
}

fn feed(decoder: &mut Decoder, piece: &[u8], items: &mut Vec<Seen>) -> Result<(), Violation> {
    let mut piece = piece.to_vec();
    let mut input = piece.as_mut_slice();
    while !input.is_empty() {
        let decoded = decoder.decode(input)?;
        assert!(decoded.consumed > 0 && decoded.consumed <= input.len());
        match decoded.item {
            Some(item) => items.push(own(item, input)),
            None => assert_eq!(decoded.consumed, input.len(), "nothing seen, yet not at the end"),
        }
        input = &mut input[decoded.consumed..];
    }
    Ok(())
}

fn own(item: Item, input: &[u8]) -> Seen {
    let copy = |body: Body| body.to_bytes(input);
    match item {
        Item::Message(kind, body) => Seen::Message(kind, copy(body)),
        Item::Ping(body) => Seen::Ping(copy(body)),
        Item::Pong(body) => Seen::Pong(copy(body)),
        Item::Close(frame) => Seen::Close(frame),
    }
}

/// What holds of every item, by the RFC and by the limits.
fn check(item: &Seen, limits: &Limits) {
    match item {
        Seen::Message(kind, payload) => {
            assert!(payload.len() <= limits.max_message);
            assert!(*kind == Kind::Binary || std::str::from_utf8(payload).is_ok());
        }
        Seen::Ping(payload) | Seen::Pong(payload) => assert!(payload.len() <= 125),
        Seen::Close(frame) => {
            assert!(frame.code.is_sendable() || frame.code == CloseCode::NO_STATUS);
            assert!(frame.reason.len() <= CloseFrame::MAX_REASON);
            assert!(std::str::from_utf8(frame.reason.as_bytes()).is_ok());
        }
    }
}

/// Frames the item as the peer of `role` would, and decodes it.
fn read_again(role: Role, item: &Seen) -> Option<Seen> {
    let (opcode, payload) = match item {
        Seen::Message(Kind::Text, payload) => (OpCode::Text, payload.to_vec()),
        Seen::Message(Kind::Binary, payload) => (OpCode::Binary, payload.to_vec()),
        Seen::Ping(payload) => (OpCode::Ping, payload.to_vec()),
        Seen::Pong(payload) => (OpCode::Pong, payload.to_vec()),
        Seen::Close(frame) => {
            let mut payload = Vec::new();
            frame.write(&mut payload);
            (OpCode::Close, payload)
        }
    };
    let mask = (role == Role::Server).then_some([0x9D, 0x00, 0xFF, 0x31]);
    let mut header = [0; Header::MAX];
    let length = Header::new(opcode, payload.len(), mask).write(&mut header);
    let mut wire = header[..length].to_vec();
    wire.extend_from_slice(&payload);
    if let Some(key) = mask {
        apply_mask(&mut wire[length..], key, 0);
    }
    let decoded = Decoder::new(role, Limits::default()).decode(&mut wire).ok()?;
    assert_eq!(decoded.consumed, wire.len());
    decoded.item.map(|item| own(item, &wire))
}
