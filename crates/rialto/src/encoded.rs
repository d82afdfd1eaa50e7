//! A Socket.IO packet encoded once, in the form in which each transport takes it.

use crate::error::Result;
use crate::parser::{ParserRef, translate};
use bytes::Bytes;
use rialto_protocol::engine::revision3::{encode_base64, encode_binary};
use rialto_ws::{Kind, Message, MessageRef, Prepared};
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// A packet that is sent to many: framed once, shared by all receivers.
///
/// Adapters pass it on; [`Encoded::text`] and [`Encoded::attachments`] are what travels to
/// another node.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The text message, then one message for each attachment; or what a parser has made.
    messages: Arc<[Prepared]>,
    /// The same for clients of Engine.IO 3, made when the first of them needs it; `None` where the
    /// two do not differ.
    revision3: Option<Arc<OnceLock<Box<[Prepared]>>>>,
    /// The packet's text and attachments, where the messages do not show them.
    standard: Option<Arc<Standard>>,
    flags: Flags,
    /// Bytes of the text that [`Encoded::with_argument`] has put at the end of the arguments.
    appended: u16,
}

/// A packet in the form of the standard parser, beside what has written its messages.
#[derive(Debug)]
struct Standard {
    parser: ParserRef,
    text: Box<str>,
    attachments: Vec<Bytes>,
}

/// How a packet may be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    /// Whether it may be dropped for a peer that is not ready for it.
    pub(crate) volatile: bool,
    pub(crate) compress: bool,
}

impl Default for Flags {
    fn default() -> Self {
        Self { volatile: false, compress: true }
    }
}

impl Encoded {
    /// From the text of a Socket.IO packet and its attachments.
    ///
    /// # Errors
    /// If the parser does not take it.
    pub(crate) fn new(
        parser: Option<&ParserRef>,
        packet: &str,
        attachments: &[Bytes],
        flags: Flags,
    ) -> Result<Self> {
        let prepared = |message: Prepared| message.compress(flags.compress);
        let Some(parser) = parser else {
            // `4` is the Engine.IO type of a message.
            let text = Prepared::text_with_prefix("4", packet);
            let binary = attachments.iter().map(|bytes| Prepared::new(bytes.clone()));
            let messages: Arc<[_]> = std::iter::once(text).chain(binary).map(prepared).collect();
            return Ok(Self::from_messages(messages, None, flags));
        };
        let messages = translate(parser, packet, attachments)?;
        let messages: Arc<[_]> =
            messages.into_iter().map(|message| prepared(message.into())).collect();
        let (parser, text) = (parser.clone(), packet.into());
        let standard = Standard { parser, text, attachments: attachments.to_vec() };
        Ok(Self::from_messages(messages, Some(Arc::new(standard)), flags))
    }

    fn from_messages(
        messages: Arc<[Prepared]>,
        standard: Option<Arc<Standard>>,
        flags: Flags,
    ) -> Self {
        let differs = messages.iter().any(|message| message.kind() == Kind::Binary);
        let revision3 = differs.then(Arc::default);
        Self { messages, revision3, standard, flags, appended: 0 }
    }

    /// The Socket.IO packet's text, without the type of the Engine.IO layer.
    #[must_use]
    pub fn text(&self) -> &str {
        if let Some(standard) = &self.standard {
            return &standard.text;
        }
        let payload = self.messages.first().map_or(&b"4"[..], Prepared::payload);
        std::str::from_utf8(&payload[1..]).unwrap_or_default()
    }

    /// The packet's attachments.
    pub fn attachments(&self) -> impl Iterator<Item = &[u8]> {
        let standard = self.standard.iter().flat_map(|standard| &standard.attachments);
        let sent = if self.standard.is_some() { &[] } else { &*self.messages };
        standard.map(|bytes| &**bytes).chain(sent.iter().skip(1).map(Prepared::payload))
    }

    /// Whether it may be dropped for a peer that is not ready for it.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        self.flags.volatile
    }

    /// Bytes of its messages, and of what is kept beside them.
    pub(crate) fn len(&self) -> usize {
        let beside = self.standard.as_ref().map_or(0, |standard| {
            standard.text.len() + standard.attachments.iter().map(Bytes::len).sum::<usize>()
        });
        beside + self.messages.iter().map(|message| message.payload().len()).sum::<usize>()
    }

    /// True if the last argument, or the name of an event without any, is a string.
    pub(crate) fn ends_with_string(&self) -> bool {
        self.text().ends_with("\"]")
    }

    /// The same event with a string as one more argument, which must need no escaping.
    pub(crate) fn with_argument(&self, argument: &str) -> Self {
        let text = self.text();
        let more = format!(",\"{argument}\"");
        let text = format!("{}{more}]", text.strip_suffix(']').unwrap_or(text));
        let mut packet = match &self.standard {
            None => {
                let text = Prepared::text_with_prefix("4", &text).compress(self.flags.compress);
                let rest = self.messages.iter().skip(1).cloned();
                Self::from_messages(std::iter::once(text).chain(rest).collect(), None, self.flags)
            }
            Some(standard) => {
                let (parser, attachments) = (Some(&standard.parser), &standard.attachments);
                match Self::new(parser, &text, attachments, self.flags) {
                    Ok(packet) => packet,
                    Err(error) => {
                        tracing::error!(%error, "a parser takes an event, but not its offset");
                        return self.clone();
                    }
                }
            }
        };
        packet.appended = u16::try_from(more.len()).unwrap_or_default();
        packet
    }

    /// [`Encoded::text`] without what [`Encoded::with_argument`] has added.
    pub(crate) fn text_as_emitted(&self) -> Cow<'_, str> {
        let text = self.text();
        match text.len().checked_sub(1 + usize::from(self.appended)) {
            Some(end) if self.appended > 0 => format!("{}]", &text[..end]).into(),
            _ => text.into(),
        }
    }

    /// Whether a connection that has agreed on compression compresses it.
    pub(crate) fn compresses(&self) -> bool {
        self.flags.compress
    }

    pub(crate) fn messages(&self) -> &[Prepared] {
        &self.messages
    }

    /// The same as they are before any WebSocket's framing.
    pub(crate) fn message_refs(&self) -> impl Iterator<Item = MessageRef<'_>> {
        self.messages.iter().map(|message| match message.kind() {
            Kind::Text => {
                MessageRef::Text(std::str::from_utf8(message.payload()).unwrap_or_default())
            }
            Kind::Binary => MessageRef::Binary(message.payload()),
        })
    }

    /// [`Encoded::messages`] for clients of Engine.IO 3 that take binary.
    pub(crate) fn messages_of_revision3(&self) -> &[Prepared] {
        let Some(cache) = &self.revision3 else { return &self.messages };
        cache.get_or_init(|| {
            let revised = |message: &Prepared| match message.kind() {
                Kind::Text => message.clone(),
                Kind::Binary => Prepared::new(binary_message(message.payload(), false)),
            };
            self.messages.iter().map(revised).collect()
        })
    }
}

/// A binary message as a message of a WebSocket in revision 3 of Engine.IO.
pub(crate) fn binary_message(data: &[u8], base64: bool) -> Message {
    let mut out = Vec::new();
    if base64 {
        encode_base64(&mut out, data);
        return Message::from(String::from_utf8(out).unwrap_or_default());
    }
    encode_binary(&mut out, data);
    Message::from(out)
}

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Scratch buffers above this size are not kept.
const KEEP: usize = 64 * 1024;

/// Lends a buffer of the thread that begins with the Engine.IO type of a message.
pub(crate) fn with_scratch<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = SCRATCH.take();
    buffer.clear();
    buffer.push(b'4');
    let result = work(&mut buffer);
    if buffer.capacity() <= KEEP {
        SCRATCH.set(buffer);
    }
    result
}

/// The messages of one packet, in the order in which they leave.
#[derive(Clone, Copy)]
pub(crate) enum Messages<'a> {
    /// A text, Engine.IO's type included, and its attachments. Who has written it has written
    /// UTF-8, which is not checked where it need not be.
    Standard(&'a [u8], &'a [Bytes]),
    /// What a parser has made, or an application of bare Engine.IO.
    Other(&'a [Message]),
}

impl<'a> Messages<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = MessageRef<'a>> {
        let (text, attachments, other) = match self {
            Self::Standard(text, attachments) => (Some(text), attachments, &[][..]),
            Self::Other(messages) => (None, &[][..], messages),
        };
        let binary = attachments.iter().map(|bytes| MessageRef::Binary(bytes));
        let text = text.map(|text| simdutf8::basic::from_utf8(text).unwrap_or_default());
        let text = text.into_iter().map(MessageRef::Text);
        text.chain(binary).chain(other.iter().map(Message::as_ref))
    }

    pub(crate) fn has_binary(self) -> bool {
        match self {
            Self::Standard(_, attachments) => !attachments.is_empty(),
            Self::Other(messages) => messages.iter().any(|m| matches!(m, Message::Binary(_))),
        }
    }
}

/// The messages of one packet: its text (type included), then its attachments; or what the parser
/// makes of them.
///
/// # Errors
/// If the parser does not take the packet.
pub(crate) fn with_messages<R>(
    parser: Option<&ParserRef>,
    text: &[u8],
    attachments: &[Bytes],
    work: impl FnOnce(Messages<'_>) -> R,
) -> Result<R> {
    let Some(parser) = parser else { return Ok(work(Messages::Standard(text, attachments))) };
    let packet = std::str::from_utf8(text.get(1..).unwrap_or_default()).unwrap_or_default();
    let messages = translate(parser, packet, attachments)?;
    Ok(work(Messages::Other(&messages)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"51-["e",{"_placeholder":true,"num":0}]"#;
    const LONGER: &str = r#"51-["e",{"_placeholder":true,"num":0},"offset"]"#;

    fn attachments(packet: &Encoded) -> Vec<&[u8]> {
        packet.attachments().collect()
    }

    fn appended(parser: Option<&ParserRef>) -> (Encoded, Encoded) {
        let flags = Flags { volatile: true, compress: false };
        let bytes = [Bytes::from_static(&[1, 2])];
        let plain = Encoded::new(parser, EVENT, &bytes, flags).unwrap();
        // What was made for old clients is not taken over.
        assert!(!plain.messages_of_revision3().is_empty());
        let longer = plain.with_argument("offset");
        assert_eq!(longer.text(), LONGER);
        assert_eq!(longer.text_as_emitted(), EVENT);
        assert_eq!(plain.text_as_emitted(), EVENT);
        assert_eq!(attachments(&longer), [&[1, 2][..]]);
        assert!(longer.is_volatile() && !longer.flags.compress);
        (longer, Encoded::new(parser, LONGER, &bytes, flags).unwrap())
    }

    fn payloads(messages: &[Prepared]) -> Vec<&[u8]> {
        messages.iter().map(Prepared::payload).collect()
    }

    fn assert_same(made: &Encoded, direct: &Encoded) {
        assert_eq!(payloads(made.messages()), payloads(direct.messages()));
        let [old, same] = [made, direct].map(|packet| payloads(packet.messages_of_revision3()));
        assert_eq!(old, same);
    }

    #[test]
    fn an_argument_is_added_in_every_form() {
        let (made, direct) = appended(None);
        assert_same(&made, &direct);
    }

    #[cfg(feature = "msgpack")]
    #[test]
    fn an_argument_is_added_before_a_parser_writes() {
        let (made, direct) = appended(Some(&ParserRef::new(crate::parser::Msgpack)));
        assert_same(&made, &direct);
    }
}
