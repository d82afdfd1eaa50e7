//! Hands a `Bytes`, or the text of arguments, through serde without copying or reading it.
//!
//! serde knows bytes only as `&[u8]`. Where both ends are ours (a [`Value`](crate::socketio::Value)
//! and our serializers), the owner is left in a thread-local for the time of the call, and the
//! other end takes it if the slice it was given is the owner's.

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;

thread_local! {
    static LENT: Cell<Option<Bytes>> = const { Cell::new(None) };
    static LENT_ARGS: Cell<Option<Arc<str>>> = const { Cell::new(None) };
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

/// Calls `visit` while [`claim_args`] can take the text.
pub(crate) fn lend_args<R>(args: &Arc<str>, visit: impl FnOnce() -> R) -> R {
    LENT_ARGS.set(Some(Arc::clone(args)));
    let result = visit();
    LENT_ARGS.take();
    result
}

/// The arguments that were lent, with commas between them.
pub(crate) fn claim_args() -> Option<Arc<str>> {
    LENT_ARGS.take()
}
