//! A Socket.IO packet encoded once, in the form in which each transport takes it.

use rialto_protocol::engine::revision3;
use rialto_ws::{Kind, MessageRef, Prepared};
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// A packet that is sent to many: framed once, shared by all receivers.
///
/// Adapters pass it on; [`Encoded::text`] and [`Encoded::attachments`] are what travels to
/// another node.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The text message, then one message for each attachment.
    messages: Arc<[Prepared]>,
    /// The same for clients of Engine.IO 3, made when the first of them needs it; `None` where the
    /// two do not differ.
    revision3: Option<Arc<OnceLock<Box<[Prepared]>>>>,
    /// Whether it may be dropped for a peer that is not ready for it.
    volatile: bool,
}

impl Encoded {
    /// From the text of a Socket.IO packet and its attachments.
    pub(crate) fn new(packet: &str, attachments: &[bytes::Bytes], volatile: bool) -> Self {
        // `4` is the Engine.IO type of a message.
        let text = Prepared::text_with_prefix("4", packet);
        let binary = attachments.iter().map(|bytes| Prepared::new(bytes.clone()));
        let messages = std::iter::once(text).chain(binary).collect();
        let revision3 = (!attachments.is_empty()).then(Arc::default);
        Self { messages, revision3, volatile }
    }

    /// The Socket.IO packet's text, without the type of the Engine.IO layer.
    #[must_use]
    pub fn text(&self) -> &str {
        let payload = self.messages.first().map_or(&b"4"[..], Prepared::payload);
        std::str::from_utf8(&payload[1..]).unwrap_or_default()
    }

    /// The packet's attachments.
    pub fn attachments(&self) -> impl Iterator<Item = &[u8]> {
        self.messages.iter().skip(1).map(Prepared::payload)
    }

    /// Whether it may be dropped for a peer that is not ready for it.
    #[must_use]
    pub fn is_volatile(&self) -> bool {
        self.volatile
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
            let text = self.messages.first().cloned();
            let binary = self.attachments().map(|data| {
                let mut out = Vec::new();
                revision3::encode_binary(&mut out, data);
                Prepared::new(out)
            });
            text.into_iter().chain(binary).collect()
        })
    }
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

/// The messages of one packet: its text (type included), then its attachments.
pub(crate) fn with_messages<R>(
    text: &[u8],
    attachments: &[bytes::Bytes],
    work: impl FnOnce(&[MessageRef<'_>]) -> R,
) -> R {
    // The encoder writes JSON text, which is UTF-8 by construction.
    let text = MessageRef::Text(std::str::from_utf8(text).unwrap_or_default());
    if attachments.is_empty() {
        return work(&[text]);
    }
    let binary = attachments.iter().map(|bytes| MessageRef::Binary(bytes));
    let messages: Vec<_> = std::iter::once(text).chain(binary).collect();
    work(&messages)
}
