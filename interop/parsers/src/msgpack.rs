//! Socket.IO's packets in MessagePack.

use crate::case::Message;
use crate::values::{binary, error, tagged};
use anyhow::Result;
use rialto::parser::{Msgpack, Packet, Parser};
use rialto::ws::MessageRef;
use serde_json::json;

pub(crate) fn steps(messages: &[Message]) -> Result<Vec<serde_json::Value>> {
    let mut decoder = Msgpack.decoder();
    let mut steps = Vec::new();
    for message in messages {
        let decoded = match message {
            Message::Text(text) => decoder.decode(MessageRef::Text(text)),
            Message::Binary(data) => decoder.decode(MessageRef::Binary(&data.bytes()?)),
        };
        let checked = decoded.and_then(|packet| {
            if let Some(packet) = &packet {
                packet.check()?;
            }
            Ok(packet)
        });
        match checked {
            Ok(None) => steps.push(json!({ "waits": true })),
            Ok(Some(packet)) => steps.push(packet_step(&packet)?),
            Err(refusal) => {
                steps.push(error(refusal));
                break;
            }
        }
    }
    Ok(steps)
}

fn packet_step(packet: &Packet) -> Result<serde_json::Value> {
    let again = Msgpack.encode(packet)?;
    let again: Vec<_> = again.iter().map(|message| binary(message.as_bytes())).collect();
    let mut step = json!({
        "type": packet.kind.digit() - b'0',
        "nsp": packet.namespace,
        "query": "",
        "id": packet.id.map(|id| id.to_string()),
        "again": again,
    });
    if let Some(data) = &packet.data {
        step["data"] = tagged(data);
    }
    Ok(step)
}
