//! Parsers: how Socket.IO packets become messages of the transport, and messages packets.
//!
//! Without a parser of its own a server speaks JSON text with binary attachments beside it, as
//! stock clients do. [`Options::parser`](crate::Options::parser) sets another, which all clients of
//! the server then have to use: `Msgpack` (feature `msgpack`), or whatever implements [`Parser`].
//!
//! ```
//! use rialto::parser::{Decoder, Packet, Parser};
//! use rialto::ws::{Message, MessageRef};
//!
//! /// Packets as lines of JSON: type, namespace, id, data.
//! struct Lines;
//!
//! impl Parser for Lines {
//!     fn encode(&self, packet: &Packet) -> rialto::Result<Vec<Message>> {
//!         let kind = packet.kind.digit() - b'0';
//!         let line = (kind, &packet.namespace, packet.id, &packet.data);
//!         Ok(vec![serde_json::to_string(&line)?.into()])
//!     }
//!     fn decoder(&self) -> Box<dyn Decoder> {
//!         Box::new(Self)
//!     }
//! }
//!
//! impl Decoder for Lines {
//!     fn decode(&mut self, message: MessageRef<'_>) -> rialto::Result<Option<Packet>> {
//!         let line: (u8, String, Option<u64>, _) = serde_json::from_slice(message.as_bytes())?;
//!         let (kind, namespace, id, data) = line;
//!         Ok(Some(Packet { id, data, ..Packet::new(kind, namespace)? }))
//!     }
//! }
//!
//! let options = rialto::Options::default().parser(Lines);
//! ```

#[cfg(feature = "msgpack")]
mod msgpack;
mod translate;

#[cfg(feature = "msgpack")]
pub use msgpack::Msgpack;
pub use rialto_protocol::socketio::PacketType;
pub(crate) use translate::{Received, receive, translate};

use crate::error::{Error, Result};
use rialto_protocol::socketio::Value;
use rialto_ws::{Message, MessageRef};
use std::fmt;
use std::sync::Arc;

/// Binary values that one packet of a [`Parser`] may hold; one with more closes the connection,
/// unless [`Options::max_attachments`](crate::Options) allows more.
///
/// Each is kept on its own while the packet is handled, and two bytes are enough to send one.
pub const MAX_BINARY: usize = 1024;

/// Bytes of a namespace's name in a packet of a [`Parser`], as in packets of JSON.
const MAX_NAMESPACE: usize = 1024;

/// A Socket.IO packet, as a [`Parser`] sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// The type. A parser has its own way with binary: it need not use
    /// [`BinaryEvent`](PacketType::BinaryEvent) and [`BinaryAck`](PacketType::BinaryAck), and is
    /// never given them.
    pub kind: PacketType,
    /// The namespace, which begins with `/`.
    pub namespace: String,
    /// The id that an ack is to carry, or carries.
    pub id: Option<u64>,
    /// Of an event the array that begins with its name, of an ack the array of its arguments, of
    /// the others an object or nothing.
    pub data: Option<Value>,
}

impl Packet {
    /// A packet of that type (0 to 6, as on the wire), without id and data.
    ///
    /// # Errors
    /// If there is no such type.
    pub fn new(kind: u8, namespace: impl Into<String>) -> Result<Self> {
        let digit = kind.checked_add(b'0').and_then(PacketType::from_digit);
        let kind = digit.ok_or("unknown Socket.IO packet type")?;
        Ok(Self { kind, namespace: namespace.into(), id: None, data: None })
    }

    /// Checks a packet that a client has sent, as the server does with what a decoder made: its
    /// namespace's name (at most 1024 bytes), where an id has to be and where none may, the shape
    /// of `data`, the event's name, and [`MAX_BINARY`]. For the tests of a [`Parser`].
    ///
    /// # Errors
    /// If the server would close the connection for it.
    ///
    /// ```
    /// use rialto::parser::Packet;
    ///
    /// let event = |name: &str| Packet {
    ///     data: Some(serde_json::from_value(serde_json::json!([name, 1])).unwrap()),
    ///     ..Packet::new(2, "/").unwrap()
    /// };
    /// assert!(event("say").check().is_ok());
    /// assert!(event("disconnect").check().is_err(), "the name is reserved");
    /// ```
    pub fn check(&self) -> Result<()> {
        receive(self.clone(), MAX_BINARY).map(drop).map_err(Error::from)
    }
}

/// Makes messages of packets; see the [module](self).
pub trait Parser: Send + Sync + 'static {
    /// The messages of a packet, in order: texts, or binaries. At least one.
    ///
    /// A broadcast is encoded once for all its receivers. Texts get the type of the Engine.IO layer
    /// in front, which the decoder does not see.
    ///
    /// # Errors
    /// If the packet has no form here; whoever emits it gets the error.
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>>;

    /// A decoder for the messages of one connection.
    fn decoder(&self) -> Box<dyn Decoder>;
}

/// Makes packets of the messages of one connection.
pub trait Decoder: Send {
    /// Takes a message; the packet, if it is complete with this one.
    ///
    /// What it keeps between two messages is the peer's to fill: bound it.
    ///
    /// # Errors
    /// If the message breaks the parser's rules: the connection is closed, and the text is in the
    /// log.
    fn decode(&mut self, message: MessageRef<'_>) -> Result<Option<Packet>>;
}

/// The parser that [`Options::parser`](crate::Options::parser) was given.
#[derive(Clone)]
pub struct ParserRef(Arc<dyn Parser>);

impl ParserRef {
    pub(crate) fn new(parser: impl Parser) -> Self {
        Self(Arc::new(parser))
    }

    pub(crate) fn decoder(&self) -> Box<dyn Decoder> {
        self.0.decoder()
    }

    fn encode(&self, packet: &Packet) -> Result<Vec<Message>> {
        let messages = self.0.encode(packet)?;
        if messages.is_empty() {
            return Err(Error::other("the parser made no message of a packet"));
        }
        Ok(messages)
    }
}

impl fmt::Debug for ParserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ParserRef")
    }
}
