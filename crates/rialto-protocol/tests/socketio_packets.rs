//! Socket.IO packets of protocol 5: what the stock parser reads and refuses.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use proptest::prelude::*;
use rialto_protocol::socketio::{
    self, Args, Limits, MAX_DEPTH, Packet, PacketType, Violation, decode_event, event_name,
};
use serde::de::IgnoredAny;

fn decode(text: &str) -> Result<Packet<'_>, Violation> {
    Packet::decode(text, &Limits::default())
}

fn packet<'a>(kind: PacketType, namespace: &'a str, id: Option<u64>, data: &'a str) -> Packet<'a> {
    let name_end = if kind.is_event() { event_name_end(data) } else { 0 };
    Packet { kind, attachments: 0, namespace, query: "", id, data, name_end }
}

/// Where a name ends that begins the payload and has no escapes; otherwise 0.
fn event_name_end(data: &str) -> usize {
    let Some((name, _)) = event_name(data) else { return 0 };
    let plain = data.starts_with(&format!("[\"{name}\"")) && !name.contains('\\');
    if plain { name.len() + 3 } else { 0 }
}

#[test]
fn each_packet_is_read_as_the_protocol_says() {
    use PacketType::*;
    for (wire, expected) in [
        ("0", packet(Connect, "/", None, "")),
        (r#"0{"token":"123"}"#, packet(Connect, "/", None, r#"{"token":"123"}"#)),
        (r#"0/admin,{"sid":"a"}"#, packet(Connect, "/admin", None, r#"{"sid":"a"}"#)),
        ("0/admin,", packet(Connect, "/admin", None, "")),
        ("0/admin", packet(Connect, "/admin", None, "")),
        ("1", packet(Disconnect, "/", None, "")),
        ("1/admin,", packet(Disconnect, "/admin", None, "")),
        (r#"2["foo"]"#, packet(Event, "/", None, r#"["foo"]"#)),
        (r#"2["a,b/c",1]"#, packet(Event, "/", None, r#"["a,b/c",1]"#)),
        (r#"2[7]"#, packet(Event, "/", None, "[7]")),
        (r#"2/admin,["bar"]"#, packet(Event, "/admin", None, r#"["bar"]"#)),
        (r#"212["foo"]"#, packet(Event, "/", Some(12), r#"["foo"]"#)),
        (r#"2/admin,456["baz"]"#, packet(Event, "/admin", Some(456), r#"["baz"]"#)),
        (r#"2/ä/b-1,0["x"]"#, packet(Event, "/ä/b-1", Some(0), r#"["x"]"#)),
        ("312[]", packet(Ack, "/", Some(12), "[]")),
        (r#"3/admin,456["bar"]"#, packet(Ack, "/admin", Some(456), r#"["bar"]"#)),
        (r#"4{"message":"no"}"#, packet(ConnectError, "/", None, r#"{"message":"no"}"#)),
        (r#"4/admin,"no""#, packet(ConnectError, "/admin", None, r#""no""#)),
        ("318446744073709551615[]", packet(Ack, "/", Some(u64::MAX), "[]")),
    ] {
        assert_eq!(decode(wire), Ok(expected), "{wire}");
    }
}

#[test]
fn binary_packets_announce_their_attachments() {
    let wire = r#"51-["baz",{"_placeholder":true,"num":0}]"#;
    let packet = decode(wire).unwrap();
    assert_eq!((packet.kind, packet.attachments), (PacketType::BinaryEvent, 1));
    assert_eq!(packet.data, &wire[3..]);

    let packet = decode(r#"610-/admin,456[]"#).unwrap();
    assert_eq!((packet.kind, packet.attachments), (PacketType::BinaryAck, 10));
    assert_eq!((packet.namespace, packet.id, packet.data), ("/admin", Some(456), "[]"));
    assert!(packet.kind.is_ack() && packet.kind.is_binary() && !packet.kind.is_event());
}

#[test]
fn a_query_behind_the_namespace_is_cut_off() {
    let packet = decode("0/admin?token=1234&uid=a?b,").unwrap();
    assert_eq!((packet.namespace, packet.query), ("/admin", "token=1234&uid=a?b"));
}

#[test]
fn headers_that_the_stock_parser_refuses_are_refused() {
    use Violation::*;
    for (wire, violation) in [
        ("", EmptyPacket),
        ("7", UnknownPacketType),
        ("a", UnknownPacketType),
        ("é", UnknownPacketType),
        ("5", InvalidAttachmentCount),
        (r#"5["x"]"#, InvalidAttachmentCount),
        (r#"5-["x"]"#, InvalidAttachmentCount),
        (r#"50-["x"]"#, InvalidAttachmentCount),
        (r#"51["x"]"#, InvalidAttachmentCount),
        (r#"5-1-["x"]"#, InvalidAttachmentCount),
        (r#"51.5-["x"]"#, InvalidAttachmentCount),
        (r#"51e0-["x"]"#, InvalidAttachmentCount),
        (r#"511-["x"]"#, TooManyAttachments),
        (r#"599999999999999999999999-["x"]"#, TooManyAttachments),
        (r#"318446744073709551616[]"#, InvalidAckId),
        ("01{}", InvalidAckId),
        ("3[]", MissingAckId),
    ] {
        assert_eq!(decode(wire), Err(violation), "{wire}");
    }
}

#[test]
fn payloads_of_the_wrong_shape_are_refused() {
    use Violation::*;
    for (wire, violation) in [
        ("0[]", InvalidPayload),
        ("0null", InvalidPayload),
        (r#"0"x""#, InvalidPayload),
        ("1{}", InvalidPayload),
        ("1[]", InvalidPayload),
        ("2", InvalidPayload),
        ("2/admin,", InvalidPayload),
        ("2{}", InvalidPayload),
        ("2[]", InvalidPayload),
        (r#"2[true,"x"]"#, InvalidPayload),
        ("2[null]", InvalidPayload),
        (r#"2[["x"]]"#, InvalidPayload),
        (r#"2[{"toString":"foo"}]"#, InvalidPayload),
        (r#"2"x""#, InvalidPayload),
        ("31", InvalidPayload),
        ("31{}", InvalidPayload),
        (r#"31"x""#, InvalidPayload),
        ("4[]", InvalidPayload),
        ("41", InvalidAckId),
        ("42", InvalidAckId),
    ] {
        assert_eq!(decode(wire), Err(violation), "{wire}");
    }
}

/// The stock parser takes it for an id of 0, or for a part of the id: read as no id at all, the
/// packet would mean something else here than there.
#[test]
fn white_space_between_header_and_payload_is_refused() {
    for space in [" ", "\t", "\n", "\r", "  "] {
        for (header, data) in
            [("0", "{}"), ("2", r#"["x"]"#), ("27", r#"["x"]"#), ("2/a,", r#"["x"]"#), ("37", "[]")]
        {
            assert!(decode(&format!("{header}{data}{space}")).is_ok(), "{header}");
            let wire = format!("{header}{space}{data}");
            assert_eq!(decode(&wire), Err(Violation::InvalidPayload), "{wire:?}");
        }
    }
    assert_eq!(decode("1 "), Err(Violation::InvalidPayload));
}

#[test]
fn reserved_events_are_refused_also_when_spelled_with_escapes() {
    for name in
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]
    {
        let wire = format!(r#"2["{name}"]"#);
        assert_eq!(decode(&wire), Err(Violation::ReservedEvent), "{name}");
        let wire = format!(r#"51-["{name}",{{"_placeholder":true,"num":0}}]"#);
        assert_eq!(decode(&wire), Err(Violation::ReservedEvent), "{name}");
    }
    assert_eq!(decode(r#"2["\u0063onnect"]"#), Err(Violation::ReservedEvent));
    assert!(decode(r#"2["Connect"]"#).is_ok());
    assert!(decode(r#"2["error"]"#).is_ok());
    assert!(decode(r#"31["connect"]"#).is_ok());
}

#[test]
fn what_is_not_json_is_refused_on_arrival() {
    for data in [
        "[",
        "[]]",
        "[}",
        r#"["x"#,
        r#"["x",]"#,
        r#"["x" 1]"#,
        r#"["x",01]"#,
        r#"["x",1.]"#,
        r#"["x",.5]"#,
        r#"["x",-]"#,
        r#"["x",+1]"#,
        r#"["x",1e]"#,
        r#"["x",tru]"#,
        r#"["x",NaN]"#,
        r#"["x",undefined]"#,
        r#"["x",{"a"}]"#,
        r#"["x",{"a":}]"#,
        r#"["x",{a:1}]"#,
        r#"["x",{"a":1,}]"#,
        r#"["x",{,}]"#,
        r#"["x","\x"]"#,
        r#"["x","\u12g4"]"#,
        r#"["x","\u1"]"#,
        "[\"x\",\"\n\"]",
        "[\"x\",\"\u{0}\"]",
        r#"["x"]["#,
        r#"["x"]x"#,
        r#"['x']"#,
        r#"["x",,1]"#,
        r#"["x",[1}]"#,
        r#"["x",{"a":1]]"#,
        r#"["x",{"a":[1],2}]"#,
        r#"["x",[{"a":1},"b":2]]"#,
    ] {
        assert_eq!(decode(&format!("2{data}")), Err(Violation::InvalidJson), "{data}");
        assert!(serde_json::from_str::<serde_json::Value>(data).is_err(), "{data}");
    }
    for data in [
        r#"["x"]"#,
        r#"[ "x" , 1 ]"#,
        "[\"x\",\r\n\t{ } , [ ] ]",
        r#"["x",-0.0e+10,1E5,0]"#,
        r#"["x",{"a":{"b":[null,true,false]}}]"#,
        r#"["x","\"\\\/\b\f\n\r\t\u00e9"]"#,
        r#"["x","\ud83d"]"#,
        r#"["x",{"a":{"b":1},"c":[{}]},[[1],2,[{"d":[]}]],3]"#,
        "[\"x\",\"\u{7f}€🦀 and more than eight\"]",
    ] {
        assert!(decode(&format!("2{data}")).is_ok(), "{data}");
    }
}

#[test]
fn depth_is_bounded_at_what_can_be_read_back() {
    let nested = |depth: u32| {
        let inner = depth as usize - 1;
        format!("[\"x\",{}{}]", "[".repeat(inner), "]".repeat(inner))
    };
    let deepest = nested(MAX_DEPTH);
    assert!(decode(&format!("2{deepest}")).is_ok());
    assert!(serde_json::from_str::<serde_json::Value>(&deepest).is_ok());
    assert_eq!(decode(&format!("2{}", nested(MAX_DEPTH + 1))), Err(Violation::TooDeep));

    let hostile = format!("2[\"x\",{}", r#"{"a":["#.repeat(400_000));
    assert_eq!(decode(&hostile), Err(Violation::TooDeep));
}

#[test]
fn a_namespace_is_bounded() {
    let longest = format!("/{}", "n".repeat(1023));
    assert_eq!(decode(&format!("0{longest},")).unwrap().namespace, longest);
    assert_eq!(decode(&format!("0{longest}n,")), Err(Violation::NamespaceTooLong));
    let query = format!("0/?{}", "q".repeat(8 * 1024));
    assert_eq!(decode(&query).unwrap().query.len(), 8 * 1024);
    assert_eq!(decode(&format!("{query}q")), Err(Violation::NamespaceTooLong));
}

#[test]
fn the_limits_can_be_set() {
    let limits = Limits { max_attachments: 2, max_namespace: 2, ..Limits::default() };
    let wire = r#"52-["x"]"#;
    assert!(Packet::decode(wire, &limits).is_ok());
    let violation = Packet::decode(r#"53-["x"]"#, &limits);
    assert_eq!(violation, Err(Violation::TooManyAttachments));
    assert!(Packet::decode("0/a,", &limits).is_ok());
    assert_eq!(Packet::decode("0/ab,", &limits), Err(Violation::NamespaceTooLong));
}

#[test]
fn the_event_name_is_found_without_copying() {
    let data = String::from(r#"[ "chat message" , {"a":1}]"#);
    let (name, rest) = event_name(&data).unwrap();
    assert!(matches!(name, std::borrow::Cow::Borrowed("chat message")));
    assert_eq!(rest, r#", {"a":1}]"#);

    for (data, name) in [
        (r#"["a\"b\n"]"#, "a\"b\n"),
        (r#"["\ud83e\udd80"]"#, "🦀"),
        (r#"["\ud83e"]"#, "\u{fffd}"),
        (r#"[""]"#, ""),
        ("[-1.5e3,1]", "-1.5e3"),
    ] {
        assert_eq!(event_name(data).unwrap().0, name, "{data}");
    }
    for data in ["", "[", "[]", r#"["a"#, r#"["a""#, r#"["a"}"#, r#"{"a":1}"#, "[null]", "[1x]"] {
        assert_eq!(event_name(data), None, "{data}");
    }
}

/// Text that is often nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just(":"),
        Just("\"a\""),
        Just("\"\\u00e9\""),
        Just("1"),
        Just("-0.5e1"),
        Just("01"),
        Just("true"),
        Just("null"),
        Just(" "),
        Just("\"\\"),
        Just("\u{1}"),
        Just("é"),
    ];
    proptest::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn json_is_judged_as_serde_json_judges_it(text in nearly_json()) {
        let wire = format!("31[{text}]");
        let ours = decode(&wire);
        let theirs = serde_json::from_str::<IgnoredAny>(&format!("[{text}]"));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}", text);
    }

    #[test]
    fn strings_are_judged_as_serde_json_judges_them(text in "[a-zé\\\\\"\u{1f}\u{20}n]{0,40}") {
        let data = format!("[\"{text}\"]");
        let theirs = serde_json::from_str::<IgnoredAny>(&data);
        prop_assert_eq!(decode(&format!("31{data}")).is_ok(), theirs.is_ok(), "{:?}", text);
    }

    #[test]
    fn the_end_of_a_name_is_known_where_it_is_plain(
        name in "[a-zé\\\\/\"]{0,20}",
        written in prop_oneof![Just(false), Just(true)],
        space in prop_oneof![Just(""), Just(" ")],
        rest in prop_oneof![Just(""), Just(",1"), Just(" , \"x\" ")],
    ) {
        let quoted = match written {
            true => serde_json::to_string(&name).unwrap(),
            false => format!("\"{name}\""),
        };
        let wire = format!("2[{space}{quoted}{rest}]");
        let Ok(packet) = decode(&wire) else { return Ok(()) };
        let (found, behind) = event_name(packet.data).unwrap();
        prop_assert_eq!(packet.event_name(), Some(found));
        prop_assert_eq!(packet.name_end, event_name_end(packet.data));
        if packet.name_end > 0 {
            prop_assert_eq!(packet.data[packet.name_end..].trim_start(), behind);
        }
        let args: Args = decode_event(packet.data, packet.name_end, &[]).unwrap();
        let same: Args = socketio::decode(packet.data, true, &[]).unwrap();
        prop_assert_eq!(args, same);
    }

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>(), digit in 0..7) {
        let _ = decode(&text);
        let _ = decode(&format!("{digit}{text}"));
        let _ = event_name(&text);
    }

    #[test]
    fn any_prefix_is_read_without_panic(cut in 0_usize..60) {
        let text = r#"52-/ä,12["né","\ud83e\udd80",{"_placeholder":true,"num":0}]"#;
        if let Some(prefix) = text.get(..cut) {
            prop_assert!(decode(prefix).is_err());
        }
    }
}
