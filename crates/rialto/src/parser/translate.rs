//! Between packets as values and the form in which the layers above keep them: JSON text with
//! attachments.

use super::{MAX_BINARY, MAX_NAMESPACE, Packet, PacketType, ParserRef};
use crate::error::Result;
use bytes::Bytes;
use rialto_protocol::socketio::{
    self, Args, Limits, Value, Violation, decode, encode_payload, event_name, is_reserved,
};
use rialto_ws::Message;

/// Our own packets: whatever their size, they have been made already.
const NO_LIMITS: Limits = Limits {
    max_attachments: usize::MAX,
    max_namespace: usize::MAX,
    max_bytes: usize::MAX,
    attachments_timeout: std::time::Duration::MAX,
};

/// The messages that `parser` makes of a packet's text and attachments; texts begin with the
/// Engine.IO type.
pub(crate) fn translate(
    parser: &ParserRef,
    text: &str,
    attachments: &[Bytes],
) -> Result<Vec<Message>> {
    let packet = socketio::Packet::decode(text, &NO_LIMITS).map_err(crate::Error::other)?;
    let data = match packet.kind {
        _ if packet.data.is_empty() => None,
        kind if kind.is_event() || kind.is_ack() => {
            let args: Args = decode(packet.data, false, attachments)?;
            Some(Value::Array(args.into_iter().collect()))
        }
        _ => Some(serde_json::from_str(packet.data)?),
    };
    let namespace = packet.namespace.to_owned();
    let packet = Packet { kind: plain(packet.kind), namespace, id: packet.id, data };
    let messages = parser.encode(&packet)?.into_iter().map(|message| match &message {
        Message::Text(_) => Message::from(format!("4{message}")),
        Message::Binary(_) => message,
    });
    Ok(messages.collect())
}

fn plain(kind: PacketType) -> PacketType {
    match kind {
        PacketType::BinaryEvent => PacketType::Event,
        PacketType::BinaryAck => PacketType::Ack,
        kind => kind,
    }
}

/// A packet of a peer that has been found to be well-formed.
pub(crate) struct Received {
    pub(crate) kind: PacketType,
    pub(crate) namespace: String,
    pub(crate) id: Option<u64>,
    /// JSON text; empty if there is none.
    pub(crate) data: String,
    pub(crate) attachments: Vec<Bytes>,
}

impl Received {
    /// The same as a packet that is borrowed.
    pub(crate) fn packet(&self) -> socketio::Packet<'_> {
        socketio::Packet {
            kind: self.kind,
            attachments: self.attachments.len(),
            namespace: &self.namespace,
            query: "",
            id: self.id,
            data: &self.data,
            name_end: 0,
        }
    }
}

/// Checks a packet that a decoder has made, as a packet of JSON text would be checked. It may hold
/// [`MAX_BINARY`] binary values, or `max_attachments`, if that is more.
pub(crate) fn receive(packet: Packet, max_attachments: usize) -> Result<Received, &'static str> {
    let kind = plain(packet.kind);
    let namespace = packet.namespace;
    if namespace.len() > MAX_NAMESPACE {
        return Err("the namespace's name is longer than the limit allows");
    }
    if !namespace.starts_with('/') || namespace.contains(',') {
        return Err("the namespace has an invalid name");
    }
    if kind.is_ack() && packet.id.is_none() {
        return Err("an ack without an id");
    }
    if packet.id.is_some() && !kind.is_ack() && !kind.is_event() {
        return Err("the ack id is out of range or out of place");
    }
    let (data, attachments) = payload(kind, packet.data)?;
    if attachments.len() > max_attachments.max(MAX_BINARY) {
        return Err("more binary values than the limit allows");
    }
    if kind.is_event() {
        check_name(&data)?;
    }
    Ok(Received { kind, namespace, id: packet.id, data, attachments })
}

const SHAPE: &str = "the payload does not have the shape its packet type asks for";

fn payload(kind: PacketType, data: Option<Value>) -> Result<(String, Vec<Bytes>), &'static str> {
    let args = match (kind, data) {
        (PacketType::Connect | PacketType::Disconnect, None | Some(Value::Null)) => {
            return Ok((String::new(), Vec::new()));
        }
        (PacketType::Event | PacketType::Ack, Some(Value::Array(values))) => Args::from(values),
        (PacketType::Connect, Some(object @ Value::Object(_))) => Args::from(vec![object]),
        // What only servers send is refused by the namespace, in its own words.
        (PacketType::ConnectError, _) => return Ok((String::new(), Vec::new())),
        _ => return Err(SHAPE),
    };
    // Nothing else keeps such values from being JSON: each binary value is a level there.
    let (data, attachments) = encode_payload(&args).map_err(|_| Violation::TooDeep.as_str())?;
    if kind != PacketType::Connect {
        return Ok((data, attachments));
    }
    if !attachments.is_empty() {
        return Err("binary where only JSON may be");
    }
    let inner = data.strip_prefix('[').and_then(|data| data.strip_suffix(']'));
    Ok((inner.ok_or(SHAPE)?.to_owned(), attachments))
}

fn check_name(data: &str) -> Result<(), &'static str> {
    match event_name(data) {
        None => Err(SHAPE),
        Some((name, _)) if is_reserved(&name) => Err("the event has a reserved name"),
        Some(_) => Ok(()),
    }
}
