//! What a peer can do wrong, and the close code that answers it.

use super::close::CloseCode;

/// A breach of RFC 6455, of RFC 7692 or of our limits by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// An opcode that RFC 6455 §5.2 reserves.
    ReservedOpCode(u8),
    /// A reserved bit without an extension that gives it a meaning (§5.2).
    ReservedBits,
    /// A control frame without FIN (§5.5).
    FragmentedControl,
    /// A control frame of more than 125 bytes (§5.5).
    LongControl,
    /// A 64-bit length with its top bit set (§5.2).
    LengthOverflow,
    /// A frame from a client that is not masked (§5.1).
    Unmasked,
    /// A frame from a server that is masked (§5.1).
    Masked,
    /// A continuation with no message in progress (§5.4).
    LoneContinuation,
    /// A new message inside a fragmented one (§5.4).
    InterleavedMessage,
    /// Text, or a close reason, that is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A close frame with a single byte of payload (§5.5.1).
    ShortClose,
    /// A close code that may not be sent (§7.4).
    InvalidCloseCode(u16),
    /// A compressed message that is no deflate stream, or a part of one (RFC 7692 §7.2.2).
    InvalidDeflate,
    /// A frame larger than [`Limits::max_frame`](super::Limits::max_frame).
    FrameTooLarge,
    /// A message larger than [`Limits::max_message`](super::Limits::max_message).
    MessageTooLarge,
    /// More small fragments than
    /// [`Limits::max_small_fragments`](super::Limits::max_small_fragments).
    TooManyFragments,
}

impl Violation {
    /// The code of the Close frame that answers it (§7.4.1).
    #[must_use]
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::InvalidUtf8 | Self::InvalidDeflate => CloseCode::INVALID_PAYLOAD,
            Self::FrameTooLarge | Self::MessageTooLarge => CloseCode::TOO_LARGE,
            Self::TooManyFragments => CloseCode::POLICY,
            _ => CloseCode::PROTOCOL,
        }
    }

    /// A sentence for the close reason and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReservedOpCode(_) => "reserved opcode",
            Self::ReservedBits => "reserved bits set without an extension",
            Self::FragmentedControl => "fragmented control frame",
            Self::LongControl => "control frame over 125 bytes",
            Self::LengthOverflow => "frame length over 63 bits",
            Self::Unmasked => "frame from a client is not masked",
            Self::Masked => "frame from a server is masked",
            Self::LoneContinuation => "continuation without a message",
            Self::InterleavedMessage => "new message inside a fragmented one",
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::ShortClose => "close frame with one byte",
            Self::InvalidCloseCode(_) => "close code that may not be sent",
            Self::InvalidDeflate => "compressed message is damaged",
            Self::FrameTooLarge => "frame over the size limit",
            Self::MessageTooLarge => "message over the size limit",
            Self::TooManyFragments => "too many small fragments",
        }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Violation {}
