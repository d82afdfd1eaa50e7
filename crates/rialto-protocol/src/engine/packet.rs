//! One Engine.IO packet, as a WebSocket message or as a part of a polling payload.

use std::borrow::Cow;

use super::Violation;

/// The ways a session's bytes can travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// HTTP long-polling: a GET that waits, a POST per batch.
    Polling,
    /// One WebSocket.
    WebSocket,
}

impl Transport {
    /// The name used in the `transport` parameter and in the `upgrades` list.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }

    /// The transport of that name; `None` for any other word (the names are case-sensitive).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "polling" => Some(Self::Polling),
            "websocket" => Some(Self::WebSocket),
            _ => None,
        }
    }
}

/// The seven packet types of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// `0`: the server's handshake.
    Open,
    /// `1`: the session is to end.
    Close,
    /// `2`: heartbeat, or the client's question on a new transport.
    Ping,
    /// `3`: answer to a ping.
    Pong,
    /// `4`: payload of the layer above.
    Message,
    /// `5`: the client moves to the probed transport.
    Upgrade,
    /// `6`: nothing; releases a waiting poll.
    Noop,
}

impl PacketType {
    /// The type's character on the wire.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Open => b'0',
            Self::Close => b'1',
            Self::Ping => b'2',
            Self::Pong => b'3',
            Self::Message => b'4',
            Self::Upgrade => b'5',
            Self::Noop => b'6',
        }
    }

    /// The type of that character, or `None`.
    pub const fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Open,
            b'1' => Self::Close,
            b'2' => Self::Ping,
            b'3' => Self::Pong,
            b'4' => Self::Message,
            b'5' => Self::Upgrade,
            b'6' => Self::Noop,
            _ => return None,
        })
    }

    /// The type's name in the protocol's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Message => "message",
            Self::Upgrade => "upgrade",
            Self::Noop => "noop",
        }
    }
}

/// One Engine.IO packet that borrows its content from the bytes it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The handshake, as JSON text: see [`Open`](super::Open).
    Open(&'a str),
    /// The session is to end.
    Close,
    /// Heartbeat with its text, usually empty; `probe` on a new transport.
    Ping(&'a str),
    /// Answer to a ping with that ping's text.
    Pong(&'a str),
    /// A text message of the layer above.
    Text(&'a str),
    /// A binary message of the layer above; owned only where it had to be decoded from base64.
    Binary(Cow<'a, [u8]>),
    /// The client moves to the probed transport.
    Upgrade,
    /// Nothing.
    Noop,
}

impl<'a> Packet<'a> {
    /// Reads a packet from the text of a WebSocket message or of one part of a polling payload.
    ///
    /// Nothing is copied, except for a `b` packet (binary as base64), which clients without binary
    /// support send on both transports.
    ///
    /// # Errors
    /// [`Violation::EmptyPacket`], [`Violation::UnknownPacketType`], [`Violation::InvalidBase64`].
    ///
    /// ```
    /// use rialto_protocol::engine::{Packet, Violation};
    ///
    /// assert_eq!(Packet::decode("4hello"), Ok(Packet::Text("hello")));
    /// assert_eq!(Packet::decode("bAQID"), Ok(Packet::Binary(vec![1, 2, 3].into())));
    /// assert_eq!(Packet::decode("x"), Err(Violation::UnknownPacketType));
    /// ```
    #[inline]
    pub fn decode(text: &'a str) -> Result<Self, Violation> {
        let first = *text.as_bytes().first().ok_or(Violation::EmptyPacket)?;
        if first == b'b' {
            return decode_base64(&text.as_bytes()[1..]).map(|data| Self::Binary(data.into()));
        }
        let kind = PacketType::from_digit(first).ok_or(Violation::UnknownPacketType)?;
        // A digit is one byte, so the rest starts on a character boundary.
        let rest = &text[1..];
        Ok(match kind {
            PacketType::Open => Self::Open(rest),
            PacketType::Close => Self::Close,
            PacketType::Ping => Self::Ping(rest),
            PacketType::Pong => Self::Pong(rest),
            PacketType::Message => Self::Text(rest),
            PacketType::Upgrade => Self::Upgrade,
            PacketType::Noop => Self::Noop,
        })
    }

    /// Reads a binary WebSocket message, which in protocol 4 is a message's bytes as they are.
    #[inline]
    pub const fn from_binary(data: &'a [u8]) -> Self {
        Self::Binary(Cow::Borrowed(data))
    }

    /// The packet's type.
    pub const fn kind(&self) -> PacketType {
        match self {
            Self::Open(_) => PacketType::Open,
            Self::Close => PacketType::Close,
            Self::Ping(_) => PacketType::Ping,
            Self::Pong(_) => PacketType::Pong,
            Self::Text(_) | Self::Binary(_) => PacketType::Message,
            Self::Upgrade => PacketType::Upgrade,
            Self::Noop => PacketType::Noop,
        }
    }

    /// Whether the packet is a binary message: the kind of WebSocket message it travels in.
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// Appends the packet as the content of one WebSocket message: text, or binary if
    /// [`is_binary`](Self::is_binary).
    pub fn encode_message(&self, out: &mut Vec<u8>) {
        match self {
            Self::Binary(data) => out.extend_from_slice(data),
            text => text.encode_text(out),
        }
    }

    /// Appends the packet as one part of a polling payload: always text, binary as `b` + base64.
    pub fn encode_payload(&self, out: &mut Vec<u8>) {
        match self {
            Self::Binary(data) => {
                out.push(b'b');
                base64_simd::STANDARD.encode_append(data, out);
            }
            text => text.encode_text(out),
        }
    }

    /// How many bytes [`encode_payload`](Self::encode_payload) appends.
    pub fn payload_len(&self) -> usize {
        match self {
            Self::Binary(data) => 1 + base64_simd::STANDARD.encoded_length(data.len()),
            other => 1 + other.text().len(),
        }
    }

    fn encode_text(&self, out: &mut Vec<u8>) {
        let text = self.text();
        out.reserve(1 + text.len());
        out.push(self.kind().digit());
        out.extend_from_slice(text.as_bytes());
    }

    /// The text behind the digit; empty for the packets that have none.
    const fn text(&self) -> &'a str {
        match self {
            Self::Open(text) | Self::Ping(text) | Self::Pong(text) | Self::Text(text) => text,
            Self::Close | Self::Binary(_) | Self::Upgrade | Self::Noop => "",
        }
    }
}

/// Strict base64 first, because it is vectorised; clients that leave out the padding (Node's own
/// decoder is as lenient) get the forgiving one.
pub(super) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, Violation> {
    base64_simd::STANDARD
        .decode_to_vec(text)
        .or_else(|_| base64_simd::forgiving_decode_to_vec(text))
        .map_err(|_| Violation::InvalidBase64)
}
