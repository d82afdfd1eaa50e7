//! What a peer did wrong ([`Violation`]) and what the user's values did not fit ([`Error`]).

use std::fmt;

/// A breach of the Socket.IO protocol by the peer: the connection has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A message without content.
    EmptyPacket,
    /// The first character is none of the seven types.
    UnknownPacketType,
    /// The number of attachments is not a decimal number, at least 1, followed by `-`.
    InvalidAttachmentCount,
    /// More attachments than [`Limits::max_attachments`](super::Limits).
    TooManyAttachments,
    /// The namespace is longer than [`Limits::max_namespace`](super::Limits).
    NamespaceTooLong,
    /// The ack id does not fit 64 bits, or stands where none may be.
    InvalidAckId,
    /// An ack without the id of the event it answers.
    MissingAckId,
    /// The payload is not JSON.
    InvalidJson,
    /// The payload is nested more than [`MAX_DEPTH`](super::MAX_DEPTH) levels deep.
    TooDeep,
    /// The payload is JSON, but not of the shape that the packet's type asks for.
    InvalidPayload,
    /// An event with a name that the protocol keeps for itself.
    ReservedEvent,
    /// A placeholder without a valid attachment number, or with one that is taken.
    InvalidPlaceholder,
    /// A text message while attachments are due.
    UnexpectedText,
    /// A binary message that no packet waits for.
    UnexpectedBinary,
    /// The text, or the attachments together, exceed [`Limits::max_bytes`](super::Limits).
    MessageTooLarge,
    /// The attachments did not come within
    /// [`Limits::attachments_timeout`](super::Limits).
    AttachmentsLate,
}

impl Violation {
    /// What went wrong, in a sentence for a person, without the peer's data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmptyPacket => "empty Socket.IO packet",
            Self::UnknownPacketType => "unknown Socket.IO packet type",
            Self::InvalidAttachmentCount => "the number of attachments is not a number and a dash",
            Self::TooManyAttachments => "more attachments than the limit allows",
            Self::NamespaceTooLong => "the namespace's name is longer than the limit allows",
            Self::InvalidAckId => "the ack id is out of range or out of place",
            Self::MissingAckId => "an ack without an id",
            Self::InvalidJson => "the payload is not valid JSON",
            Self::TooDeep => "the payload is nested too deeply",
            Self::InvalidPayload => "the payload does not have the shape its packet type asks for",
            Self::ReservedEvent => "the event has a name that is reserved by the protocol",
            Self::InvalidPlaceholder => "a binary placeholder names no attachment of its packet",
            Self::UnexpectedText => "a text message came while attachments were due",
            Self::UnexpectedBinary => {
                "a binary message that no packet announced; does the client use another parser?"
            }
            Self::MessageTooLarge => "the packet and its attachments are larger than the limit",
            Self::AttachmentsLate => "the packet's attachments did not arrive in time",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Violation {}

/// A user's value could not be sent, or what arrived does not fit the user's type.
///
/// The wording of messages is not promised; ask with the `is_*` methods.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    argument: Option<usize>,
    source: Option<serde_json::Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Encode,
    Reserved,
    Namespace,
    Attachment,
    Decode,
    Missing,
    UnknownEvent,
}

impl Error {
    pub(super) fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { kind, argument: None, source: None }))
    }

    pub(super) fn encode(source: serde_json::Error) -> Self {
        Self(Box::new(Inner { kind: Kind::Encode, argument: None, source: Some(source) }))
    }

    pub(super) fn decode(kind: Kind, argument: Option<usize>, source: serde_json::Error) -> Self {
        Self(Box::new(Inner { kind, argument, source: Some(source) }))
    }

    /// Whether a value could not be written: nothing has been appended to the output.
    pub fn is_encode(&self) -> bool {
        matches!(self.0.kind, Kind::Encode | Kind::Reserved | Kind::Namespace | Kind::Attachment)
    }

    /// Whether what arrived does not fit the type asked for.
    pub fn is_decode(&self) -> bool {
        !self.is_encode()
    }

    /// Whether an argument is missing that the type needs.
    pub fn is_missing_argument(&self) -> bool {
        self.0.kind == Kind::Missing
    }

    /// Whether the enum given to [`read`](super::read) has no variant for the event.
    pub fn is_unknown_event(&self) -> bool {
        self.0.kind == Kind::UnknownEvent
    }

    /// Whether the event's name is one that the protocol keeps for itself.
    pub fn is_reserved_name(&self) -> bool {
        self.0.kind == Kind::Reserved
    }

    /// The argument that did not fit, counted from 0; `None` if the trouble lies elsewhere.
    pub fn argument(&self) -> Option<usize> {
        self.0.argument
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.0.argument {
            write!(f, "args[{index}]: ")?;
        }
        f.write_str(match self.0.kind {
            Kind::Encode => "the value cannot be sent",
            Kind::Reserved => "the event's name is reserved by the protocol",
            Kind::Namespace => "a namespace begins with `/` and holds no comma",
            Kind::Attachment => "binary data cannot travel in this kind of packet",
            Kind::Decode => "the value does not fit the type",
            Kind::Missing => "the argument is missing",
            Kind::UnknownEvent => "the enum has no variant for the event",
        })?;
        match &self.0.source {
            Some(source) if self.0.kind != Kind::Missing => {
                // Where it stands in the JSON text helps nobody: the argument is named above.
                let text = source.to_string();
                write!(f, ": {}", text.split(" at line ").next().unwrap_or_default())
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("argument", &self.0.argument)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}
