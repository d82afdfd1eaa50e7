//! Engine.IO's wire, of both revisions: what can be read of a polling body can be written and read
//! again; a query string and a handshake say the same when they are spelled anew; JSONP hands over
//! what it was given.
//!
//! Input: one byte that chooses limits, then the body, which also serves as one packet, as a query
//! string, as the JSON of an `open` packet, and as the content of a binary packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rialto_protocol::engine::revision3::{self, Form};
use rialto_protocol::engine::{
    HandshakeError, MAX_QUERY_BYTES, MAX_QUERY_PAIRS, Open, Packet, PayloadDecoder, PayloadEncoder,
    Query, Violation, jsonp,
};

fuzz_target!(|data: &[u8]| {
    let Some((switch, body)) = data.split_first() else { return };
    binary(body);
    let limit = usize::from(*switch);
    form(body, revision3::PayloadDecoder::binary(body), limit);
    jsonp_body(body);
    let Ok(text) = std::str::from_utf8(body) else {
        let outcome = PayloadDecoder::from_bytes(body).map(|_| ());
        assert_eq!(outcome, Err(Violation::InvalidUtf8));
        return;
    };
    payload(text, limit);
    form(body, revision3::PayloadDecoder::text(text), limit);
    script(text);
    packet(text);
    query(text);
    open(text);
});

fn payload(text: &str, limit: usize) {
    let mut packets = Vec::new();
    let mut end = Ok(());
    for packet in PayloadDecoder::new(text) {
        assert!(end.is_ok(), "a packet behind an error");
        match packet {
            Ok(packet) => packets.push(packet),
            Err(violation) => end = Err(violation),
        }
    }
    if end.is_ok() {
        assert_eq!(packets.len(), text.split('\u{1e}').count());
    }
    let few = PayloadDecoder::new(text).max_packets(limit).flatten().count();
    assert_eq!(few, packets.len().min(limit));

    let mut body = Vec::new();
    let mut encoder = PayloadEncoder::new(&mut body, usize::MAX);
    assert!(packets.iter().all(|packet| encoder.push(packet)));
    if !packets.is_empty() {
        let again: Result<Vec<_>, _> = PayloadDecoder::from_bytes(&body).unwrap().collect();
        assert_eq!(again.as_ref(), Ok(&packets));
    }
    within(&packets, limit);
}

/// A body keeps its limit, and what did not fit has left no trace.
fn within(packets: &[Packet<'_>], limit: usize) {
    let mut body = b"before".to_vec();
    let mut encoder = PayloadEncoder::new(&mut body, limit);
    let mut taken = Vec::new();
    for packet in packets {
        let before = encoder.len();
        if encoder.push(packet) {
            taken.push(packet.clone());
            assert!(encoder.len() <= limit || taken.len() == 1);
        } else {
            assert_eq!(encoder.len(), before);
            assert!(before + 1 + packet.payload_len() > limit);
        }
    }
    let body = body.strip_prefix(b"before").unwrap();
    let again: Result<Vec<_>, _> = PayloadDecoder::from_bytes(body).unwrap().collect();
    match taken.is_empty() {
        true => assert!(body.is_empty()),
        false => assert_eq!(again, Ok(taken)),
    }
}

fn packet(text: &str) {
    let Ok(packet) = Packet::decode(text) else { return };
    let mut out = Vec::new();
    packet.encode_payload(&mut out);
    assert_eq!(out.len(), packet.payload_len());
    assert_eq!(Packet::decode(std::str::from_utf8(&out).unwrap()).as_ref(), Ok(&packet));
    let mut out = Vec::new();
    packet.encode_message(&mut out);
    let again = if packet.is_binary() {
        Ok(Packet::from_binary(&out))
    } else {
        Packet::decode(std::str::from_utf8(&out).unwrap())
    };
    assert_eq!(again, Ok(packet));
}

/// A body of revision 3: what was read can be written in either form and read again.
fn form(body: &[u8], decoder: revision3::PayloadDecoder<'_>, limit: usize) {
    let packets: Vec<_> = decoder.clone().flatten().collect();
    // Each packet has at least a type, and its length is at least one byte and an end.
    assert!(packets.len() * 3 <= body.len());
    assert!(decoder.clone().count() <= packets.len() + 1, "it ends at the first error");
    assert_eq!(decoder.max_packets(limit).flatten().count(), packets.len().min(limit));
    for form in [Form::Text, Form::Binary] {
        let mut out = b"before".to_vec();
        let mut encoder = revision3::PayloadEncoder::new(&mut out, form, limit);
        let mut taken = Vec::new();
        for packet in &packets {
            let before = encoder.len();
            if encoder.push(packet) {
                taken.push(packet.clone());
                assert!(encoder.len() <= limit || taken.len() == 1);
            } else {
                assert_eq!(encoder.len(), before);
            }
        }
        let again = out.strip_prefix(b"before").unwrap();
        if taken.is_empty() {
            assert!(again.is_empty());
            continue;
        }
        let decoder = match form {
            Form::Text => revision3::PayloadDecoder::text(std::str::from_utf8(again).unwrap()),
            Form::Binary => revision3::PayloadDecoder::binary(again),
        };
        assert_eq!(decoder.collect::<Result<Vec<_>, _>>(), Ok(taken));
    }
}

fn jsonp_body(body: &[u8]) {
    match jsonp::payload(body) {
        Ok(text) => assert!(text.len() <= body.len() * 3),
        Err(violation) => {
            assert!(matches!(violation, Violation::InvalidForm | Violation::InvalidUtf8));
        }
    }
}

/// The script hands over what it was given, and nothing in it ends it early.
fn script(text: &str) {
    let script = jsonp::script(text, text);
    let (index, json) = script.strip_prefix("___eio[").unwrap().split_once("](").unwrap();
    assert!(index.bytes().all(|byte| byte.is_ascii_digit()));
    let json = json.strip_suffix(");").unwrap();
    assert!(!json.contains(['<', '\u{2028}', '\u{2029}', '\n']));
    assert_eq!(serde_json::from_str::<String>(json).unwrap(), text);
}

/// Bytes travel through base64 unharmed, padded or not.
fn binary(bytes: &[u8]) {
    let mut out = Vec::new();
    Packet::from_binary(bytes).encode_payload(&mut out);
    let text = std::str::from_utf8(&out).unwrap();
    assert_eq!(Packet::decode(text), Ok(Packet::from_binary(bytes)));
    assert_eq!(Packet::decode(text.trim_end_matches('=')), Ok(Packet::from_binary(bytes)));
}

fn query(text: &str) {
    let query = match Query::parse(text) {
        Ok(query) => query,
        Err(HandshakeError::BadRequest) => {
            assert!(text.len() > MAX_QUERY_BYTES || text.split('&').count() > MAX_QUERY_PAIRS);
            return;
        }
        Err(error) => return assert_eq!(error, HandshakeError::TransportUnknown),
    };
    assert_eq!(query.get("transport").as_deref(), Some(query.transport.as_str()));
    assert!(query.sid.is_none() || query.get("sid") == query.sid);
    assert!(query.sid.as_ref().is_none_or(|sid| !sid.is_empty()));
    // Spelled with every byte escaped, it says the same; unless that makes it too long.
    let pairs: Vec<_> = query.pairs().collect();
    let spelled: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    let spelled = spelled.join("&");
    if spelled.len() > MAX_QUERY_BYTES {
        return;
    }
    let again = Query::parse(&spelled).expect("the same parameters");
    assert!(again.pairs().eq(pairs));
    assert_eq!((again.version, again.transport), (query.version, query.transport));
    assert_eq!((again.sid, again.jsonp), (query.sid, query.jsonp));
    assert_eq!((again.timestamp, again.base64), (query.timestamp, query.base64));
}

fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn open(text: &str) {
    let Ok(open) = Open::from_json(text) else { return };
    let json = open.to_json();
    assert_eq!(Open::from_json(&json).unwrap(), open);
}
