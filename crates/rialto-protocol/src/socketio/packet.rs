//! The header of a Socket.IO packet, read without copying anything.

use std::borrow::Cow;

use super::json::{self, Scanner};
use super::{Limits, Violation, event_name, is_reserved};

/// Bytes of a namespace's query, which clients of the previous revision send in place of `auth`: as
/// much as a request's query may have. More is [`Violation::NamespaceTooLong`].
const MAX_QUERY: usize = 8 * 1024;

/// The seven packet types of Socket.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketType {
    /// `0`: joins a namespace, or says that it was joined.
    Connect,
    /// `1`: leaves a namespace.
    Disconnect,
    /// `2`: an event.
    Event,
    /// `3`: the answer to an event.
    Ack,
    /// `4`: a namespace was not joined.
    ConnectError,
    /// `5`: an event with attachments.
    BinaryEvent,
    /// `6`: an answer with attachments.
    BinaryAck,
}

impl PacketType {
    /// The type's character on the wire.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Connect => b'0',
            Self::Disconnect => b'1',
            Self::Event => b'2',
            Self::Ack => b'3',
            Self::ConnectError => b'4',
            Self::BinaryEvent => b'5',
            Self::BinaryAck => b'6',
        }
    }

    /// The type of that character, or `None`.
    pub const fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }

    /// Whether it is an event, with or without attachments.
    pub const fn is_event(self) -> bool {
        matches!(self, Self::Event | Self::BinaryEvent)
    }

    /// Whether it is an ack, with or without attachments.
    pub const fn is_ack(self) -> bool {
        matches!(self, Self::Ack | Self::BinaryAck)
    }

    /// Whether the packet announces attachments.
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }
}

/// One Socket.IO packet, borrowed from the text it came in; its payload is still JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The type.
    pub kind: PacketType,
    /// How many binary messages belong to it: at least 1 for the binary types, 0 for the others.
    pub attachments: usize,
    /// The namespace; `/` if the packet names none.
    pub namespace: &'a str,
    /// What stood behind a `?` in the namespace, which clients of the previous revision send;
    /// usually empty.
    pub query: &'a str,
    /// The id that an ack is to carry, or carries.
    pub id: Option<u64>,
    /// The payload's JSON text; empty if there is none. For events the array with the event's name
    /// first, for acks the array of the arguments.
    pub data: &'a str,
    /// Where in `data` the event's name ends, its closing quote included, if it is an event whose
    /// payload begins with `["` and whose name has no escapes, as nearly all are; otherwise 0. It
    /// spares others to look for it: see [`decode_event`](super::decode_event).
    pub name_end: usize,
}

impl<'a> Packet<'a> {
    /// Reads a packet from a text message and checks that its payload is JSON of the right shape.
    ///
    /// # Errors
    /// A [`Violation`] that names what is wrong; the connection has to be closed.
    ///
    /// ```
    /// use rialto_protocol::socketio::{Limits, Packet, PacketType};
    ///
    /// let packet = Packet::decode(r#"2/chat,7["say","hi"]"#, &Limits::default()).unwrap();
    /// assert_eq!(packet.kind, PacketType::Event);
    /// assert_eq!(packet.namespace, "/chat");
    /// assert_eq!(packet.id, Some(7));
    /// assert_eq!(packet.data, r#"["say","hi"]"#);
    /// ```
    ///
    /// Always inlined: made where it is used, a packet need not be moved, and to read it back right
    /// after it was written in pieces costs more than to check it.
    #[inline(always)]
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, Violation> {
        let digit = *text.as_bytes().first().ok_or(Violation::EmptyPacket)?;
        let kind = PacketType::from_digit(digit).ok_or(Violation::UnknownPacketType)?;
        let mut scan = Scanner::new(text, 1);
        let attachments = if kind.is_binary() { attachments(&mut scan, text, limits)? } else { 0 };
        let (namespace, query) = namespace(&mut scan, text, limits)?;
        let id = id(&mut scan)?;
        let data = &text[scan.pos..];
        let name_end = check(kind, id.is_some(), data)?;
        Ok(Self { kind, attachments, namespace, query, id, data, name_end })
    }

    /// The event's name, as [`event_name`] has it.
    #[inline]
    pub fn event_name(&self) -> Option<Cow<'a, str>> {
        name_up_to(self.name_end, self.data)
    }
}

/// The shape that each type asks of its payload, as the stock parser has it; where an event's name
/// ends. Stricter in three things: an event or ack needs its array, an id belongs to events and
/// acks alone and every ack has one, and the payload begins where the header ends.
fn check(kind: PacketType, has_id: bool, data: &str) -> Result<usize, Violation> {
    let has_ack = kind.is_event() || kind.is_ack();
    if has_id && !has_ack {
        return Err(Violation::InvalidAckId);
    }
    if kind.is_ack() && !has_id {
        return Err(Violation::MissingAckId);
    }
    if data.is_empty() {
        return if has_ack { Err(Violation::InvalidPayload) } else { Ok(0) };
    }
    if kind == PacketType::Disconnect {
        return Err(Violation::InvalidPayload);
    }
    let name_end = json::check(data)?;
    // No white space comes first: the stock parser takes it for an id.
    let first = data.as_bytes().first();
    let fits = match kind {
        PacketType::Connect => first == Some(&b'{'),
        PacketType::ConnectError => matches!(first, Some(b'{' | b'"')),
        _ => first == Some(&b'['),
    };
    match fits {
        true if kind.is_event() => check_event(name_end, data).map(|()| name_end),
        true => Ok(0),
        false => Err(Violation::InvalidPayload),
    }
}

fn check_event(name_end: usize, data: &str) -> Result<(), Violation> {
    match name_up_to(name_end, data) {
        None => Err(Violation::InvalidPayload),
        Some(name) if is_reserved(&name) => Err(Violation::ReservedEvent),
        Some(_) => Ok(()),
    }
}

/// The event's name; see [`Packet::name_end`].
#[inline]
fn name_up_to(name_end: usize, data: &str) -> Option<Cow<'_, str>> {
    match name_end.checked_sub(1).and_then(|quote| data.get(2..quote)) {
        Some(name) => Some(Cow::Borrowed(name)),
        None => event_name(data).map(|(name, _)| name),
    }
}

/// Reads `<digits>-`.
fn attachments(scan: &mut Scanner<'_>, text: &str, limits: &Limits) -> Result<usize, Violation> {
    let start = scan.pos;
    if scan.digits() == 0 {
        return Err(Violation::InvalidAttachmentCount);
    }
    let digits = &text[start..scan.pos];
    if !scan.eat(b'-') {
        return Err(Violation::InvalidAttachmentCount);
    }
    // A number that does not fit is larger than any limit.
    match digits.parse() {
        Ok(0) => Err(Violation::InvalidAttachmentCount),
        Ok(count) if count <= limits.max_attachments => Ok(count),
        _ => Err(Violation::TooManyAttachments),
    }
}

/// Reads `/name?query,`, of which the end of the text may take the comma's place.
fn namespace<'a>(
    scan: &mut Scanner<'_>,
    text: &'a str,
    limits: &Limits,
) -> Result<(&'a str, &'a str), Violation> {
    if scan.peek() != Some(b'/') {
        return Ok(("/", ""));
    }
    let rest = &text[scan.pos..];
    let (name, consumed) = match rest.find(',') {
        Some(comma) => (&rest[..comma], comma + 1),
        None => (rest, rest.len()),
    };
    scan.pos += consumed;
    let (name, query) = name.split_once('?').unwrap_or((name, ""));
    if name.len() > limits.max_namespace || query.len() > MAX_QUERY {
        return Err(Violation::NamespaceTooLong);
    }
    Ok((name, query))
}

fn id(scan: &mut Scanner<'_>) -> Result<Option<u64>, Violation> {
    let mut id = None;
    while let Some(digit @ b'0'..=b'9') = scan.peek() {
        let shifted = id.unwrap_or(0_u64).checked_mul(10);
        id = shifted.and_then(|shifted| shifted.checked_add(u64::from(digit - b'0')));
        if id.is_none() {
            return Err(Violation::InvalidAckId);
        }
        scan.pos += 1;
    }
    Ok(id)
}
