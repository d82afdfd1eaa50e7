//! Any split of any byte stream decodes to the same items, or to the same violation: at either
//! end, with compression and without, whether bytes are handed in or read onto their message.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use proptest::prelude::*;
use rialto_ws::proto::deflate::Offer;
use rialto_ws::proto::{Body, Decoder, Header, Item, Kind, OpCode, Piece, Violation, apply_mask};
use rialto_ws::{Deflate, Limits, Role};
use std::collections::HashSet;
use std::sync::Mutex;

/// An item with its payload, wherever it lay.
#[derive(Clone, Debug, PartialEq)]
enum Got {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
}

/// What one pass saw: the items, how it ended, and how much of a frame is still to come.
type Outcome = (Vec<Got>, Result<usize, Violation>);

/// Which end receives, and whether a compressing peer has kept its context.
#[derive(Clone, Copy, Debug)]
struct End {
    role: Role,
    deflate: Option<Deflate>,
}

fn limits() -> Limits {
    Limits::default().max_message(2000).max_frame(1400).max_small_fragments(6)
}

/// What an end receives with, and what its peer compresses with.
fn codecs(
    end: End,
) -> Option<(rialto_ws::proto::deflate::Compressor, rialto_ws::proto::deflate::Decompressor)> {
    let wish = end.deflate?;
    let offer = Offer::new(&wish);
    let accepted = wish.accept([offer.to_header().as_bytes()].into_iter()).unwrap().unwrap();
    let answer = accepted.to_header();
    let checked = offer.check([answer.as_bytes()].into_iter()).unwrap().unwrap();
    let (server, client) = (accepted.codec(Role::Server), checked.codec(Role::Client));
    Some(match end.role {
        Role::Server => (client.0, server.1),
        Role::Client => (server.0, client.1),
    })
}

fn decoder(end: End) -> Decoder {
    let mut decoder = Decoder::new(end.role, limits());
    if let Some((_, decompressor)) = codecs(end) {
        decoder.set_deflate(decompressor);
    }
    decoder
}

fn own(item: &Item, input: &[u8]) -> Got {
    let bytes = |body: &Body| body.as_slice(input).to_vec();
    match item {
        Item::Message(kind, body) => Got::Message(*kind, bytes(body)),
        Item::Ping(body) => Got::Ping(bytes(body)),
        Item::Pong(body) => Got::Pong(bytes(body)),
        Item::Close(frame) => Got::Close(frame.code.get(), frame.reason.to_string()),
    }
}

fn feed(decoder: &mut Decoder, piece: &[u8], items: &mut Vec<Got>) -> Result<(), Violation> {
    let mut input = piece.to_vec();
    let mut at = 0;
    while at < input.len() {
        let decoded = decoder.decode(&mut input[at..])?;
        items.extend(decoded.item.as_ref().map(|item| own(item, &input[at..])));
        assert!(decoded.consumed > 0, "a step without progress");
        at += decoded.consumed;
    }
    Ok(())
}

fn decode(end: End, pieces: &[&[u8]]) -> Outcome {
    let (mut decoder, mut items) = (decoder(end), Vec::new());
    for piece in pieces {
        if let Err(violation) = feed(&mut decoder, piece, &mut items) {
            return (items, Err(violation));
        }
    }
    (items, Ok(decoder.remaining()))
}

/// As a connection reads: while payload is due, onto the end of its message.
fn decode_direct(end: End, pieces: &[&[u8]]) -> Outcome {
    let (mut decoder, mut items) = (decoder(end), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let due = decoder.remaining().min(rest.len());
            let result = match decoder.payload_mut() {
                Some(buffer) if due > 0 => {
                    buffer.extend_from_slice(&rest[..due]);
                    rest = &rest[due..];
                    let item = decoder.payload_read(due);
                    item.map(|item| items.extend(item.map(|item| own(&item, &[]))))
                }
                _ => {
                    // A byte at a time, so as not to miss where a payload begins.
                    let (byte, tail) = rest.split_at(1);
                    rest = tail;
                    feed(&mut decoder, byte, &mut items)
                }
            };
            if let Err(violation) = result {
                return (items, Err(violation));
            }
        }
    }
    (items, Ok(decoder.remaining()))
}

/// [`decode`] by the way of pieces: a message counts when its last piece has come.
fn decode_in_pieces(end: End, inputs: &[&[u8]]) -> (Vec<Got>, Option<Violation>) {
    let (mut decoder, mut items) = (decoder(end), Vec::new());
    let mut message = (Kind::Text, Vec::new());
    for input in inputs {
        let mut input = input.to_vec();
        let mut at = 0;
        loop {
            let decoded = match decoder.decode_piece(&mut input[at..]) {
                Ok(decoded) => decoded,
                Err(violation) => return (items, Some(violation)),
            };
            match decoded.piece {
                Some(Piece::Begin(kind)) => message = (kind, Vec::new()),
                Some(Piece::Data { body, last }) => {
                    message.1.extend(body.as_slice(&input[at..]));
                    if last {
                        items.push(Got::Message(message.0, std::mem::take(&mut message.1)));
                    }
                }
                Some(Piece::Control(item)) => items.push(own(&item, &input[at..])),
                None => break,
            }
            at += decoded.consumed;
        }
    }
    (items, None)
}

/// One frame as it is made up; `oddity` decides what is wrong with it, mostly nothing.
#[derive(Clone, Debug)]
struct Made {
    fin: bool,
    opcode: OpCode,
    payload: Vec<u8>,
    key: [u8; 4],
    compress: bool,
    oddity: u8,
}

fn frame() -> impl Strategy<Value = Made> {
    let opcode = prop_oneof![
        4 => Just(OpCode::Text), 4 => Just(OpCode::Binary), 4 => Just(OpCode::Continuation),
        1 => Just(OpCode::Ping), 1 => Just(OpCode::Pong), 1 => Just(OpCode::Close),
    ];
    let payload = prop_oneof![
        4 => "\\PC{0,40}".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => prop::collection::vec(Just(b'x'), 0..1500),
        // Close payloads in order: a code and a reason.
        2 => (prop_oneof![Just(1000u16), 3000..5000u16, 990..1020u16], "\\PC{0,30}")
            .prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat()),
    ];
    (any::<bool>(), opcode, payload, any::<[u8; 4]>(), any::<bool>(), 0..60u8).prop_map(
        |(fin, opcode, payload, key, compress, oddity)| {
            // Control frames in order more often than by chance.
            let control = opcode.is_control();
            let (fin, mut payload) = (fin || control && oddity > 5, payload);
            if control && oddity > 10 {
                payload.truncate(125);
            }
            Made { fin, opcode, payload, key, compress, oddity }
        },
    )
}

/// The frames as they travel to this end.
fn wire(end: End, frames: &[Made]) -> Vec<u8> {
    let mut codecs = codecs(end);
    let mut out = Vec::new();
    for made in frames {
        let compresses = made.compress && made.opcode != OpCode::Continuation;
        let compressed = match &mut codecs {
            Some((compressor, _)) if compresses && !made.opcode.is_control() => {
                compressor.compress(&made.payload, <[u8]>::to_vec)
            }
            _ => None,
        };
        let mut rsv = if compressed.is_some() { 4 } else { 0 };
        if made.oddity == 1 {
            rsv ^= 1 << (made.key[0] % 3);
        }
        let mut payload = compressed.unwrap_or_else(|| made.payload.clone());
        if made.oddity == 2 && !payload.is_empty() {
            payload.truncate(payload.len() - 1);
        }
        let masked = (end.role == Role::Server) != (made.oddity == 3);
        let mask = masked.then_some(made.key);
        let length = payload.len() as u64;
        let mut header = [0; Header::MAX];
        let size =
            Header { fin: made.fin, rsv, opcode: made.opcode, mask, length }.write(&mut header);
        if made.oddity == 4 {
            header[0] |= 0x07;
        }
        out.extend_from_slice(&header[..size]);
        let from = out.len();
        out.extend_from_slice(&payload);
        if let Some(key) = mask {
            apply_mask(&mut out[from..], key, 0);
        }
    }
    out
}

fn end() -> impl Strategy<Value = End> {
    let deflate = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Deflate::default().threshold(0))),
        1 => Just(Some(Deflate::default().threshold(0).context_takeover().max_contexts(1 << 20))),
    ];
    (prop_oneof![Just(Role::Server), Just(Role::Client)], deflate)
        .prop_map(|(role, deflate)| End { role, deflate })
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for cut in cuts {
        pieces.push(&bytes[from..cut]);
        from = cut;
    }
    pieces.push(&bytes[from..]);
    pieces
}

fn check(end: End, bytes: &[u8], cuts: &[prop::sample::Index]) -> Result<Outcome, TestCaseError> {
    let whole = decode(end, &[bytes]);
    let pieces = pieces(bytes, cuts);
    prop_assert_eq!(&decode(end, &pieces), &whole);
    prop_assert_eq!(&decode_direct(end, &pieces), &whole);
    let single: Vec<_> = bytes.chunks(1).collect();
    prop_assert_eq!(&decode(end, &single), &whole);
    for inputs in [&[bytes][..], &pieces, &single] {
        let (items, violation) = decode_in_pieces(end, inputs);
        if end.deflate.is_some() && violation.is_some_and(shows_early) {
            let (same, unseen) = whole.0.split_at(items.len());
            prop_assert_eq!(&items, same);
            prop_assert!(!unseen.iter().any(|item| matches!(item, Got::Message(..))), "{whole:?}");
        } else {
            prop_assert_eq!((&items, violation), (&whole.0, whole.1.err()));
        }
    }
    Ok(whole)
}

/// What is wrong with a compressed message shows in pieces before the message has come whole, and
/// what it breaks first depends on the pieces.
fn shows_early(violation: Violation) -> bool {
    use Violation::{InvalidDeflate, InvalidUtf8, MessageTooLarge};
    matches!(violation, InvalidDeflate | InvalidUtf8 | MessageTooLarge)
}

/// What the passes of one test have come across, so that it cannot pass by seeing nothing.
static SEEN: Mutex<Option<HashSet<String>>> = Mutex::new(None);

fn note(outcome: &Outcome) {
    let mut guard = SEEN.lock().unwrap();
    let seen = guard.get_or_insert_default();
    for item in &outcome.0 {
        let name = match item {
            Got::Message(kind, _) => format!("{kind:?}"),
            Got::Ping(_) => "Ping".to_owned(),
            Got::Pong(_) => "Pong".to_owned(),
            Got::Close(..) => "Close".to_owned(),
        };
        seen.insert(name);
    }
    if let Err(violation) = outcome.1 {
        let name = format!("{violation:?}");
        seen.insert(name.split('(').next().unwrap_or_default().to_owned());
    }
}

#[test]
fn splits_change_nothing() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) };
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..6);
    let input = (end(), prop::collection::vec(frame(), 1..8), cuts);
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        config,
        // The same made-up streams on every machine: whether all kinds occur is no matter of luck.
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let outcome = runner.run(&input, |(end, frames, cuts)| {
        note(&check(end, &wire(end, &frames), &cuts)?);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let seen = SEEN.lock().unwrap().take().unwrap();
    for kind in [
        "Text",
        "Binary",
        "Ping",
        "Pong",
        "Close",
        "ReservedOpCode",
        "ReservedBits",
        "FragmentedControl",
        "LongControl",
        "Unmasked",
        "Masked",
        "LoneContinuation",
        "InterleavedMessage",
        "InvalidUtf8",
        "InvalidCloseCode",
        "InvalidDeflate",
        "FrameTooLarge",
        "MessageTooLarge",
    ] {
        assert!(seen.contains(kind), "no stream with {kind}: {seen:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn arbitrary_bytes_are_the_same_however_they_are_cut(
        end in end(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        drop(check(end, &bytes, &cuts)?);
    }
}
