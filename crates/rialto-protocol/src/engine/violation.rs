//! What a peer can do wrong on the Engine.IO layer.

use std::fmt;

use crate::CloseReason;

/// A breach of the Engine.IO protocol by the peer.
///
/// The set is closed; every member has a sentence for people and a [`CloseReason`] for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A packet without even a type, as between two separators of a payload.
    EmptyPacket,
    /// The first character of a packet is none of the protocol's types.
    UnknownPacketType,
    /// A `b` packet whose rest is not base64.
    InvalidBase64,
    /// A polling body that is not UTF-8.
    InvalidUtf8,
    /// More packets in one polling body than the decoder takes.
    TooManyPackets,
    /// A packet of revision 3 whose length is no number, or not that of what follows.
    InvalidLength,
    /// A JSONP body that is not a form with the field `d`.
    InvalidForm,
    /// A ping from a client of protocol 4, where the server pings.
    HeartbeatDirection,
    /// A pong from a client of protocol 3, where the client pings.
    UnexpectedPong,
    /// A packet that makes no sense from a client at this moment, such as `open`.
    UnexpectedPacket(super::PacketType),
    /// A second poll while one was waiting.
    OverlappingPoll,
    /// A second POST while one was being read.
    OverlappingPost,
    /// The first packet of a probing WebSocket was not `2probe`.
    ProbeExpected,
    /// The second packet of a probing WebSocket was not `5`.
    UpgradeExpected,
}

impl Violation {
    /// What went wrong, in a sentence for a person, without the peer's data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyPacket => "empty Engine.IO packet",
            Self::UnknownPacketType => "unknown Engine.IO packet type",
            Self::InvalidBase64 => "binary Engine.IO packet is not valid base64",
            Self::InvalidUtf8 => "polling payload is not valid UTF-8",
            Self::TooManyPackets => "too many packets in one polling payload",
            Self::InvalidLength => "wrong length of a packet in a polling payload",
            Self::InvalidForm => "a JSONP body is a form with the field d",
            Self::UnexpectedPong => "pong from a client: in protocol 3 the client pings",
            Self::HeartbeatDirection => "ping from a client: in protocol 4 the server pings",
            Self::UnexpectedPacket(_) => "packet that a client must not send now",
            Self::OverlappingPoll => "second poll while one is already waiting",
            Self::OverlappingPost => "second POST while one is still being received",
            Self::ProbeExpected => "the upgrade must begin with the packet 2probe",
            Self::UpgradeExpected => "the probe must be followed by the packet 5",
        }
    }

    /// The reason with which the session ends: `parse error` if what arrived is no packet at all,
    /// `transport error` if it is one that breaks the rules.
    pub const fn reason(self) -> CloseReason {
        match self {
            Self::EmptyPacket
            | Self::UnknownPacketType
            | Self::InvalidBase64
            | Self::InvalidUtf8
            | Self::InvalidLength
            | Self::InvalidForm
            | Self::TooManyPackets => CloseReason::ParseError,
            _ => CloseReason::TransportError,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedPacket(kind) => {
                write!(f, "a client must not send the packet `{}` now", kind.as_str())
            }
            other => f.write_str(other.as_str()),
        }
    }
}

impl std::error::Error for Violation {}
