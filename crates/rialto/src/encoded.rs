//! A Socket.IO packet encoded once, in the form in which each transport takes it.

use rialto_ws::{MessageRef, Prepared};
use std::cell::RefCell;
use std::sync::Arc;

/// A packet that is sent to many: framed once, shared by all receivers.
///
/// Adapters pass it on; [`Encoded::text`] and [`Encoded::attachments`] are what travels to
/// another node.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The text message, then one message for each attachment.
    messages: Arc<[Prepared]>,
    /// Whether it may be dropped for a peer that is not ready for it.
    volatile: bool,
}

impl Encoded {
    /// From the text of a Socket.IO packet and its attachments.
    pub(crate) fn new(packet: &str, attachments: &[bytes::Bytes], volatile: bool) -> Self {
        // `4` is the Engine.IO type of a message.
        let text = Prepared::text_with_prefix("4", packet);
        let binary = attachments.iter().map(|bytes| Prepared::new(bytes.clone()));
        Self { messages: std::iter::once(text).chain(binary).collect(), volatile }
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

    /// Bytes of its messages.
    pub(crate) fn len(&self) -> usize {
        self.messages.iter().map(|message| message.payload().len()).sum()
    }

    /// True if the last argument, or the name of an event without any, is a string.
    pub(crate) fn ends_with_string(&self) -> bool {
        self.text().ends_with("\"]")
    }

    /// The same event with a string as one more argument, which must need no escaping.
    pub(crate) fn with_argument(&self, argument: &str) -> Self {
        let text = self.text();
        let text = format!("{},\"{argument}\"]", text.strip_suffix(']').unwrap_or(text));
        let text = Prepared::text_with_prefix("4", &text);
        let rest = self.messages.iter().skip(1).cloned();
        Self { messages: std::iter::once(text).chain(rest).collect(), volatile: self.volatile }
    }

    pub(crate) fn messages(&self) -> &[Prepared] {
        &self.messages
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
