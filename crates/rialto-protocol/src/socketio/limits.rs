//! What one peer may make us hold.

use std::time::Duration;

/// The bounds of the Socket.IO layer. All are inclusive, and none means "unlimited".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet. Default 10, as in the stock parser: each is a message of its own
    /// to wait for. More is [`Violation::TooManyAttachments`](super::Violation).
    pub max_attachments: usize,
    /// Bytes of a namespace's name. Default 1024: it is kept as long as the socket lives. More is
    /// [`Violation::NamespaceTooLong`](super::Violation).
    pub max_namespace: usize,
    /// Bytes of one packet's text, and of all its attachments together. Default 1 000 000, the
    /// transport's own limit for one message: ten attachments are not ten limits, and one that
    /// the transport just lets through is not too large for its placeholder. More is
    /// [`Violation::MessageTooLarge`](super::Violation).
    pub max_bytes: usize,
    /// How long a packet may wait for its attachments while nothing of them comes: see
    /// [`Assembler::heard`](super::Assembler::heard). Default 15 s; after that
    /// [`Violation::AttachmentsLate`](super::Violation).
    pub attachments_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attachments: 10,
            max_namespace: 1024,
            max_bytes: 1_000_000,
            attachments_timeout: Duration::from_secs(15),
        }
    }
}
