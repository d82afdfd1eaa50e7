//! Hands a `Bytes`, or the text of arguments, through serde without copying or reading it.
//!
//! serde knows bytes only as `&[u8]`. Where both ends are ours (a [`Value`](crate::socketio::Value)
//! and our serializers), the owner is left in a thread-local for the time of the call, and the
//! other end takes it if the slice it was given is the owner's. Arguments that are text still are
//! asked for it in the same way, and give it as a string that is JSON already.

use std::cell::Cell;

use bytes::Bytes;

thread_local! {
    static LENT: Cell<Option<Bytes>> = const { Cell::new(None) };
    static TEXT: Cell<Text> = const { Cell::new(Text::No) };
}

/// The name by which our serializers and deserializers know arguments that they may take, or give,
/// as JSON text. Others see a newtype around a list.
pub(crate) const RAW_ARGS: &str = "$rialto::Args";

/// Calls `visit` with the content while [`claim`] can take the owner.
pub(crate) fn lend<R>(bytes: &Bytes, visit: impl FnOnce() -> R) -> R {
    LENT.set(Some(bytes.clone()));
    let result = visit();
    // Whoever did not take it must not pin it.
    LENT.take();
    result
}

/// The slice as `Bytes`: without a copy if it is what was lent.
pub(crate) fn claim(slice: &[u8]) -> Bytes {
    match LENT.take() {
        Some(bytes) if std::ptr::eq(bytes.as_ref(), slice) => bytes,
        _ => Bytes::copy_from_slice(slice),
    }
}

/// Whether arguments that are serialized are to give their text.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Text {
    #[default]
    No,
    /// They have it, and are about to be handed to a serializer.
    Offered,
    /// The serializer is ours, and wants it.
    Wanted,
}

/// Calls `visit` while [`want_text`] can ask for the text of arguments.
pub(crate) fn offer_text<R>(visit: impl FnOnce() -> R) -> R {
    TEXT.set(Text::Offered);
    let result = visit();
    TEXT.set(Text::No);
    result
}

/// Asks the arguments that are about to be serialized for their text; false if they have none.
pub(crate) fn want_text() -> bool {
    let offered = TEXT.take() == Text::Offered;
    if offered {
        TEXT.set(Text::Wanted);
    }
    offered
}

/// Whether arguments are to give their text, which they say once.
pub(crate) fn is_text_wanted() -> bool {
    TEXT.take() == Text::Wanted
}
