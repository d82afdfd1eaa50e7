//! Group 6: text is UTF-8, and what is not is refused at the first byte that cannot be saved.

use super::{Case, Frame, all, echo, frame};
use rialto_ws::Role;
use rialto_ws::proto::OpCode::{Binary, Continuation, Ping, Pong, Text};

/// Greek, as Markus Kuhn's test file has it, which the suite is built on.
const KOSME: &[u8] = "κόσμε".as_bytes();

/// Text that is in order: the bounds of each length, of the surrogates, and non-characters.
fn valid() -> Vec<Vec<u8>> {
    let points = [
        0x00, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000, 0xFFFD,
        0xFFFE, 0xFFFF, 0x1_0000, 0x1_FFFE, 0x1_FFFF, 0x3_FFFF, 0x4_0000, 0xF_FFFF, 0x10_0000,
        0x10_FFFE, 0x10_FFFF,
    ];
    let points = points.map(|point| char::from_u32(point).expect("a character"));
    let texts = ["", "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "日本語", "🦀👩‍👩‍👧", "\u{FEFF}x"];
    let mut all: Vec<Vec<u8>> = points.iter().map(|point| point.to_string().into()).collect();
    all.extend(texts.map(|text| text.as_bytes().to_vec()));
    all.push(points.iter().collect::<String>().into());
    all
}

/// What is not: every kind that the suite's 6.x lists, each between two good words.
fn invalid() -> Vec<Vec<u8>> {
    let mut broken: Vec<Vec<u8>> = Vec::new();
    // Continuation bytes alone, one to seven and each of them.
    broken.extend((1..=7).map(|count| [0x80, 0xBF].into_iter().cycle().take(count).collect()));
    broken.extend((0x80..=0xBF).map(|byte| vec![byte]));
    // First bytes without what has to follow, bytes that never occur among them.
    broken.extend((0xC0..=0xFF).map(|byte| vec![byte, b' ']));
    // Sequences that lack their last byte.
    let whole: [&[u8]; 9] = [
        b"\xC3\x9F",
        b"\xE0\xA0\x80",
        b"\xEF\xBF\xBF",
        b"\xF0\x90\x80\x80",
        b"\xF4\x8F\xBF\xBF",
        b"\xF8\x88\x80\x80\x80",
        b"\xFC\x84\x80\x80\x80\x80",
        b"\xFB\xBF\xBF\xBF\xBF",
        b"\xFD\xBF\xBF\xBF\xBF\xBF",
    ];
    broken.extend(whole.iter().map(|bytes| bytes[..bytes.len() - 1].to_vec()));
    broken.push(whole.iter().flat_map(|bytes| &bytes[..bytes.len() - 1]).copied().collect());
    // Longer than it needs to be: a slash, the last of each length, the zero.
    let overlong: [&[u8]; 15] = [
        b"\xC0\xAF",
        b"\xE0\x80\xAF",
        b"\xF0\x80\x80\xAF",
        b"\xF8\x80\x80\x80\xAF",
        b"\xFC\x80\x80\x80\x80\xAF",
        b"\xC1\xBF",
        b"\xE0\x9F\xBF",
        b"\xF0\x8F\xBF\xBF",
        b"\xF8\x87\xBF\xBF\xBF",
        b"\xFC\x83\xBF\xBF\xBF\xBF",
        b"\xC0\x80",
        b"\xE0\x80\x80",
        b"\xF0\x80\x80\x80",
        b"\xF8\x80\x80\x80\x80",
        b"\xFC\x80\x80\x80\x80\x80",
    ];
    broken.extend(overlong.map(<[u8]>::to_vec));
    // Surrogates, alone and in pairs; what lies beyond the last character.
    let unreal: [&[u8]; 10] = [
        b"\xED\xA0\x80",
        b"\xED\xAD\xBF",
        b"\xED\xAE\x80",
        b"\xED\xAF\xBF",
        b"\xED\xB0\x80",
        b"\xED\xBF\xBF",
        b"\xED\xA0\x80\xED\xB0\x80",
        b"\xED\xAF\xBF\xED\xBF\xBF",
        b"\xF4\x90\x80\x80",
        b"\xF7\xBF\xBF\xBF",
    ];
    broken.extend(unreal.map(<[u8]>::to_vec));
    broken.into_iter().map(|bytes| [KOSME, &bytes, b"edited"].concat()).collect()
}

/// One byte to a frame.
fn by_bytes(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = vec![frame(Text, "").more()];
    frames.extend(bytes.iter().map(|byte| frame(Continuation, [*byte]).more()));
    frames.push(frame(Continuation, ""));
    frames
}

#[tokio::test]
async fn text_in_order_comes_back_however_it_is_cut() {
    // 6.1, 6.2, 6.5 and the valid ones of 6.6 to 6.23
    all(valid().into_iter().flat_map(|bytes| {
        assert!(std::str::from_utf8(&bytes).is_ok(), "{bytes:?}");
        let back = vec![(Text, bytes.clone())];
        let middle = bytes.len() / 2;
        let halves =
            vec![frame(Text, &bytes[..middle]).more(), frame(Continuation, &bytes[middle..])];
        [
            Case::clean(format!("{bytes:?} whole"), vec![frame(Text, &bytes)], back.clone()),
            Case::clean(format!("{bytes:?} in two"), halves, back.clone()),
            Case::clean(format!("{bytes:?} by bytes"), by_bytes(&bytes), back),
        ]
    }))
    .await;
}

#[tokio::test]
async fn text_that_is_not_utf8_is_1007_however_it_is_cut() {
    // 6.3 and the invalid ones of 6.6 to 6.23
    all(invalid().into_iter().flat_map(|bytes| {
        assert!(std::str::from_utf8(&bytes).is_err(), "{bytes:?}");
        [
            Case::failed(format!("{bytes:?} whole"), vec![frame(Text, &bytes)], 1007),
            Case::failed(format!("{bytes:?} by bytes"), by_bytes(&bytes), 1007),
        ]
    }))
    .await;
}

#[tokio::test]
async fn text_that_ends_inside_a_character_is_1007() {
    let characters = ["ß", "ࠀ", "\u{FFFF}", "🦀", "\u{10FFFF}"];
    all(characters.into_iter().flat_map(|character| {
        (1..character.len()).flat_map(move |cut| {
            let bytes = [KOSME, &character.as_bytes()[..cut]].concat();
            let name = format!("{cut} bytes of {character:?}");
            [
                Case::failed(name.clone(), vec![frame(Text, &bytes)], 1007),
                Case::failed(name, by_bytes(&bytes), 1007),
            ]
        })
    }))
    .await;
}

#[tokio::test]
async fn the_same_bytes_are_no_fault_of_a_binary_message() {
    all(invalid().into_iter().map(|bytes| {
        let back = vec![(Binary, bytes.clone())];
        Case::clean(format!("{bytes:?}"), vec![frame(Binary, bytes)], back)
    }))
    .await;
}

/// How many bytes it takes until no continuation can make text of them.
fn hopeless(bytes: &[u8]) -> usize {
    let is_hopeless = |count: &usize| {
        let so_far = std::str::from_utf8(&bytes[..*count]);
        so_far.is_err_and(|error| error.error_len().is_some())
    };
    (1..=bytes.len()).find(is_hopeless).expect("bytes that are no text")
}

#[tokio::test]
async fn it_fails_at_the_first_hopeless_byte_and_not_before() {
    // 6.4, for every kind of fault: the byte before is taken, the byte itself is the end.
    for bytes in invalid() {
        let at = hopeless(&bytes);
        for role in [Role::Server, Role::Client] {
            let mut peer = echo(role);
            peer.send_raw(&frame(Text, &bytes[..at - 1]).more().wire(role)).await;
            peer.send_raw(&frame(Ping, "still there?").wire(role)).await;
            assert_eq!(peer.read().await, Some((Pong, b"still there?".to_vec())), "{bytes:?}");
            // A frame of which most is missing.
            let last = frame(Continuation, &bytes[at - 1..at]).cut(100_000);
            peer.send_raw(&last.wire(role)).await;
            assert_eq!(peer.closed_with().await, 1007, "{bytes:?}");
        }
    }
}

#[tokio::test]
async fn it_fails_inside_a_frame_that_is_read_onto_its_message() {
    // So long that the rest of it is read another way.
    for role in [Role::Server, Role::Client] {
        let mut peer = echo(role);
        let good = vec![b'x'; 300_000];
        let wire = frame(Text, [&good[..], b"\xED\xA0\x80"].concat()).cut(500_000).wire(role);
        let (first, rest) = wire.split_at(200_000);
        peer.send_raw(first).await;
        tokio::task::yield_now().await;
        peer.send_raw(rest).await;
        assert_eq!(peer.closed_with().await, 1007, "{role:?}");
    }
}
