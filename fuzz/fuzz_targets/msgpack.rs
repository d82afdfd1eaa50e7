//! Socket.IO in MessagePack, by the public trait of parsers: what was read can be written and read
//! again, means the same in the JSON form in which handlers are given it, and is whole.
//!
//! Input: one packet, as it comes in a binary message.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rialto::parser::{Decoder, MAX_BINARY, Msgpack, Packet, PacketType, Parser};
use rialto::ws::MessageRef;
use rialto::{Args, Value};
use rialto_protocol::socketio::{decode, encode_payload, event_name, is_reserved};

fuzz_target!(|data: &[u8]| {
    let mut decoder = Msgpack.decoder();
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(decoder.decode(MessageRef::Text(text)).is_err(), "MessagePack is binary");
    }
    let Some(packet) = read(&mut *decoder, data) else { return };
    assert!(!packet.kind.is_binary(), "binary needs no type of its own here");
    // A packet ends with its message: nothing shorter is one, and nothing longer.
    for cut in [0, data.len() / 2, data.len() - 1] {
        assert!(read(&mut *decoder, &data[..cut]).is_none(), "cut at {cut}");
    }
    assert!(read(&mut *decoder, &[data, &[0xc0]].concat()).is_none());

    let messages = Msgpack.encode(&packet).expect("what was read can be written");
    assert_eq!(messages.len(), 1);
    let again = read(&mut *decoder, messages[0].as_bytes()).expect("we wrote it");
    assert_eq!(again, packet);
    if packet.check().is_ok() {
        taken(packet);
    }
});

fn read(decoder: &mut dyn Decoder, data: &[u8]) -> Option<Packet> {
    let packet = decoder.decode(MessageRef::Binary(data)).ok()?;
    Some(packet.expect("one message is one packet"))
}

/// The server takes it: it has the shape that handlers rely on.
fn taken(packet: Packet) {
    let Packet { kind, namespace, id, data } = packet;
    assert!(namespace.starts_with('/') && !namespace.contains(',') && namespace.len() <= 1024);
    assert!(id.is_none() || kind.is_event() || kind.is_ack());
    if !kind.is_event() && !kind.is_ack() {
        let empty = data.is_none() || kind != PacketType::Disconnect;
        return assert!(empty, "a DISCONNECT with a payload");
    }
    assert!(id.is_some() || kind.is_event());
    let Some(Value::Array(values)) = data else { panic!("no array: {data:?}") };
    let args = Args::from(values);
    let (text, attachments) = encode_payload(&args).expect("it has a form in JSON");
    assert!(attachments.len() <= MAX_BINARY);
    if kind.is_event() {
        let (name, _) = event_name(&text).expect("an event has a name");
        assert!(!is_reserved(&name), "{name}");
    }
    if attachments.is_empty() || !args.iter().any(looks_alike) {
        same(&args, &text, &attachments);
    }
}

/// Handlers see the values that were sent.
fn same(args: &Args, text: &str, attachments: &[Bytes]) {
    let seen: Args = decode(text, false, attachments).expect("we wrote it");
    assert_eq!(&seen, args);
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
