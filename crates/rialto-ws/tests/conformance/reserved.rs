//! Groups 3 and 4, and masking: bits and opcodes that nobody has given a meaning.

use super::{Case, all, bits, echo, frame};
use rialto_ws::Role;
use rialto_ws::proto::OpCode::{Ping, Pong, Text};

/// Every opcode that RFC 6455 §5.2 reserves.
const OPCODES: [u8; 10] = [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF];

#[tokio::test]
async fn reserved_bits_are_1002_on_every_opcode() {
    // 3.1 to 3.7
    let opcodes = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA];
    let pairs = (1..=7).flat_map(|rsv: u8| opcodes.map(|opcode| (rsv, opcode)));
    all(pairs.flat_map(|(rsv, opcode)| {
        let wrong = bits(0x80 | rsv << 4 | opcode, "");
        let name = format!("rsv {rsv} on {opcode:#x}");
        let before = vec![frame(Text, "before"), wrong.clone(), frame(Ping, "after")];
        let after = Case::failed(format!("{name} behind a message"), before, 1002);
        [Case::failed(name, vec![wrong], 1002), after.after(vec![(Text, b"before".to_vec())])]
    }))
    .await;
}

#[tokio::test]
async fn reserved_bits_inside_a_fragmented_message_are_1002() {
    all((1..=7u8).map(|rsv| {
        let frames = vec![frame(Text, "frag").more(), bits(0x80 | rsv << 4, "ment")];
        Case::failed(format!("rsv {rsv} on the last fragment"), frames, 1002)
    }))
    .await;
}

#[tokio::test]
async fn reserved_opcodes_are_1002() {
    // 4.1.1 to 4.2.5
    all(OPCODES.into_iter().flat_map(|opcode| {
        let empty = bits(0x80 | opcode, "");
        let full = bits(0x80 | opcode, "reserved opcode payload");
        let name = |what: &str| format!("opcode {opcode:#x} {what}");
        let behind = vec![frame(Text, "before"), full.clone(), frame(Ping, "after")];
        let first = vec![(Text, b"before".to_vec())];
        [
            Case::failed(name("empty"), vec![empty], 1002),
            Case::failed(name("with a payload"), vec![full.clone()], 1002),
            Case::failed(name("not the last"), vec![full.more()], 1002),
            Case::failed(name("behind a message"), behind, 1002).after(first),
        ]
    }))
    .await;
}

#[tokio::test]
async fn masking_is_as_the_role_demands() {
    // RFC 6455 §5.1: the wrong end's frames.
    for role in [Role::Server, Role::Client] {
        let other = if role == Role::Server { Role::Client } else { Role::Server };
        for wrong in [frame(Text, "x"), frame(Text, ""), frame(Ping, "x"), frame(Pong, "")] {
            let mut peer = echo(role);
            peer.send_raw(&wrong.wire(other)).await;
            assert_eq!(peer.closed_with().await, 1002, "{role:?} {wrong:?}");
        }
    }
}

#[tokio::test]
async fn a_length_with_its_top_bit_is_1002_and_one_over_the_limit_1009() {
    for role in [Role::Server, Role::Client] {
        for (first, code) in [(0x80, 1002), (0xFF, 1002), (0x7F, 1009), (0x01, 1009), (0, 1009)] {
            let mask = if role == Role::Server { 0x80 } else { 0 };
            let mut peer = echo(role);
            peer.send_raw(&[0x82, 127 | mask, first, 0, 0, 0, 0xFF, 0, 0, 0]).await;
            peer.send_raw(&[0; 4]).await;
            assert_eq!(peer.closed_with().await, code, "{role:?} {first:#x}");
        }
    }
}
