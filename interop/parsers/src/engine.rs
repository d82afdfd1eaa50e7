//! Engine.IO's polling bodies, of both revisions.

use crate::case::Message;
use crate::values::{binary, error, text};
use anyhow::Result;
use rialto_protocol::engine::revision3::{self, Form};
use rialto_protocol::engine::{Packet, PayloadDecoder, PayloadEncoder, Violation};
use serde_json::json;

/// What a body held, up to the first fault.
pub(crate) struct Read {
    step: serde_json::Value,
    again: Vec<serde_json::Value>,
}

pub(crate) fn steps(
    bodies: &[Message],
    read: fn(&Message) -> Result<Read>,
) -> Result<Vec<serde_json::Value>> {
    bodies
        .iter()
        .map(|body| {
            let Read { mut step, again } = read(body)?;
            step["again"] = again.into();
            Ok(step)
        })
        .collect()
}

pub(crate) fn revision4(body: &Message) -> Result<Read> {
    let bytes = match body {
        Message::Text(text) => text.clone().into_bytes(),
        Message::Binary(data) => data.bytes()?,
    };
    let decoder = match PayloadDecoder::from_bytes(&bytes) {
        Ok(decoder) => decoder,
        Err(violation) => return Ok(refused(violation)),
    };
    let (packets, step) = split(decoder);
    let mut body = Vec::new();
    let mut encoder = PayloadEncoder::new(&mut body, usize::MAX);
    for packet in &packets {
        encoder.push(packet);
    }
    let again = vec![text(std::str::from_utf8(&body)?)];
    Ok(Read { step, again: if packets.is_empty() { Vec::new() } else { again } })
}

pub(crate) fn revision3(body: &Message) -> Result<Read> {
    let bytes;
    let decoder = match body {
        Message::Text(text) => revision3::PayloadDecoder::text(text),
        Message::Binary(data) => {
            bytes = data.bytes()?;
            revision3::PayloadDecoder::binary(&bytes)
        }
    };
    let (packets, step) = split(decoder);
    if packets.is_empty() {
        return Ok(Read { step, again: Vec::new() });
    }
    let write = |form| {
        let mut body = Vec::new();
        let mut encoder = revision3::PayloadEncoder::new(&mut body, form, usize::MAX);
        for packet in &packets {
            encoder.push(packet);
        }
        body
    };
    let in_text = write(Form::Text);
    let again = vec![text(std::str::from_utf8(&in_text)?), binary(&write(Form::Binary))];
    Ok(Read { step, again })
}

fn split<'a>(
    decoder: impl Iterator<Item = Result<Packet<'a>, Violation>>,
) -> (Vec<Packet<'a>>, serde_json::Value) {
    let (mut packets, mut fault) = (Vec::new(), None);
    for packet in decoder {
        match packet {
            Ok(packet) => packets.push(packet),
            Err(violation) => fault = Some(format!("{violation:?}")),
        }
    }
    let listed: Vec<_> = packets.iter().map(packet).collect();
    (packets, json!({ "packets": listed, "error": fault }))
}

fn packet(packet: &Packet<'_>) -> serde_json::Value {
    let data = match packet {
        Packet::Open(data) | Packet::Ping(data) | Packet::Pong(data) | Packet::Text(data) => {
            text(data)
        }
        Packet::Binary(data) => binary(data),
        Packet::Close | Packet::Upgrade | Packet::Noop => json!({}),
    };
    json!({ "type": packet.kind().as_str(), "data": data })
}

fn refused(violation: Violation) -> Read {
    let mut step = error(format!("{violation:?}"));
    step["packets"] = json!([]);
    Read { step, again: Vec::new() }
}
