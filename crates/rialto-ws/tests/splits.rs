//! Any split of any byte stream decodes to the same items, or to the same violation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use proptest::prelude::*;
use rialto_ws::proto::{Body, Decoder, Header, Item, Kind, OpCode, Piece, Violation, apply_mask};
use rialto_ws::{Limits, Role};

/// An item with its payload, wherever it lay.
#[derive(Clone, Debug, PartialEq)]
enum Got {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
}

fn limits() -> Limits {
    Limits::default().max_message(2000).max_small_fragments(6)
}

fn decode(pieces: &[&[u8]]) -> (Vec<Got>, Option<Violation>) {
    let mut decoder = Decoder::new(Role::Server, limits());
    let mut items = Vec::new();
    for piece in pieces {
        let mut input = piece.to_vec();
        let mut at = 0;
        while at < input.len() {
            let decoded = match decoder.decode(&mut input[at..]) {
                Ok(decoded) => decoded,
                Err(violation) => return (items, Some(violation)),
            };
            let bytes = |body: &Body| body.as_slice(&input[at..]).to_vec();
            items.extend(decoded.item.as_ref().map(|item| match item {
                Item::Message(kind, body) => Got::Message(*kind, bytes(body)),
                Item::Ping(body) => Got::Ping(bytes(body)),
                Item::Pong(body) => Got::Pong(bytes(body)),
                Item::Close(frame) => Got::Close(frame.code.get(), frame.reason.to_string()),
            }));
            assert!(decoded.consumed > 0, "a step without progress");
            at += decoded.consumed;
        }
    }
    (items, None)
}

/// [`decode`] by the way of pieces: a message counts when its last piece has come.
fn decode_in_pieces(inputs: &[&[u8]]) -> (Vec<Got>, Option<Violation>) {
    let mut decoder = Decoder::new(Role::Server, limits());
    let mut items = Vec::new();
    let mut message = (Kind::Text, Vec::new());
    for input in inputs {
        let mut input = input.to_vec();
        let mut at = 0;
        loop {
            let decoded = match decoder.decode_piece(&mut input[at..]) {
                Ok(decoded) => decoded,
                Err(violation) => return (items, Some(violation)),
            };
            let bytes = |body: &Body| body.as_slice(&input[at..]).to_vec();
            match decoded.piece {
                Some(Piece::Begin(kind)) => message = (kind, Vec::new()),
                Some(Piece::Data { body, last }) => {
                    message.1.extend(bytes(&body));
                    if last {
                        items.push(Got::Message(message.0, std::mem::take(&mut message.1)));
                    }
                }
                Some(Piece::Control(Item::Ping(body))) => items.push(Got::Ping(bytes(&body))),
                Some(Piece::Control(Item::Pong(body))) => items.push(Got::Pong(bytes(&body))),
                Some(Piece::Control(Item::Close(frame))) => {
                    items.push(Got::Close(frame.code.get(), frame.reason.to_string()));
                }
                Some(Piece::Control(item)) => panic!("{item:?} is no control frame"),
                None => break,
            }
            at += decoded.consumed;
        }
    }
    (items, None)
}

fn frames() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        4 => Just(OpCode::Text), 4 => Just(OpCode::Binary), 4 => Just(OpCode::Continuation),
        1 => Just(OpCode::Ping), 1 => Just(OpCode::Pong), 1 => Just(OpCode::Close),
    ];
    let payload = prop_oneof![
        "\\PC{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(Just(b'x'), 0..1500),
    ];
    let frame = (any::<bool>(), opcode, payload, any::<[u8; 4]>(), 0..40u8);
    prop::collection::vec(frame, 1..8).prop_map(|frames| {
        let mut out = Vec::new();
        for (fin, opcode, payload, key, oddity) in frames {
            let mask = (oddity != 0).then_some(key);
            let rsv = u8::from(oddity == 1);
            let length = payload.len() as u64;
            let mut header = [0; Header::MAX];
            let size = Header { fin, rsv, opcode, mask, length }.write(&mut header);
            out.extend_from_slice(&header[..size]);
            let from = out.len();
            out.extend_from_slice(&payload);
            if let Some(key) = mask {
                apply_mask(&mut out[from..], key, 0);
            }
        }
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn splits_change_nothing(
        bytes in frames(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = decode(&[&bytes]);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(&decode(&pieces), &whole);
        let single: Vec<_> = bytes.chunks(1).collect();
        prop_assert_eq!(&decode(&single), &whole);
        for inputs in [&[&bytes[..]][..], &pieces, &single] {
            prop_assert_eq!(&decode_in_pieces(inputs), &whole);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode(&[&bytes]);
        decode_in_pieces(&[&bytes]);
    }
}
