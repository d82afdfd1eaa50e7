//! Packets whose binary parts follow in messages of their own.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{Limits, Packet, PacketType, Violation, placeholder};

/// Puts packets and their attachments together, for one connection.
///
/// Call [`receive_text`](Self::receive_text) and [`receive_binary`](Self::receive_binary) for the
/// messages in the order of their arrival; [`handle_timeout`](Self::handle_timeout) when
/// [`poll_timeout`](Self::poll_timeout) has passed; and [`heard`](Self::heard) when a part of a
/// message has come, so that a long one may take its time.
///
/// At most one packet waits at a time, and it holds no more than twice [`Limits::max_bytes`]. After
/// a violation the connection has to be closed.
///
/// ```
/// use std::time::Instant;
/// use bytes::Bytes;
/// use rialto_protocol::socketio::{Assembler, Limits, decode};
///
/// let (mut assembler, now) = (Assembler::new(Limits::default()), Instant::now());
/// let text = r#"51-["file","a.txt",{"_placeholder":true,"num":0}]"#;
/// assert_eq!(assembler.receive_text(text, now), Ok(None));
/// let packet = assembler.receive_binary(Bytes::from_static(b"abc")).unwrap().unwrap();
///
/// type File = (String, Bytes);
/// let (name, content): File = decode(packet.data(), true, &packet.attachments).unwrap();
/// assert_eq!((name.as_str(), content.as_ref()), ("a.txt", &b"abc"[..]));
/// ```
#[derive(Debug)]
pub struct Assembler {
    /// One for all connections of a server.
    limits: Arc<Limits>,
    waiting: Option<Box<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    packet: Assembled,
    /// Attachments' bytes that have come so far.
    bytes: usize,
    deadline: Option<Instant>,
}

/// A packet with all its attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// [`PacketType::BinaryEvent`] or [`PacketType::BinaryAck`].
    pub kind: PacketType,
    /// The id that an ack is to carry, or carries.
    pub id: Option<u64>,
    /// The attachments in the order of their numbers.
    pub attachments: Vec<Bytes>,
    /// The namespace, and behind it the payload.
    text: String,
    /// Where the payload begins.
    split: usize,
    /// See [`Packet::name_end`].
    pub name_end: usize,
    /// How many attachments were announced.
    expected: usize,
}

impl Assembled {
    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.text[..self.split]
    }

    /// The payload's JSON text, placeholders and all.
    pub fn data(&self) -> &str {
        &self.text[self.split..]
    }

    /// The same as a packet that is borrowed.
    pub fn packet(&self) -> Packet<'_> {
        Packet {
            kind: self.kind,
            attachments: self.expected,
            namespace: self.namespace(),
            query: "",
            id: self.id,
            data: self.data(),
            name_end: self.name_end,
        }
    }

    fn with(mut self, last: Bytes) -> Self {
        self.attachments.push(last);
        self
    }
}

impl Assembler {
    /// An assembler that waits for nothing. A server gives all the same `Arc`.
    pub fn new(limits: impl Into<Arc<Limits>>) -> Self {
        Self { limits: limits.into(), waiting: None }
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether a packet waits for attachments.
    pub const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Takes a text message. The packet comes back at once, still borrowed, unless attachments
    /// are to follow.
    ///
    /// # Errors
    /// What [`Packet::decode`] finds, [`Violation::UnexpectedText`],
    /// [`Violation::InvalidPlaceholder`], [`Violation::MessageTooLarge`].
    #[inline]
    pub fn receive_text<'a>(
        &mut self,
        text: &'a str,
        now: Instant,
    ) -> Result<Option<Packet<'a>>, Violation> {
        if self.waiting.is_some() {
            return Err(Violation::UnexpectedText);
        }
        if text.len() > self.limits.max_bytes {
            return Err(Violation::MessageTooLarge);
        }
        let packet = Packet::decode(text, &self.limits)?;
        if !packet.kind.is_binary() {
            return Ok(Some(packet));
        }
        placeholder::check(packet.data, packet.attachments)?;
        self.hold(&packet, now);
        Ok(None)
    }

    /// Takes a binary message. The packet comes back with its last attachment.
    ///
    /// # Errors
    /// [`Violation::UnexpectedBinary`], [`Violation::MessageTooLarge`].
    pub fn receive_binary(&mut self, data: Bytes) -> Result<Option<Assembled>, Violation> {
        if self.completes(data.len())? {
            return Ok(self.waiting.take().map(|waiting| waiting.packet.with(data)));
        }
        self.keep(data);
        Ok(None)
    }

    /// As [`receive_binary`](Self::receive_binary), of a message that is only lent: what has to
    /// wait is copied, and what completes the packet is left to the caller, who has it. So it is
    /// not among [`Assembled::attachments`] but behind them: see
    /// [`Attachments::and_lent`](super::Attachments::and_lent).
    ///
    /// # Errors
    /// As [`receive_binary`](Self::receive_binary).
    pub fn receive_lent(&mut self, data: &[u8]) -> Result<Option<Assembled>, Violation> {
        if self.completes(data.len())? {
            return Ok(self.waiting.take().map(|waiting| waiting.packet));
        }
        self.keep(Bytes::copy_from_slice(data));
        Ok(None)
    }

    /// Counts an attachment of that many bytes; true if it is the last that was missing.
    fn completes(&mut self, bytes: usize) -> Result<bool, Violation> {
        let waiting = self.waiting.as_mut().ok_or(Violation::UnexpectedBinary)?;
        waiting.bytes = waiting.bytes.saturating_add(bytes);
        if waiting.bytes > self.limits.max_bytes {
            self.waiting = None;
            return Err(Violation::MessageTooLarge);
        }
        Ok(waiting.packet.attachments.len() + 1 >= waiting.packet.expected)
    }

    fn keep(&mut self, data: Bytes) {
        if let Some(waiting) = &mut self.waiting {
            waiting.packet.attachments.push(data);
        }
    }

    /// Something has come of the next message, if only a part: a packet that waits is late
    /// [`Limits::attachments_timeout`] from now. Without this it is so from its text on.
    pub fn heard(&mut self, now: Instant) {
        if let Some(waiting) = &mut self.waiting {
            waiting.deadline = now.checked_add(self.limits.attachments_timeout);
        }
    }

    /// When the packet that waits counts as late; `None` if none waits.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.as_ref().and_then(|waiting| waiting.deadline)
    }

    /// Says whether the packet that waits is late.
    ///
    /// # Errors
    /// [`Violation::AttachmentsLate`].
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Violation> {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.waiting = None;
            return Err(Violation::AttachmentsLate);
        }
        Ok(())
    }

    fn hold(&mut self, packet: &Packet<'_>, now: Instant) {
        let packet = Assembled {
            kind: packet.kind,
            id: packet.id,
            // Grows as attachments come, whatever was announced.
            attachments: Vec::new(),
            text: [packet.namespace, packet.data].concat(),
            split: packet.namespace.len(),
            name_end: packet.name_end,
            expected: packet.attachments,
        };
        let deadline = now.checked_add(self.limits.attachments_timeout);
        self.waiting = Some(Box::new(Waiting { packet, bytes: 0, deadline }));
    }
}
