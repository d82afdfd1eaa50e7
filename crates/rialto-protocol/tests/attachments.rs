//! Packets whose binary parts follow in messages of their own.

#![allow(clippy::unwrap_used)] // The functions between the tests fail as tests do.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rialto_protocol::socketio::{
    Assembler, Attachments, Limits, PacketType, Value, Violation, decode, decode_borrowed,
    decode_event,
};

fn assembler() -> (Assembler, Instant) {
    (Assembler::new(Limits::default()), Instant::now())
}

const TWO: &str = r#"52-/chat,7["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;

#[test]
fn a_packet_is_complete_with_its_last_attachment() {
    let (mut assembler, now) = assembler();
    assert_eq!(assembler.receive_text(TWO, now), Ok(None));
    assert!(assembler.is_waiting());
    assert_eq!(assembler.receive_binary(Bytes::from_static(b"a")), Ok(None));
    let packet = assembler.receive_binary(Bytes::from_static(b"b")).unwrap().unwrap();
    assert_eq!(packet.kind, PacketType::BinaryEvent);
    assert_eq!((packet.namespace(), packet.id), ("/chat", Some(7)));
    assert_eq!(packet.data(), &TWO[10..]);
    assert_eq!(packet.attachments, [&b"a"[..], b"b"]);
    assert!(!assembler.is_waiting());
}

#[test]
fn the_last_attachment_may_be_lent() {
    let (mut assembler, now) = assembler();
    assembler.receive_text(TWO, now).unwrap();
    assert_eq!(assembler.receive_lent(b"a"), Ok(None));
    let packet = assembler.receive_lent(b"b").unwrap().unwrap();
    assert_eq!(packet.attachments, [&b"a"[..]]);
    assert_eq!(packet.packet().attachments, 2);
    let attachments = Attachments::from(&packet.attachments).and_lent(b"b");
    assert_eq!((attachments.len(), attachments.bytes()), (2, 2));
    assert_eq!(attachments.to_vec(), [&b"a"[..], b"b"]);
    assert_eq!((attachments.get(0), attachments.get(2)), (Some(&b"a"[..]), None));
    type Both = (Bytes, Bytes);
    let (first, second): Both = decode(packet.data(), true, attachments).unwrap();
    assert_eq!((&first[..], &second[..]), (&b"b"[..], &b"a"[..]));
    let (first, _): (Value, Value) =
        decode_event(packet.data(), packet.name_end, attachments).unwrap();
    assert_eq!(first.as_bytes(), Some(&second_of(attachments)));
    let slices: (&[u8], &[u8]) = decode_borrowed(packet.data(), true, attachments).unwrap();
    assert_eq!(slices, (&b"b"[..], &b"a"[..]));
    assert_eq!(assembler.receive_lent(b"c"), Err(Violation::UnexpectedBinary));
}

fn second_of(attachments: Attachments<'_>) -> Bytes {
    attachments.to_vec().pop().unwrap()
}

#[test]
fn what_is_lent_counts_as_well() {
    let limits = Limits { max_bytes: TWO.len(), ..Limits::default() };
    let mut assembler = Assembler::new(limits);
    assembler.receive_text(TWO, Instant::now()).unwrap();
    assembler.receive_lent(b"1234").unwrap();
    let rest = vec![0; TWO.len() - 3];
    assert_eq!(assembler.receive_lent(&rest), Err(Violation::MessageTooLarge));
    assert!(!assembler.is_waiting());
}

#[test]
fn a_packet_without_attachments_passes_through() {
    let (mut assembler, now) = assembler();
    let packet = assembler.receive_text(r#"2["x"]"#, now).unwrap().unwrap();
    assert_eq!(packet.data, r#"["x"]"#);
    assert!(!assembler.is_waiting());
}

#[test]
fn text_between_the_attachments_is_a_violation() {
    let (mut assembler, now) = assembler();
    assembler.receive_text(TWO, now).unwrap();
    assembler.receive_binary(Bytes::new()).unwrap();
    assert_eq!(assembler.receive_text(r#"2["x"]"#, now), Err(Violation::UnexpectedText));
}

#[test]
fn binary_that_nothing_announced_is_a_violation() {
    let (mut assembler, now) = assembler();
    assert_eq!(assembler.receive_binary(Bytes::new()), Err(Violation::UnexpectedBinary));
    assembler.receive_text(TWO, now).unwrap();
    assembler.receive_binary(Bytes::new()).unwrap();
    assembler.receive_binary(Bytes::new()).unwrap().unwrap();
    assert_eq!(assembler.receive_binary(Bytes::new()), Err(Violation::UnexpectedBinary));
}

#[test]
fn text_has_the_limit_and_all_attachments_together_have_it() {
    let now = Instant::now();
    let limits = Limits { max_bytes: TWO.len(), ..Limits::default() };
    let mut assembler = Assembler::new(limits.clone());
    assembler.receive_text(TWO, now).unwrap();
    assembler.receive_binary(Bytes::from(vec![0; 4])).unwrap();
    let rest = Bytes::from(vec![0; TWO.len() - 4]);
    assert!(assembler.receive_binary(rest).unwrap().is_some());

    let mut assembler = Assembler::new(limits);
    assembler.receive_text(TWO, now).unwrap();
    assembler.receive_binary(Bytes::from(vec![0; 4])).unwrap();
    let violation = assembler.receive_binary(Bytes::from(vec![0; TWO.len() - 3]));
    assert_eq!(violation, Err(Violation::MessageTooLarge));

    let limits = Limits { max_bytes: 5, ..Limits::default() };
    let mut assembler = Assembler::new(limits);
    assert_eq!(assembler.receive_text(r#"2["x"]"#, now), Err(Violation::MessageTooLarge));
    assert!(assembler.receive_text(r#"2[12]"#, now).is_ok());
}

#[test]
fn attachments_that_do_not_come_are_late() {
    let (mut assembler, now) = assembler();
    assert_eq!(assembler.poll_timeout(), None);
    assert_eq!(assembler.handle_timeout(now + Duration::from_secs(60)), Ok(()));
    assembler.receive_text(TWO, now).unwrap();
    let deadline = now + Limits::default().attachments_timeout;
    assert_eq!(assembler.poll_timeout(), Some(deadline));
    assert_eq!(assembler.handle_timeout(deadline - Duration::from_nanos(1)), Ok(()));
    assert_eq!(assembler.handle_timeout(deadline), Err(Violation::AttachmentsLate));
    assert!(!assembler.is_waiting());
}

#[test]
fn attachments_that_are_on_their_way_are_not_late() {
    let (mut assembler, now) = assembler();
    let timeout = Limits::default().attachments_timeout;
    assembler.heard(now);
    assert_eq!(assembler.poll_timeout(), None);
    assembler.receive_text(TWO, now).unwrap();
    let mut heard = now;
    for _ in 0..10 {
        heard += timeout - Duration::from_nanos(1);
        assert_eq!(assembler.handle_timeout(heard), Ok(()));
        assembler.heard(heard);
    }
    assert_eq!(assembler.poll_timeout(), Some(heard + timeout));
    assert_eq!(assembler.handle_timeout(heard + timeout), Err(Violation::AttachmentsLate));
}

#[test]
fn placeholders_may_be_written_in_either_order_and_with_spaces() {
    for object in [
        r#"{"_placeholder":true,"num":0}"#,
        r#"{"num":0,"_placeholder":true}"#,
        r#"{ "_placeholder" : true , "num" : 0 }"#,
        "{\n\t\"num\" : 0 ,\r\n\"_placeholder\" : true\n}",
    ] {
        let (mut assembler, now) = assembler();
        let text = format!(r#"51-["x",{object}]"#);
        assert_eq!(assembler.receive_text(&text, now), Ok(None), "{object}");
    }
}

#[test]
fn a_placeholder_must_name_an_attachment_of_its_packet_and_no_other_may() {
    for objects in [
        r#"{"_placeholder":true,"num":1}"#,
        r#"{"_placeholder":true,"num":-1}"#,
        r#"{"_placeholder":true,"num":0.5}"#,
        r#"{"_placeholder":true,"num":1e1}"#,
        r#"{"_placeholder":true,"num":99999999999999999999999}"#,
        r#"{"_placeholder":true,"num":"splice"}"#,
        r#"{"_placeholder":true,"num":"0"}"#,
        r#"{"_placeholder":true,"num":null}"#,
        r#"{"_placeholder":true}"#,
        r#"{"_placeholder":true,"num":0,"more":1}"#,
        r#"{"more":1,"_placeholder":true,"num":0}"#,
        r#"{"num":{},"_placeholder":true}"#,
        r#"{"num":1,"_placeholder":true}"#,
        r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}"#,
        r#"[{"_placeholder":true,"num":0}],{"num":0,"_placeholder":true}"#,
    ] {
        let (mut assembler, now) = assembler();
        let text = format!(r#"51-["x",{objects}]"#);
        let violation = assembler.receive_text(&text, now);
        assert_eq!(violation, Err(Violation::InvalidPlaceholder), "{objects}");
    }
}

#[test]
fn what_only_looks_like_a_placeholder_is_data() {
    for value in [
        r#""_placeholder""#,
        r#"["_placeholder",true]"#,
        r#""say \"_placeholder\":true""#,
        r#"{"say \"_placeholder":true}"#,
        r#"{"_placeholder":false,"num":7}"#,
        r#"{"_placeholder":1,"num":7}"#,
        r#"{"_placeholder":"true"}"#,
        r#"{"num":7}"#,
    ] {
        let (mut assembler, now) = assembler();
        let text = format!(r#"51-["x",{value},{{"_placeholder":true,"num":0}}]"#);
        assert_eq!(assembler.receive_text(&text, now), Ok(None), "{value}");
    }
}

#[test]
fn announced_attachments_that_no_placeholder_names_are_waited_for_all_the_same() {
    let (mut assembler, now) = assembler();
    assembler.receive_text(r#"61-3["x"]"#, now).unwrap();
    let packet = assembler.receive_binary(Bytes::from_static(b"a")).unwrap().unwrap();
    assert_eq!((packet.kind, packet.id), (PacketType::BinaryAck, Some(3)));
}

#[test]
fn checking_many_placeholders_takes_linear_time() {
    // Half a megabyte of objects that begin like placeholders and are none.
    let text = format!(r#"51-["x"{}]"#, r#",{"_placeholder":0}"#.repeat(28_000));
    let (mut assembler, now) = assembler();
    assert_eq!(assembler.receive_text(&text, now), Ok(None));
}
