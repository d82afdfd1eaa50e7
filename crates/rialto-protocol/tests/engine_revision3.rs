//! Revision 3 of Engine.IO: packets behind their lengths, binary with its type, JSONP, the client's
//! own pings.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use proptest::prelude::*;
use rialto_protocol::CloseReason;
use rialto_protocol::engine::revision3::{
    Form, PayloadDecoder, PayloadEncoder, decode_binary, decode_text, encode_base64, encode_binary,
};
use rialto_protocol::engine::{
    Config, DEFAULT_MAX_PACKETS, Packet, Poll, Probe, Received, Refusal, Session, State, Timeout,
    Transport, Version, Violation, jsonp,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn text(body: &str) -> Vec<Result<Packet<'_>, Violation>> {
    PayloadDecoder::text(body).collect()
}

fn binary(body: &[u8]) -> Vec<Result<Packet<'_>, Violation>> {
    PayloadDecoder::binary(body).collect()
}

#[test]
fn lengths_of_text_count_utf16_units() {
    let packets = text("2:4€4:4🦀a6:b4AQID1:1");
    let expected = [
        Ok(Packet::Text("€")),
        Ok(Packet::Text("🦀a")),
        Ok(Packet::Binary(vec![1, 2, 3].into())),
        Ok(Packet::Close),
    ];
    assert_eq!(packets, expected);
    // Between the halves of a pair, beyond the end, and just at it.
    assert_eq!(text("2:4🦀"), [Err(Violation::InvalidLength)]);
    assert_eq!(text("4:4🦀"), [Err(Violation::InvalidLength)]);
    assert_eq!(text("3:4🦀"), [Ok(Packet::Text("🦀"))]);
    assert_eq!(text("1:4"), [Ok(Packet::Text(""))]);
}

#[test]
fn bodies_of_text_that_are_none_are_violations() {
    assert_eq!(text(""), [Err(Violation::EmptyPacket)]);
    assert_eq!(text("0:"), [Err(Violation::EmptyPacket)]);
    for body in ["4", "4a", ":4", "x:4", "-1:4", "+1:4", " 1:4", "1 :4", "1e0:4", "é:4", "2:4"] {
        assert_eq!(text(body), [Err(Violation::InvalidLength)], "{body}");
    }
    assert_eq!(text("1:41"), [Ok(Packet::Text("")), Err(Violation::InvalidLength)]);
    assert_eq!(text("1:9"), [Err(Violation::UnknownPacketType)]);
    assert_eq!(text("99999999999999999999999999:4"), [Err(Violation::InvalidLength)]);
    assert_eq!(text("9999999999999999:4"), [Err(Violation::InvalidLength)]);
    assert_eq!(text(&"1".repeat(100_000)), [Err(Violation::InvalidLength)]);
}

#[test]
fn binary_bodies_count_bytes() {
    let mut body = b"\0\x04\xff4".to_vec();
    body.extend_from_slice("€".as_bytes());
    body.extend_from_slice(b"\x01\x01\x00\xff\x04123456789\0\x01\xff2");
    let expected =
        [Ok(Packet::Text("€")), Ok(Packet::from_binary(b"123456789")), Ok(Packet::Ping(""))];
    assert_eq!(binary(&body), expected);
    // Text may be base64 there as well.
    assert_eq!(binary(b"\0\x06\xffb4AQID"), [Ok(Packet::Binary(vec![1, 2, 3].into()))]);
}

#[test]
fn binary_bodies_that_are_none_are_violations() {
    assert_eq!(binary(b""), [Err(Violation::EmptyPacket)]);
    for body in [&b"\0"[..], b"\0\x01", b"\0\xff4", b"\0\x0a\xff4", b"\0\x02\xff4", b"\0\x01\xff"] {
        assert_eq!(binary(body), [Err(Violation::InvalidLength)], "{body:?}");
    }
    assert_eq!(binary(b"\0\0\xff"), [Err(Violation::EmptyPacket)]);
    assert_eq!(binary(b"\x01\0\xff"), [Err(Violation::EmptyPacket)]);
    assert_eq!(binary(b"\x01\x01\xff\x05"), [Err(Violation::UnknownPacketType)]);
    assert_eq!(binary(b"\x02\x01\xff4"), [Err(Violation::UnknownPacketType)]);
    assert_eq!(binary(b"\0\x02\xff4\xff"), [Err(Violation::InvalidUtf8)]);
    assert_eq!(binary(&[1; 100_000]), [Err(Violation::InvalidLength)]);
}

#[test]
fn the_number_of_packets_is_bounded() {
    let body = "1:2".repeat(DEFAULT_MAX_PACKETS);
    assert!(PayloadDecoder::text(&body).all(|packet| packet == Ok(Packet::Ping(""))));
    let body = body + "1:21:2";
    assert_eq!(text(&body).last(), Some(&Err(Violation::TooManyPackets)));
    assert_eq!(text(&body).len(), DEFAULT_MAX_PACKETS + 1);
    let few: Vec<_> = PayloadDecoder::binary(b"\0\x01\xff2\0\x01\xff2").max_packets(1).collect();
    assert_eq!(few, [Ok(Packet::Ping("")), Err(Violation::TooManyPackets)]);
}

#[test]
fn base64_and_binary_carry_their_type() {
    assert_eq!(decode_text("b4"), Ok(Packet::Binary(Vec::new().into())));
    assert_eq!(decode_text("b"), Err(Violation::EmptyPacket));
    assert_eq!(decode_text("b2AQID"), Err(Violation::UnknownPacketType));
    assert_eq!(decode_text("bé"), Err(Violation::UnknownPacketType));
    assert_eq!(decode_text("b4!"), Err(Violation::InvalidBase64));
    assert_eq!(decode_binary(&[]), Err(Violation::EmptyPacket));
    assert_eq!(decode_binary(&[4]), Ok(Packet::from_binary(&[])));
    assert_eq!(decode_binary(b"4"), Err(Violation::UnknownPacketType));
}

#[test]
fn the_limit_is_inclusive_and_counts_the_lengths() {
    for (form, limit) in [(Form::Text, 8), (Form::Binary, 10)] {
        let mut body = b"before".to_vec();
        let mut payload = PayloadEncoder::new(&mut body, form, limit);
        assert!(payload.is_empty());
        assert!(payload.push(&Packet::Text("a")));
        assert!(!payload.push(&Packet::Text("abc")));
        assert!(payload.push(&Packet::Text("a")));
        assert_eq!(payload.len(), limit);
        assert!(!payload.push(&Packet::Noop));
    }
    let mut body = Vec::new();
    assert!(PayloadEncoder::new(&mut body, Form::Text, 1).push(&Packet::Text("alone")));
    assert_eq!(body, b"6:4alone");
}

#[test]
fn jsonp_takes_a_form_and_gives_a_script() {
    assert_eq!(jsonp::script("3", "1:6"), r#"___eio[3]("1:6");"#);
    assert_eq!(jsonp::script("", "</script>\u{2029}"), r#"___eio[]("\u003c/script>\u2029");"#);
    assert_eq!(jsonp::payload(b"x=1&d=1%3A2&d=9").as_deref(), Ok("1:2"));
    assert_eq!(jsonp::payload(b"d=").as_deref(), Ok(""));
    assert_eq!(jsonp::payload(b"e=1"), Err(Violation::InvalidForm));
    assert_eq!(jsonp::payload(b""), Err(Violation::InvalidForm));
    assert_eq!(jsonp::payload(b"d=\xff"), Err(Violation::InvalidUtf8));
    assert_eq!(jsonp::payload(br"d=\\\n\x\").as_deref(), Ok(r"\\n\x\"));
}

fn packet() -> impl Strategy<Value = Packet<'static>> {
    prop_oneof![
        Just(Packet::Ping("")),
        Just(Packet::Close),
        Just(Packet::Noop),
        "[a-z0-9:é€🦀\\\\\n\"]{0,12}"
            .prop_map(|text| Packet::Text(Box::leak(text.into_boxed_str()))),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(|data| Packet::Binary(data.into())),
    ]
}

proptest! {
    #[test]
    fn what_is_written_can_be_read(packets in proptest::collection::vec(packet(), 1..8)) {
        for form in [Form::Text, Form::Binary] {
            let mut body = Vec::new();
            let mut encoder = PayloadEncoder::new(&mut body, form, usize::MAX);
            prop_assert!(packets.iter().all(|packet| encoder.push(packet)));
            let again: Result<Vec<_>, _> = match form {
                Form::Text => PayloadDecoder::text(std::str::from_utf8(&body).unwrap()).collect(),
                Form::Binary => PayloadDecoder::binary(&body).collect(),
            };
            prop_assert_eq!(again.as_ref(), Ok(&packets));
        }
    }

    #[test]
    fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..64), text in ".{0,32}") {
        let _ = binary(&body);
        let _ = jsonp::payload(&body);
        let _ = PayloadDecoder::text(&text).count();
        let mut out = Vec::new();
        encode_binary(&mut out, &body);
        prop_assert_eq!(decode_binary(&out), Ok(Packet::from_binary(&body)));
        out.clear();
        encode_base64(&mut out, &body);
        let base64 = std::str::from_utf8(&out).unwrap();
        prop_assert_eq!(decode_text(base64), Ok(Packet::Binary(body.into())));
    }

    #[test]
    fn forms_bring_what_the_old_client_put_in(mut message in "[a-z\\\\n\n&=+%🦀]{0,16}") {
        // A backslash before a newline is spelled as a backslash before an n: no server can tell.
        while message.contains("\\\n") {
            message = message.replace("\\\n", "");
        }
        // What the client does to the text, and then the browser's form.
        let escaped = message.replace("\\n", "\\\n").replace('\n', "\\n");
        let encoded: String = escaped.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let body = format!("d={encoded}");
        let payload = jsonp::payload(body.as_bytes());
        prop_assert_eq!(payload.as_deref(), Ok(message.as_str()));
    }
}

const MS: Duration = Duration::from_millis(1);

fn session(transport: Transport) -> (Session, Instant) {
    let config = Config {
        ping_interval: 250 * MS,
        ping_timeout: 200 * MS,
        upgrade_timeout: 100 * MS,
        ..Config::default()
    };
    let now = Instant::now();
    (Session::with_version(Arc::new(config), Version::V3, transport, now), now)
}

#[test]
fn the_client_pings_and_silence_ends_after_interval_and_timeout() {
    let (mut session, start) = session(Transport::WebSocket);
    assert_eq!(session.version(), Version::V3);
    assert_eq!(session.poll_timeout(), Some(start + 450 * MS));
    assert_eq!(session.handle_timeout(start + 449 * MS), None);
    assert_eq!(session.receive(&Packet::Ping(""), start + 449 * MS), Ok(Received::Ping));
    assert_eq!(session.poll_timeout(), Some(start + 899 * MS));
    // Whatever is heard is a sign of life; a clock that lags behind takes nothing away.
    session.heard(start + 800 * MS);
    session.heard(start + 700 * MS);
    assert_eq!(session.poll_timeout(), Some(start + 1250 * MS));
    let end = Some(Timeout::Closed(CloseReason::PingTimeout));
    assert_eq!(session.handle_timeout(start + 1250 * MS), end);
    assert_eq!(session.receive(&Packet::Ping(""), start + 1250 * MS), Ok(Received::Nothing));
}

#[test]
fn a_pong_from_the_client_ends_the_session() {
    let (mut session, now) = session(Transport::Polling);
    assert_eq!(session.receive(&Packet::Pong(""), now), Err(Violation::UnexpectedPong));
    assert_eq!(session.state(), State::Closed(CloseReason::TransportError));
}

#[test]
fn a_poll_after_the_deadline_finds_no_session() {
    let (mut session, now) = session(Transport::Polling);
    assert_eq!(session.poll_started(now), Ok(Poll::Hold));
    // A poll that waits is no sign of life: the client's pings are.
    assert_eq!(session.post_started(now + 450 * MS), Err(Refusal::Ended));
    assert_eq!(session.state(), State::Closed(CloseReason::PingTimeout));
}

#[test]
fn an_upgrade_goes_as_in_revision_4_and_pings_follow_on_the_new_transport() {
    let (mut session, now) = session(Transport::Polling);
    assert_eq!(session.poll_started(now), Ok(Poll::Hold));
    session.probe_started(now).unwrap();
    assert_eq!(session.probe_received(&Packet::Ping("probe"), now), Ok(Probe::Answer));
    assert!(session.must_release_poll());
    session.poll_answered();
    // While it moves, its heartbeat goes on by polling.
    assert_eq!(session.receive(&Packet::Ping(""), now + 50 * MS), Ok(Received::Ping));
    assert_eq!(session.probe_received(&Packet::Upgrade, now + 60 * MS), Ok(Probe::Upgraded));
    assert_eq!(session.poll_timeout(), Some(now + 510 * MS));
    assert_eq!(session.receive(&Packet::Ping(""), now + 70 * MS), Ok(Received::Ping));
    assert_eq!(session.version(), Version::V3);
}
