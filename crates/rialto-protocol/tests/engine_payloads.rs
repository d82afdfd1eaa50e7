//! Long-polling bodies: split lazily, joined within a limit.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use proptest::prelude::*;
use rialto_protocol::engine::{
    DEFAULT_MAX_PACKETS, Packet, PayloadDecoder, PayloadEncoder, Violation,
};

fn decode(body: &str) -> Vec<Result<Packet<'_>, Violation>> {
    PayloadDecoder::new(body).collect()
}

#[test]
fn packets_are_split_at_the_record_separator() {
    let packets = decode("4a\u{1e}bAQ==\u{1e}1");
    let expected = [Ok(Packet::Text("a")), Ok(Packet::Binary(vec![1].into())), Ok(Packet::Close)];
    assert_eq!(packets, expected);
}

#[test]
fn an_empty_part_is_a_violation_and_ends_the_body() {
    assert_eq!(decode(""), [Err(Violation::EmptyPacket)]);
    assert_eq!(decode("4a\u{1e}"), [Ok(Packet::Text("a")), Err(Violation::EmptyPacket)]);
    assert_eq!(decode("\u{1e}4a"), [Err(Violation::EmptyPacket)]);
    assert_eq!(decode("x\u{1e}4a"), [Err(Violation::UnknownPacketType)]);
}

#[test]
fn the_number_of_packets_is_bounded_and_the_rest_is_not_read() {
    let body = ["3"; DEFAULT_MAX_PACKETS].join("\u{1e}");
    assert!(PayloadDecoder::new(&body).all(|packet| packet == Ok(Packet::Pong(""))));
    assert_eq!(PayloadDecoder::new(&body).count(), DEFAULT_MAX_PACKETS);

    let body = body + "\u{1e}3\u{1e}3";
    let packets = decode(&body);
    assert_eq!(packets.len(), DEFAULT_MAX_PACKETS + 1);
    assert_eq!(packets.last(), Some(&Err(Violation::TooManyPackets)));

    let few: Vec<_> = PayloadDecoder::new("3\u{1e}3").max_packets(1).collect();
    assert_eq!(few, [Ok(Packet::Pong("")), Err(Violation::TooManyPackets)]);
}

#[test]
fn a_body_that_is_not_utf8_is_refused() {
    assert_eq!(PayloadDecoder::from_bytes(b"4\xff").err(), Some(Violation::InvalidUtf8));
    assert_eq!(PayloadDecoder::from_bytes("4é".as_bytes()).into_iter().flatten().count(), 1);
}

#[test]
fn the_limit_is_inclusive_and_counts_the_separators() {
    let mut body = Vec::new();
    let mut payload = PayloadEncoder::new(&mut body, 7);
    assert!(payload.is_empty());
    assert!(payload.push(&Packet::Text("ab")));
    assert!(!payload.push(&Packet::Text("abc")));
    assert!(payload.push(&Packet::Text("ab")));
    assert_eq!(payload.len(), 7);
    assert!(!payload.push(&Packet::Noop));
    assert_eq!(body, b"4ab\x1e4ab");
}

#[test]
fn a_packet_above_the_limit_leaves_alone() {
    let mut body = b"head".to_vec();
    let mut payload = PayloadEncoder::new(&mut body, 3);
    assert!(payload.push(&Packet::Binary(vec![0; 30].into())));
    assert!(!payload.push(&Packet::Noop));
    assert_eq!(payload.len(), 41);
    assert!(body.starts_with(b"headbAAAA"));
}

#[test]
fn packets_encoded_before_follow_the_same_rule() {
    let mut body = Vec::new();
    let mut payload = PayloadEncoder::new(&mut body, 5);
    assert!(payload.push_encoded(b"4a"));
    assert!(payload.push_encoded(b"4b"));
    assert!(!payload.push_encoded(b"6"));
    assert_eq!(body, b"4a\x1e4b");
}

fn packet() -> impl Strategy<Value = Packet<'static>> {
    // The separator cannot stand in a text: the protocol has no escape for it, and JSON has one.
    prop_oneof![
        "[^\u{1e}]{0,20}".prop_map(|text: String| Packet::Text(text.leak())),
        any::<Vec<u8>>().prop_map(|data| Packet::Binary(data.into())),
        Just(Packet::Ping("")),
        Just(Packet::Pong("probe")),
        Just(Packet::Upgrade),
        Just(Packet::Noop),
        Just(Packet::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_joined_is_split_again(
        packets in proptest::collection::vec(packet(), 1..20),
        limit in 0_usize..400,
    ) {
        let mut queue = &packets[..];
        let mut received = Vec::new();
        while !queue.is_empty() {
            let mut body = Vec::new();
            let mut payload = PayloadEncoder::new(&mut body, limit);
            let taken = queue.iter().take_while(|packet| payload.push(packet)).count();
            prop_assert!(taken >= 1, "the queue must always move");
            prop_assert!(taken == 1 || body.len() <= limit);
            let decoded: Result<Vec<_>, _> = PayloadDecoder::from_bytes(&body).unwrap().collect();
            let decoded = decoded.unwrap();
            prop_assert_eq!(&decoded[..], &queue[..taken]);
            received.extend(decoded.iter().map(|packet| packet.kind()));
            queue = &queue[taken..];
        }
        prop_assert_eq!(received.len(), packets.len());
    }

    #[test]
    fn any_body_is_read_without_panic(body in any::<Vec<u8>>()) {
        if let Ok(packets) = PayloadDecoder::from_bytes(&body) {
            prop_assert!(packets.count() >= 1);
        }
    }
}
