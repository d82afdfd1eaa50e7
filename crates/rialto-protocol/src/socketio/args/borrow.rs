//! Hands a `Bytes`, or the text of arguments, through serde without copying or reading it.
//!
//! serde knows bytes only as `&[u8]`. Where both ends are ours (a [`Value`](crate::socketio::Value)
//! and our serializers), the owner is left in a thread-local for the time of the call, and the
//! other end takes it if the slice it was given is the owner's.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use bytes::Bytes;

thread_local! {
    static LENT: Cell<Option<Bytes>> = const { Cell::new(None) };
    static AT_HAND: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
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

/// The slice as `Bytes`: without a copy if it is what was lent, or a part of what is at hand.
pub(crate) fn claim(slice: &[u8]) -> Bytes {
    match LENT.take() {
        Some(bytes) if std::ptr::eq(bytes.as_ref(), slice) => bytes,
        _ => at_hand(slice).unwrap_or_else(|| Bytes::copy_from_slice(slice)),
    }
}

/// Calls `work`, in which what is encoded shares these attachments instead of copying them: for
/// handlers, which answer with what they were sent, or pass it on.
///
/// ```
/// use bytes::Bytes;
/// use rialto_protocol::socketio::{decode, encode_ack, sharing};
///
/// let attachments = [Bytes::from(vec![7; 1000])];
/// let data = r#"["echo",{"_placeholder":true,"num":0}]"#;
/// let answer = sharing(&attachments, || {
///     let bytes: Bytes = decode(data, true, &attachments).unwrap();
///     encode_ack(&mut Vec::new(), "/", 7, &bytes).unwrap()
/// });
/// assert_eq!(answer[0].as_ptr(), attachments[0].as_ptr());
/// ```
pub fn sharing<R>(attachments: &[Bytes], work: impl FnOnce() -> R) -> R {
    if attachments.is_empty() {
        return work();
    }
    let before = AT_HAND.with_borrow(Vec::len);
    let _guard = Forget(before);
    AT_HAND.with_borrow_mut(|at_hand| at_hand.extend_from_slice(attachments));
    work()
}

/// Lets go of what was at hand, also after a panic.
struct Forget(usize);

impl Drop for Forget {
    fn drop(&mut self) {
        let last = |at_hand: &mut Vec<Bytes>| {
            if at_hand.len() > self.0 { at_hand.pop() } else { None }
        };
        // Dropped outside: the owner of bytes may be the application's.
        while let Some(bytes) = AT_HAND.with_borrow_mut(last) {
            drop(bytes);
        }
    }
}

/// The slice as a part of what is at hand.
fn at_hand(slice: &[u8]) -> Option<Bytes> {
    let holds = |bytes: &&Bytes| {
        let (outer, inner) = (bytes.as_ptr_range(), slice.as_ptr_range());
        !slice.is_empty() && outer.start <= inner.start && inner.end <= outer.end
    };
    AT_HAND.with_borrow(|at_hand| Some(at_hand.iter().rev().find(holds)?.slice_ref(slice)))
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
