//! Compressed messages: nothing that a peer sends makes the decompressor panic, exceed its limit or
//! spoil what it lends to the next; what we compress comes back, and keeps to its window.
//!
//! Input: one byte of switches, one for the window, one that chooses the cuts, then for an even
//! first byte what the peer sends, for an odd one the messages to compress, one to a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rialto_ws::proto::deflate::{Compressor, Decompressor, Deflate, Deflation, Inflation};
use rialto_ws::proto::{Body, Decoder, Header, Item, Limits, OpCode, RSV1, Role, Violation};
use zlib_rs::{Inflate, InflateFlush};

/// Small, so that a short input can exceed it.
const MAX: usize = 3000;

/// "Hello" as RFC 7692 §7.2.3.1 compresses it.
const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

fuzz_target!(|data: &[u8]| {
    let [switches, window, cuts, rest @ ..] = data else { return };
    let wish = Deflate::default()
        .threshold(0)
        .level(switches >> 4)
        .server_no_context_takeover(switches & 2 == 0)
        .client_no_context_takeover(switches & 2 == 0)
        .server_max_window_bits(8 + window % 8)
        .client_max_window_bits(8 + window % 8);
    if switches & 1 == 0 {
        received(&wish, rest, *cuts);
    } else {
        sent(&wish, rest, 8 + window % 8);
        sent_in_fragments(&wish, rest);
    }
});

/// Both directions of a connection, at the server's end and at the client's.
fn ends(wish: &Deflate) -> [(Compressor, Decompressor); 2] {
    let offer = rialto_ws::proto::deflate::Offer::new(wish);
    let header = offer.to_header();
    let accepted = wish.accept([header.as_bytes()].into_iter()).unwrap().unwrap();
    let answer = accepted.to_header();
    let checked = offer.check([answer.as_bytes()].into_iter()).unwrap().unwrap();
    [accepted.codec(Role::Server), checked.codec(Role::Client)]
}

/// What a peer sends is refused, or is a message within the limit, however it is cut.
fn received(wish: &Deflate, payload: &[u8], cuts: u8) {
    let [(_, mut whole), _] = ends(wish);
    let outcome = whole.decompress(payload, MAX);
    match &outcome {
        Ok(message) => assert!(message.len() <= MAX),
        Err(Violation::InvalidDeflate | Violation::MessageTooLarge) => {}
        Err(other) => panic!("{other}"),
    }
    let [(_, mut pieces), _] = ends(wish);
    let piecewise = in_pieces(&mut pieces, payload, usize::from(cuts % 19), MAX as u64);
    match (&outcome, &piecewise) {
        (Ok(whole), Ok(pieces)) => assert!(whole == pieces, "in pieces"),
        // Which of the two is met first depends on the pieces.
        (Err(_), Err(Violation::InvalidDeflate | Violation::MessageTooLarge)) => {}
        (whole, pieces) => panic!("whole {whole:?}, in pieces {pieces:?}"),
    }
    let framed = through_frames(wish, payload, usize::from(cuts % 17));
    let expected = outcome.map_err(Some);
    assert_eq!(framed, expected, "in fragments");
    // Whatever it was, the next connection's message is read as if nothing had been.
    let [(_, mut next), _] = ends(&Deflate::default());
    assert_eq!(next.decompress(&HELLO, MAX).as_deref(), Ok(&b"Hello"[..]));
}

/// The same by [`Decompressor::inflate`], a few bytes at a time; all at once for no size.
fn in_pieces(
    decompressor: &mut Decompressor,
    payload: &[u8],
    size: usize,
    max: u64,
) -> Result<Vec<u8>, Violation> {
    let (mut message, mut out, mut rest) = (Inflation::default(), Vec::new(), payload);
    loop {
        let given = if size == 0 { rest.len() } else { size.min(rest.len()) };
        let last = given == rest.len();
        let step = decompressor.inflate(&mut message, &rest[..given], last, max)?;
        assert!(step.bytes.len() <= 64 * 1024);
        assert!(step.done || step.taken > 0 || !step.bytes.is_empty(), "a step without progress");
        out.extend_from_slice(&step.bytes);
        rest = &rest[step.taken..];
        if step.done {
            assert!(rest.is_empty() && out.len() as u64 <= max);
            return Ok(out);
        }
    }
}

/// The same as a fragmented message of a connection; `None` for a message that does not come.
fn through_frames(
    wish: &Deflate,
    payload: &[u8],
    size: usize,
) -> Result<Vec<u8>, Option<Violation>> {
    let [(_, decompressor), _] = ends(wish);
    let limits = Limits::default().max_message(MAX).max_small_fragments(u32::MAX);
    // What is received has a limit of its own, which is not the matter here.
    if payload.len() > MAX {
        let [(_, mut direct), _] = ends(wish);
        return direct.decompress(payload, MAX).map_err(Some);
    }
    let mut decoder = Decoder::new(Role::Client, limits);
    decoder.set_deflate(decompressor);
    let mut pieces: Vec<&[u8]> =
        if size == 0 { vec![payload] } else { payload.chunks(size).collect() };
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let last = pieces.len() - 1;
    for (at, piece) in pieces.into_iter().enumerate() {
        let (opcode, rsv) =
            if at == 0 { (OpCode::Binary, RSV1) } else { (OpCode::Continuation, 0) };
        let length = piece.len() as u64;
        let header = Header { fin: at == last, rsv, opcode, mask: None, length };
        let mut bytes = [0; Header::MAX];
        let written = header.write(&mut bytes);
        let mut wire = [&bytes[..written], piece].concat();
        let decoded = decoder.decode(&mut wire).map_err(Some)?;
        assert_eq!(decoded.consumed, wire.len());
        if let Some(Item::Message(_, body)) = decoded.item {
            assert_eq!(at, last);
            return Ok(match body {
                Body::Owned(bytes) => bytes,
                Body::Input(range) => wire[range].to_vec(),
            });
        }
    }
    Err(None)
}

/// A message of these fragments comes back, whole and in pieces, and the context goes on.
fn sent_in_fragments(wish: &Deflate, lines: &[u8]) {
    let [(mut compressor, _), (_, mut decompressor)] = ends(wish);
    for round in 0..2 {
        let mut message = Deflation::default();
        let mut sent = Vec::new();
        let mut fragments = lines.split(|&byte| byte == b'\n').peekable();
        while let Some(fragment) = fragments.next() {
            let last = fragments.peek().is_none();
            let add = |bytes: &[u8]| sent.extend_from_slice(bytes);
            compressor.compress_fragment(&mut message, fragment, last, add);
        }
        let expected: Vec<u8> = lines.iter().copied().filter(|&byte| byte != b'\n').collect();
        let came = match round {
            0 => decompressor.decompress(&sent, expected.len()),
            _ => in_pieces(&mut decompressor, &sent, 7, expected.len() as u64),
        };
        assert!(came.as_ref() == Ok(&expected), "in fragments: {came:?}");
    }
}

/// Our messages come back at the other end, and reach no further back than the window.
fn sent(wish: &Deflate, lines: &[u8], window: u8) {
    let [server, client] = ends(wish);
    for ((mut compressor, _), (_, mut decompressor)) in [(server, client)] {
        let mut narrow = Inflate::new(false, window);
        for line in lines.split(|&byte| byte == b'\n') {
            let Some(sent) = compressor.compress(line, <[u8]>::to_vec) else { continue };
            let came = decompressor.decompress(&sent, line.len());
            assert_eq!(came.as_deref(), Ok(line));
            if wish.server_no_context_takeover {
                narrow = Inflate::new(false, window);
            }
            let sent = [&sent[..], &[0, 0, 0xFF, 0xFF]].concat();
            assert_eq!(narrowly(&mut narrow, &sent), line, "a window of {window} bits");
        }
    }
}

/// Decompresses byte by byte, so that nothing but the window is there to look back into.
fn narrowly(inflate: &mut Inflate, mut input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let (before, written) = (inflate.total_in(), inflate.total_out());
        let mut byte = [0];
        let status = inflate.decompress(input, &mut byte, InflateFlush::NoFlush);
        status.expect("what we compress fits its window");
        let taken = usize::try_from(inflate.total_in() - before).unwrap();
        input = &input[taken..];
        if inflate.total_out() > written {
            out.push(byte[0]);
        } else if taken == 0 {
            assert!(input.is_empty(), "{} bytes were left", input.len());
            return out;
        }
    }
}
