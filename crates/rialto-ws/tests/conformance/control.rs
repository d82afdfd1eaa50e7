//! Group 2: pings and pongs.

use super::{Case, all, frame};
use rialto_ws::proto::OpCode::{Ping, Pong, Text};

/// What 2.3 and its like send: no text.
const BYTES: &[u8] = &[0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF];

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    // 2.1 to 2.4, 2.6
    let payloads = [&b""[..], b"Hello, world!", BYTES, &[0xFE; 124], &[0xFE; 125]];
    all(payloads.into_iter().map(|payload| {
        let name = format!("a ping of {}", payload.len());
        Case::clean(name, vec![frame(Ping, payload)], vec![(Pong, payload.to_vec())])
    }))
    .await;
}

#[tokio::test]
async fn a_control_frame_of_more_than_125_bytes_is_1002() {
    // 2.5, and the length in either long form
    let lengths = [126, 127, 65_535, 65_536];
    all(lengths.into_iter().flat_map(|length| {
        [Ping, Pong].map(|opcode| {
            let name = format!("{opcode:?} of {length}");
            Case::failed(name, vec![frame(opcode, vec![0xFE; length])], 1002)
        })
    }))
    .await;
}

#[tokio::test]
async fn a_pong_that_nobody_asked_for_is_ignored() {
    // 2.7 to 2.9
    all([
        Case::clean("an empty pong", vec![frame(Pong, "")], vec![]),
        Case::clean("a pong", vec![frame(Pong, "unsolicited")], vec![]),
        Case::clean(
            "a pong and a ping",
            vec![frame(Pong, "unsolicited"), frame(Ping, "ping")],
            vec![(Pong, b"ping".to_vec())],
        ),
    ])
    .await;
}

#[tokio::test]
async fn many_pings_are_answered_in_order() {
    // 2.10 and 2.11
    let payloads: Vec<_> = (0..10).map(|n| format!("payload-{n}")).collect();
    let pings = payloads.iter().map(|payload| frame(Ping, payload)).collect();
    let pongs = payloads.iter().map(|payload| (Pong, payload.clone().into_bytes())).collect();
    all([Case::clean("ten pings", pings, pongs)]).await;

    let mut mixed = Vec::new();
    let mut back = Vec::new();
    for n in 0..10u8 {
        mixed.extend([frame(Ping, [n]), frame(Text, [b'a' + n]), frame(Pong, [n])]);
        back.extend([(Pong, vec![n]), (Text, vec![b'a' + n])]);
    }
    all([Case::clean("pings among messages", mixed, back)]).await;
}
