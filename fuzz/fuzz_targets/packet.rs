//! Socket.IO's wire: a packet with its attachments, read into arguments, written and read again;
//! the JSON check against serde_json's own.
//!
//! Input: one byte of switches, then the packet's text, then the attachments, each behind a zero
//! byte.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rialto_protocol::socketio::{
    Args, Assembler, Limits, Packet, PacketType, Value, Violation, decode, decode_borrowed,
    encode_ack, encode_connect, encode_connect_error, encode_disconnect, encode_event, event_name,
    is_reserved, read,
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What an event or ack says, with the event's name if it is one.
struct Content<'a> {
    kind: PacketType,
    namespace: &'a str,
    id: Option<u64>,
    data: &'a str,
    attachments: &'a [Bytes],
}

fuzz_target!(|data: &[u8]| {
    let Some((switches, rest)) = data.split_first() else { return };
    let mut parts = rest.split(|byte| *byte == 0);
    let Some(Ok(text)) = parts.next().map(std::str::from_utf8) else { return };
    let attachments: Vec<Bytes> = parts.map(Bytes::copy_from_slice).collect();
    let mut limits = Limits::default();
    if switches & 1 == 1 {
        limits.max_attachments = 2;
        limits.max_namespace = 8;
        limits.max_bytes = 100;
    }
    json(text);
    assemble(text, attachments, limits);
});

/// What counts as JSON here is JSON, and only depth is refused beyond that.
fn json(text: &str) {
    let packet = format!("2[\"e\",{text}]");
    let reference = serde_json::from_str::<&RawValue>(&packet[1..]);
    match Packet::decode(&packet, &Limits::default()) {
        Ok(_) => assert!(reference.is_ok(), "{packet}"),
        Err(Violation::InvalidJson) => assert!(reference.is_err(), "{packet}"),
        Err(violation) => assert_eq!(violation, Violation::TooDeep, "{packet}"),
    }
}

fn assemble(text: &str, attachments: Vec<Bytes>, limits: Limits) {
    let now = Instant::now();
    let mut assembler = Assembler::new(limits.clone());
    let Ok(packet) = assembler.receive_text(text, now) else {
        return assert!(!assembler.is_waiting());
    };
    assert!(text.len() <= limits.max_bytes);
    if let Some(packet) = packet {
        assert!(!packet.kind.is_binary() && packet.attachments == 0 && !assembler.is_waiting());
        assert_eq!(assembler.receive_binary(Bytes::new()), Err(Violation::UnexpectedBinary));
        return plain(&packet);
    }
    let expected = Packet::decode(text, &limits).expect("it was accepted").attachments;
    assert!((1..=limits.max_attachments).contains(&expected));
    assert_eq!(assembler.receive_text(text, now), Err(Violation::UnexpectedText));
    assert_eq!(assembler.poll_timeout(), Some(now + limits.attachments_timeout));
    let early = now + limits.attachments_timeout - Duration::from_nanos(1);
    assert_eq!(assembler.handle_timeout(early), Ok(()));
    let mut received = 0;
    for (index, data) in attachments.iter().enumerate() {
        received += data.len();
        match assembler.receive_binary(data.clone()) {
            Err(violation) => {
                assert_eq!(violation, Violation::MessageTooLarge);
                return assert!(received > limits.max_bytes && !assembler.is_waiting());
            }
            Ok(None) => assert!(index + 1 < expected && assembler.is_waiting()),
            Ok(Some(packet)) => {
                assert_eq!(
                    (index + 1, &packet.attachments[..]),
                    (expected, &attachments[..=index])
                );
                return arguments(&Content {
                    kind: packet.kind,
                    namespace: packet.namespace(),
                    id: packet.id,
                    data: packet.data(),
                    attachments: &packet.attachments,
                });
            }
        }
    }
    let late = assembler.handle_timeout(now + limits.attachments_timeout);
    assert_eq!(late, Err(Violation::AttachmentsLate));
    assert!(!assembler.is_waiting());
}

/// A packet without attachments.
fn plain(packet: &Packet<'_>) {
    let Packet { kind, namespace, id, data, .. } = *packet;
    let payload = (!data.is_empty()).then(|| serde_json::from_str::<&RawValue>(data).unwrap());
    let mut out = Vec::new();
    match kind {
        PacketType::Connect => encode_connect(&mut out, namespace, payload).unwrap(),
        PacketType::Disconnect => encode_disconnect(&mut out, namespace).unwrap(),
        PacketType::ConnectError => {
            return encode_connect_error(&mut out, namespace, data, payload).unwrap();
        }
        _ => return arguments(&Content { kind, namespace, id, data, attachments: &[] }),
    }
    let text = std::str::from_utf8(&out).unwrap();
    let again = Packet::decode(text, &Limits::default()).unwrap();
    assert_eq!((again.kind, again.namespace, again.data.trim()), (kind, namespace, data.trim()));
}

fn arguments(content: &Content<'_>) {
    let Content { kind, namespace, id, data, attachments } = *content;
    let named = kind.is_event();
    types(data, named, attachments);
    let reference = serde_json::from_str::<Vec<serde_json::Value>>(data);
    let args: Args = match decode(data, named, attachments) {
        Ok(args) => args,
        // What the shape cannot tell: a number that no type holds.
        Err(error) => return assert!(reference.is_err(), "{error:?} in {data}"),
    };
    drop(args.to_string());
    if let (true, Ok(reference)) = (attachments.is_empty(), reference) {
        let ours: Vec<_> = args.iter().map(|arg| serde_json::to_value(arg).unwrap()).collect();
        assert_eq!(ours, reference[usize::from(named)..]);
    }
    shared(&args, attachments);

    let mut out = Vec::new();
    let name = event_name(data).map(|(name, _)| name).filter(|_| named);
    let sent = match (&name, id) {
        (Some(name), _) => encode_event(&mut out, namespace, id, name, &args),
        (None, Some(id)) => encode_ack(&mut out, namespace, id, &args),
        (None, None) => panic!("an ack without an id passed"),
    };
    let sent = sent.expect("what was read can be written");
    if !sent.is_empty() && args.iter().any(looks_alike) {
        // Written beside real attachments, it means something else: the wire cannot tell.
        return;
    }
    let limits = Limits::default();
    let again = Packet::decode(std::str::from_utf8(&out).unwrap(), &limits).expect("we wrote it");
    assert_eq!((again.kind.is_event(), again.namespace, again.id), (named, namespace, id));
    assert_eq!(again.attachments, sent.len());
    if let Some(name) = name {
        assert!(!is_reserved(&name));
        assert_eq!(event_name(again.data).unwrap().0, name);
    }
    let args_again: Args = decode(again.data, named, &sent).expect("we wrote it");
    assert_eq!(args_again.len(), args.len());
    assert!(args.iter().zip(&args_again).all(|(a, b)| same(a, b)), "{args} {args_again}");
}

/// Types that ask for something: they may be refused, and must not panic.
fn types(data: &str, named: bool, attachments: &[Bytes]) {
    drop(decode::<()>(data, named, attachments));
    drop(decode::<(String, Option<f64>)>(data, named, attachments));
    drop(decode::<(i64, Option<Bytes>, Option<bool>)>(data, named, attachments));
    drop(decode::<Vec<Value>>(data, named, attachments));
    drop(decode::<Option<Bytes>>(data, named, attachments));
    drop(decode::<BTreeMap<String, serde_json::Value>>(data, named, attachments));
    drop(decode::<BTreeMap<String, Bytes>>(data, named, attachments));
    drop(decode_borrowed::<(&str, &RawValue)>(data, named, attachments));
    drop(decode_borrowed::<&[u8]>(data, named, attachments));
    drop(read::<Result<Bytes, (u8, Value)>>("Ok", data, attachments));
    drop(read::<Result<Bytes, (u8, Value)>>("Err", data, attachments));
}

/// Every attachment stands in at most one place, and is the one that came, not a copy.
fn shared(args: &Args, attachments: &[Bytes]) {
    let mut found = Vec::new();
    args.iter().for_each(|arg| collect(arg, &mut found));
    assert!(found.len() <= attachments.len());
    let mut left: Vec<&Bytes> = attachments.iter().collect();
    for bytes in found {
        let place = left.iter().position(|other| {
            *other == bytes && (bytes.is_empty() || other.as_ptr() == bytes.as_ptr())
        });
        left.swap_remove(place.expect("an attachment that did not come, or came but once"));
    }
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v Bytes>) {
    match value {
        Value::Binary(bytes) => found.push(bytes),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(members) => members.iter().for_each(|(_, value)| collect(value, found)),
        _ => {}
    }
}

/// Whether the value holds an object that would be taken for a placeholder.
fn looks_alike(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(looks_alike),
        Value::Object(members) => {
            members.iter().any(|(name, value)| name == "_placeholder" || looks_alike(value))
        }
        _ => false,
    }
}

/// Equality, member by member in order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        _ => a == b,
    }
}
