//! Socket.IO's packets in JSON, with attachments.

use crate::case::Message;
use crate::values::{binary, error, tagged, text};
use anyhow::Result;
use bytes::Bytes;
use rialto::{Args, Value};
use rialto_protocol::socketio::{
    Assembler, Limits, PacketType, decode, encode_ack, encode_connect, encode_disconnect,
    encode_error, encode_event, event_name,
};
use serde_json::json;
use std::time::Instant;

/// A packet with its attachments.
struct Whole<'a> {
    kind: PacketType,
    namespace: &'a str,
    query: &'a str,
    id: Option<u64>,
    data: &'a str,
    attachments: &'a [Bytes],
}

pub(crate) fn steps(messages: &[Message]) -> Result<Vec<serde_json::Value>> {
    let mut assembler = Assembler::new(Limits::default());
    let mut steps = Vec::new();
    for message in messages {
        let step = match message {
            Message::Text(text) => receive_text(&mut assembler, text)?,
            Message::Binary(data) => receive_binary(&mut assembler, data.bytes()?.into())?,
        };
        let refused = step.get("error").is_some();
        steps.push(step);
        if refused {
            break;
        }
    }
    Ok(steps)
}

fn receive_text(assembler: &mut Assembler, text: &str) -> Result<serde_json::Value> {
    match assembler.receive_text(text, Instant::now()) {
        Ok(None) => Ok(json!({ "waits": true })),
        Ok(Some(packet)) => packet_step(&Whole {
            kind: packet.kind,
            namespace: packet.namespace,
            query: packet.query,
            id: packet.id,
            data: packet.data,
            attachments: &[],
        }),
        Err(violation) => Ok(error(format!("{violation:?}"))),
    }
}

fn receive_binary(assembler: &mut Assembler, data: Bytes) -> Result<serde_json::Value> {
    match assembler.receive_binary(data) {
        Ok(None) => Ok(json!({ "waits": true })),
        Ok(Some(packet)) => packet_step(&Whole {
            kind: packet.kind,
            namespace: packet.namespace(),
            query: "",
            id: packet.id,
            data: packet.data(),
            attachments: &packet.attachments,
        }),
        Err(violation) => Ok(error(format!("{violation:?}"))),
    }
}

fn packet_step(packet: &Whole<'_>) -> Result<serde_json::Value> {
    let mut step = json!({
        "type": plain(packet.kind),
        "nsp": packet.namespace,
        "query": packet.query,
        "id": packet.id.map(|id| id.to_string()),
    });
    if packet.kind.is_event() {
        step["event"] = event_name(packet.data).map(|(name, _)| name).into();
    }
    // Types without arguments have one value, if any; a handler's type decides on the rest.
    let args = match packet.kind {
        _ if packet.data.is_empty() => return written(packet, step, None),
        kind if kind.is_event() || kind.is_ack() => {
            decode::<Args>(packet.data, false, packet.attachments)
        }
        _ => decode::<Args>(&format!("[{}]", packet.data), false, &[]),
    };
    match args {
        Ok(args) => {
            let values: Vec<Value> = args.into_iter().collect();
            let whole = packet.kind.is_event() || packet.kind.is_ack();
            let data: Vec<_> = values.iter().map(tagged).collect();
            step["data"] = if whole { data.into() } else { data.into_iter().next().into() };
            written(packet, step, Some(values))
        }
        Err(error) => {
            step["undecoded"] = error.to_string().into();
            Ok(step)
        }
    }
}

/// Adds the messages in which the encoder writes the packet.
fn written(
    packet: &Whole<'_>,
    mut step: serde_json::Value,
    values: Option<Vec<Value>>,
) -> Result<serde_json::Value> {
    let mut out = Vec::new();
    let namespace = packet.namespace;
    let mut values = values.unwrap_or_default();
    let mut attachments = Vec::new();
    match (packet.kind, packet.id) {
        (PacketType::Connect, _) => encode_connect(&mut out, namespace, values.first())?,
        (PacketType::Disconnect, _) => encode_disconnect(&mut out, namespace)?,
        (PacketType::ConnectError, _) => match values.first() {
            Some(data) => encode_error(&mut out, namespace, data)?,
            None => return Ok(step),
        },
        (PacketType::Ack | PacketType::BinaryAck, Some(id)) => {
            attachments = encode_ack(&mut out, namespace, id, &Args::from(values))?;
        }
        (_, id) => {
            let Some((name, _)) = event_name(packet.data) else { return Ok(step) };
            let args = Args::from(values.split_off(1));
            attachments = encode_event(&mut out, namespace, id, &name, &args)?;
        }
    }
    let mut again = vec![text(std::str::from_utf8(&out)?)];
    again.extend(attachments.iter().map(|data| binary(data)));
    step["again"] = again.into();
    Ok(step)
}

/// The type without the difference that attachments make.
fn plain(kind: PacketType) -> u8 {
    let kind = match kind {
        PacketType::BinaryEvent => PacketType::Event,
        PacketType::BinaryAck => PacketType::Ack,
        kind => kind,
    };
    kind.digit() - b'0'
}
