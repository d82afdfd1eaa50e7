//! Compressed messages in pieces: any cut of frames and input gives what the whole message gives,
//! within the same limits, a piece at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use proptest::prelude::*;
use rialto_ws::proto::deflate::{Compressor, Decompressor, Deflation, Inflation, Offer};
use rialto_ws::proto::{Decoder, Header, Item, Kind, OpCode, Piece, RSV1, Violation};
use rialto_ws::{Deflate, Limits, Role};

/// The most that a piece of a compressed message holds.
const PIECE: usize = 64 * 1024;

/// What a server compresses with, and its client decompresses with.
fn codecs(wish: Deflate) -> (Compressor, Decompressor) {
    let offer = Offer::new(&wish);
    let accepted = wish.accept([offer.to_header().as_bytes()].into_iter()).unwrap().unwrap();
    let answer = accepted.to_header();
    let checked = offer.check([answer.as_bytes()].into_iter()).unwrap().unwrap();
    (accepted.codec(Role::Server).0, checked.codec(Role::Client).1)
}

fn anew() -> Deflate {
    Deflate::default().threshold(0)
}

fn keeping() -> Deflate {
    anew().context_takeover().max_contexts(usize::MAX)
}

fn wishes() -> impl Strategy<Value = Deflate> {
    (prop_oneof![Just(anew()), Just(keeping())], 8..=15u8, 1..=9u8)
        .prop_map(|(wish, window, level)| wish.server_max_window_bits(window).level(level))
}

/// Payloads that shrink much, a little, and not at all.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "\\PC{0,300}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..3000),
        (0..200_000usize, any::<u8>()).prop_map(|(size, byte)| vec![byte; size]),
        (0..40_000u32).prop_map(|size| (0..size).flat_map(u32::to_be_bytes).collect()),
    ]
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(bytes.len());
    let mut from = 0;
    cuts.into_iter().map(|to| &bytes[std::mem::replace(&mut from, to)..to]).collect()
}

/// Frames as a server sends them.
fn frame(fin: bool, rsv: u8, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut header = [0; Header::MAX];
    let length = payload.len() as u64;
    let size = Header { fin, rsv, opcode, mask: None, length }.write(&mut header);
    [&header[..size], payload].concat()
}

/// A message of these fragments, a ping behind each.
fn message(kind: Kind, fragments: &[&[u8]]) -> Vec<u8> {
    let last = fragments.len() - 1;
    let frames = fragments.iter().enumerate().flat_map(|(at, fragment)| {
        let first = (RSV1, OpCode::from(kind));
        let (rsv, opcode) = if at == 0 { first } else { (0, OpCode::Continuation) };
        let mut frame = frame(at == last, rsv, opcode, fragment);
        if at != last {
            frame.extend([0x89, 0]);
        }
        frame
    });
    frames.collect()
}

/// Hands the inputs to [`Decoder::decode_piece`]; returns the messages.
fn in_pieces(decoder: &mut Decoder, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>, Violation> {
    let (mut messages, mut current) = (Vec::new(), Vec::new());
    for input in inputs {
        let mut input = input.to_vec();
        let mut at = 0;
        loop {
            let decoded = decoder.decode_piece(&mut input[at..])?;
            match decoded.piece {
                Some(Piece::Begin(_)) => assert!(current.is_empty()),
                Some(Piece::Data { body, last }) => {
                    let bytes = body.as_slice(&input[at..]);
                    assert!(bytes.len() <= PIECE && (last || !bytes.is_empty()));
                    current.extend_from_slice(bytes);
                    if last {
                        messages.push(std::mem::take(&mut current));
                    }
                }
                Some(Piece::Control(item)) => assert!(matches!(item, Item::Ping(_))),
                None => break,
            }
            at += decoded.consumed;
        }
        assert!(at <= input.len());
    }
    Ok(messages)
}

/// Hands a compressed message to [`Decompressor::inflate`] in these inputs.
fn inflate(with: &mut Decompressor, inputs: &[&[u8]], max: u64) -> Result<Vec<u8>, Violation> {
    let (mut state, mut out) = (Inflation::default(), Vec::new());
    let last = inputs.len() - 1;
    for (at, input) in inputs.iter().enumerate() {
        let mut rest = *input;
        loop {
            let step = with.inflate(&mut state, rest, at == last, max)?;
            assert!(step.bytes.len() <= PIECE);
            rest = &rest[step.taken..];
            out.extend_from_slice(&step.bytes);
            if step.done {
                assert!(at == last && rest.is_empty());
                return Ok(out);
            }
            if at != last && rest.is_empty() && !state.is_full() {
                break;
            }
        }
    }
    unreachable!("the last input ends the message");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_cut_of_frames_and_input_gives_the_messages(
        wish in wishes(),
        payloads in prop::collection::vec(payload(), 1..4),
        fragments in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        inputs in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        by_fragment in any::<bool>(),
    ) {
        let (mut compressor, decompressor) = codecs(wish);
        let mut wire = Vec::new();
        for payload in &payloads {
            let compressed = if by_fragment {
                None
            } else {
                compressor.compress(payload, <[u8]>::to_vec)
            };
            if let Some(compressed) = compressed {
                wire.extend(message(Kind::Binary, &cut(&compressed, &fragments)));
                continue;
            }
            let (mut state, parts) = (Deflation::default(), cut(payload, &fragments));
            let last = parts.len() - 1;
            let parts: Vec<_> = parts.iter().enumerate().map(|(at, part)| {
                compressor.compress_fragment(&mut state, part, at == last, <[u8]>::to_vec)
            }).collect();
            let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
            wire.extend(message(Kind::Binary, &parts));
        }
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        decoder.set_deflate(decompressor);
        let messages = in_pieces(&mut decoder, &cut(&wire, &inputs));
        prop_assert!(messages.as_ref() == Ok(&payloads), "{:?}", messages.map(|all| all.len()));
        prop_assert!(!decoder.is_streaming());
    }

    #[test]
    fn whatever_a_peer_sends_pieces_and_whole_agree(
        wish in prop_oneof![Just(anew()), Just(keeping())],
        payload in payload(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        end in prop::option::of(any::<prop::sample::Index>()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        max in prop_oneof![Just(1 << 20), 0..100_000usize],
    ) {
        let (mut compressor, _) = codecs(wish);
        let mut state = Deflation::default();
        let mut sent = compressor.compress_fragment(&mut state, &payload, true, <[u8]>::to_vec);
        for (at, byte) in noise {
            let at = at.index(sent.len());
            sent[at] = byte;
        }
        if let Some(end) = end {
            sent.truncate(end.index(sent.len()));
        }
        let whole = codecs(wish).1.decompress(&sent, max);
        let single: Vec<&[u8]> = if sent.is_empty() { vec![&[]] } else { sent.chunks(1).collect() };
        for inputs in [cut(&sent, &cuts), single] {
            let pieces = inflate(&mut codecs(wish).1, &inputs, max as u64);
            match (&whole, &pieces) {
                (Ok(whole), Ok(pieces)) => prop_assert!(whole == pieces),
                // Which of the two is met first depends on the pieces.
                (
                    Err(Violation::InvalidDeflate | Violation::MessageTooLarge),
                    Err(Violation::InvalidDeflate | Violation::MessageTooLarge),
                ) => {}
                _ => prop_assert!(false, "{:?} {:?}", whole.as_ref().err(), pieces.as_ref().err()),
            }
        }
    }
}

/// RFC 7692 §7.2.3: its examples, one with a last block and one of several blocks among them.
#[test]
fn the_examples_of_the_rfc_are_read_at_every_cut() {
    let examples: [&[u8]; 5] = [
        &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
        &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
    ];
    for wish in [anew(), keeping()] {
        for example in examples {
            for cut in 0..=example.len() {
                let inputs = [&example[..cut], &example[cut..]];
                let read = inflate(&mut codecs(wish).1, &inputs, 5);
                assert_eq!(read.as_deref(), Ok(&b"Hello"[..]), "{example:?} cut at {cut}");
                let limited = inflate(&mut codecs(wish).1, &inputs, 4);
                assert_eq!(limited, Err(Violation::MessageTooLarge), "{example:?} cut at {cut}");
            }
        }
        for nothing in [&[][..], &[0]] {
            assert_eq!(inflate(&mut codecs(wish).1, &[nothing], 0), Ok(Vec::new()));
            assert_eq!(inflate(&mut codecs(wish).1, &[nothing, &[]], 0), Ok(Vec::new()));
        }
    }
}

#[test]
fn a_bomb_is_handed_out_in_pieces_and_stopped_at_the_limit() {
    let (mut compressor, _) = codecs(anew());
    let bomb = compressor.compress(&vec![7; 1 << 24], <[u8]>::to_vec).unwrap();
    for (limit, ends) in [((1 << 24) as u64, true), ((1 << 24) - 1, false), (1_000_000, false)] {
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        decoder.set_deflate(codecs(anew()).1);
        let mut wire = message(Kind::Binary, &[&bomb]);
        let (mut at, mut total) = (0, 0u64);
        let outcome = loop {
            let decoded = match decoder.decode_piece(&mut wire[at..]) {
                Ok(decoded) => decoded,
                Err(violation) => break Err(violation),
            };
            match decoded.piece {
                Some(Piece::Begin(_)) => decoder.limit_streamed(limit),
                Some(Piece::Data { body, last }) => {
                    let size = body.as_slice(&wire[at..]).len();
                    assert!(size <= PIECE);
                    total += size as u64;
                    if last {
                        break Ok(());
                    }
                }
                other => panic!("{other:?}"),
            }
            at += decoded.consumed;
        };
        assert_eq!(outcome, if ends { Ok(()) } else { Err(Violation::MessageTooLarge) });
        assert!(total <= limit && total + PIECE as u64 > limit.min(1 << 24), "{total} of {limit}");
    }
}

#[test]
fn text_is_checked_as_it_comes_out() {
    let (mut compressor, _) = codecs(anew());
    let mut state = Deflation::default();
    let fragments: [&[u8]; 3] = ["Gr\u{fc}".as_bytes(), b"\xc3", b"\xff"];
    let parts: Vec<_> = fragments
        .iter()
        .map(|part| compressor.compress_fragment(&mut state, part, false, <[u8]>::to_vec))
        .collect();
    let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
    let open = message(Kind::Text, &[parts.as_slice(), &[&[]]].concat());
    let mut decoder = Decoder::new(Role::Client, Limits::default());
    decoder.set_deflate(codecs(anew()).1);
    // Neither the last fragment nor its end is needed to tell.
    let cut = open.len() - 2;
    assert_eq!(in_pieces(&mut decoder, &[&open[..cut]]), Err(Violation::InvalidUtf8));
    // And an end inside a character.
    let mut decoder = Decoder::new(Role::Client, Limits::default());
    decoder.set_deflate(codecs(anew()).1);
    let short = message(Kind::Text, &[parts[0], parts[1], &[0]]);
    assert_eq!(in_pieces(&mut decoder, &[&short]), Err(Violation::InvalidUtf8));
}

/// What `decode` had gathered when pieces were asked for is decompressed in pieces as well.
#[test]
fn a_message_gathered_in_part_goes_on_in_pieces() {
    for wish in [anew(), keeping()] {
        let (mut compressor, decompressor) = codecs(wish);
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        decoder.set_deflate(decompressor);
        let payload = "What news on the Rialto? ".repeat(20_000).into_bytes();
        for round in 0..40 {
            let compressed = compressor.compress(&payload, <[u8]>::to_vec).unwrap();
            let cuts = [compressed.len() / 3, compressed.len() / 2];
            let wire = message(
                Kind::Text,
                &[&compressed[..cuts[0]], &compressed[cuts[0]..cuts[1]], &compressed[cuts[1]..]],
            );
            let gathered = wire.len() * round / 40;
            let mut head = wire[..gathered].to_vec();
            let mut at = 0;
            while at < head.len() {
                let decoded = decoder.decode(&mut head[at..]).unwrap();
                assert!(matches!(decoded.item, None | Some(Item::Ping(_))));
                at += decoded.consumed;
            }
            let messages = in_pieces(&mut decoder, &[&wire[gathered..]]).unwrap();
            assert!(messages == [payload.as_slice()], "round {round}");
        }
    }
}
