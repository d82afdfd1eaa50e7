//! What sessions of Engine.IO 3 put on the wire otherwise: bodies of polls, binary messages.

use super::outbox::Outbox;
use crate::encoded::binary_message;
use rialto_protocol::engine::revision3::{Form, PayloadEncoder};
use rialto_protocol::engine::{Packet, Version, jsonp};
use rialto_ws::{Message, MessageRef};

/// The body of an answer to a poll, with its content type.
pub(super) struct Payload {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
    /// Whether anything in it is worth being compressed.
    pub(super) compress: bool,
}

pub(super) const TEXT: &str = "text/plain; charset=UTF-8";
pub(super) const SCRIPT: &str = "text/javascript; charset=UTF-8";
const BINARY: &str = "application/octet-stream";

impl Payload {
    /// One packet of the protocol itself, as text.
    pub(super) fn control(version: Version, packet: &str) -> Self {
        let mut bytes = Vec::with_capacity(packet.len() + 8);
        match version {
            Version::V4 => bytes.extend_from_slice(packet.as_bytes()),
            Version::V3 => {
                let mut encoder = PayloadEncoder::new(&mut bytes, Form::Text, usize::MAX);
                // The first packet of a body always fits.
                encoder.push_encoded(packet.as_bytes());
            }
        }
        Self { bytes, content_type: TEXT, compress: true }
    }

    /// What waits in the outbox, as far as it fits `limit` bytes.
    pub(super) fn take(outbox: &mut Outbox, version: Version, base64: bool, limit: usize) -> Self {
        if version == Version::V4 {
            let (bytes, compress) = outbox.take_payload(limit);
            return Self { bytes, content_type: TEXT, compress };
        }
        // As the reference: binary only where there is a binary message.
        let binary = !base64 && outbox.has_binary();
        let form = if binary { Form::Binary } else { Form::Text };
        let mut bytes = Vec::new();
        let mut encoder = PayloadEncoder::new(&mut bytes, form, limit);
        let compress = outbox.take_while(|message| match message {
            MessageRef::Text(text) => encoder.push_encoded(text.as_bytes()),
            MessageRef::Binary(data) => encoder.push(&Packet::from_binary(data)),
        });
        Self { bytes, content_type: if binary { BINARY } else { TEXT }, compress }
    }

    /// The same as a script that hands it to the client's function of that index.
    pub(super) fn into_script(self, index: &str) -> Self {
        let text = String::from_utf8_lossy(&self.bytes);
        let bytes = jsonp::script(index, &text).into_bytes();
        Self { bytes, content_type: SCRIPT, compress: self.compress }
    }
}

/// The messages of a packet as messages of a WebSocket.
pub(super) fn messages<'a>(
    messages: impl Iterator<Item = MessageRef<'a>>,
    base64: bool,
) -> Vec<Message> {
    let message = |message: MessageRef<'_>| match message {
        MessageRef::Binary(data) => binary_message(data, base64),
        text @ MessageRef::Text(_) => text.to_message(),
    };
    messages.map(message).collect()
}
