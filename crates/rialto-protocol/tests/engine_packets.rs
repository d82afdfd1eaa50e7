//! Every Engine.IO packet of protocol 4 on the wire, both ways.

use rialto_protocol::CloseReason;
use rialto_protocol::engine::{Packet, PacketType, Transport, Violation};

fn table() -> Vec<(&'static str, Packet<'static>)> {
    vec![
        (r#"0{"sid":"a"}"#, Packet::Open(r#"{"sid":"a"}"#)),
        ("1", Packet::Close),
        ("2", Packet::Ping("")),
        ("2probe", Packet::Ping("probe")),
        ("3", Packet::Pong("")),
        ("3probe", Packet::Pong("probe")),
        ("4", Packet::Text("")),
        ("4hello", Packet::Text("hello")),
        ("4€ 🦀\u{0}", Packet::Text("€ 🦀\u{0}")),
        ("4b", Packet::Text("b")),
        ("5", Packet::Upgrade),
        ("6", Packet::Noop),
        ("b", Packet::Binary(Vec::new().into())),
        ("bAQIDBA==", Packet::Binary(vec![1, 2, 3, 4].into())),
    ]
}

#[test]
fn each_packet_is_read_and_written_as_the_protocol_says() {
    for (wire, packet) in table() {
        assert_eq!(Packet::decode(wire).as_ref(), Ok(&packet), "{wire}");
        let mut out = b"before".to_vec();
        packet.encode_payload(&mut out);
        assert_eq!(out, [b"before", wire.as_bytes()].concat());
        assert_eq!(packet.payload_len(), wire.len(), "{wire}");
    }
}

#[test]
fn a_websocket_message_carries_binary_as_it_is() {
    for (wire, packet) in table() {
        let mut out = Vec::new();
        packet.encode_message(&mut out);
        match &packet {
            Packet::Binary(data) => assert_eq!(&out, data.as_ref()),
            _ => assert_eq!(out, wire.as_bytes()),
        }
        assert_eq!(packet.is_binary(), wire.starts_with('b'));
    }
    assert_eq!(Packet::from_binary(&[4, 0xff]), Packet::Binary(vec![4, 0xff].into()));
}

#[test]
fn reading_copies_nothing_but_base64() {
    let text = String::from("4hello");
    let Ok(Packet::Text(content)) = Packet::decode(&text) else { panic!("not a message") };
    assert_eq!(content.as_ptr(), text[1..].as_ptr());
}

#[test]
fn base64_without_padding_is_read_as_node_reads_it() {
    assert_eq!(Packet::decode("bAQIDBA"), Ok(Packet::Binary(vec![1, 2, 3, 4].into())));
}

#[test]
fn what_is_no_packet_is_a_parse_error() {
    for (wire, violation) in [
        ("", Violation::EmptyPacket),
        ("7", Violation::UnknownPacketType),
        ("abc", Violation::UnknownPacketType),
        ("é4", Violation::UnknownPacketType),
        ("B", Violation::UnknownPacketType),
        ("b!", Violation::InvalidBase64),
        ("bA", Violation::InvalidBase64),
        ("bé", Violation::InvalidBase64),
    ] {
        assert_eq!(Packet::decode(wire), Err(violation), "{wire}");
        assert_eq!(violation.reason(), CloseReason::ParseError);
        assert!(!violation.to_string().is_empty());
    }
}

#[test]
fn types_and_transports_know_their_names() {
    for digit in 0..=u8::MAX {
        match PacketType::from_digit(digit) {
            Some(kind) => assert_eq!(kind.digit(), digit),
            None => assert!(!(b'0'..=b'6').contains(&digit)),
        }
    }
    for transport in [Transport::Polling, Transport::WebSocket] {
        assert_eq!(Transport::from_name(transport.as_str()), Some(transport));
    }
    assert_eq!(Transport::from_name("constructor"), None);
}
