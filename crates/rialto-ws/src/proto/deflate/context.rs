//! How many contexts the process keeps, and those that a thread lends out.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use zlib_rs::{Deflate as RawDeflate, Inflate as RawInflate};

/// Contexts that connections keep, or have been promised.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// Leave to keep one context; it ends with the last clone.
#[derive(Clone, Debug)]
pub(super) struct Permit {
    _counted: Arc<Counted>,
}

#[derive(Debug)]
struct Counted;

impl Permit {
    /// A permit, unless `max` contexts are kept already.
    pub(super) fn take(max: usize) -> Option<Self> {
        let more = |kept| (kept < max).then_some(kept + 1);
        let taken = KEPT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Self { _counted: Arc::new(Counted) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        KEPT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What two connections may keep is the same, whoever took the permit.
impl PartialEq for Permit {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Permit {}

/// Contexts of each kind that a thread keeps for the next message.
const POOLED: usize = 4;

/// What a thread keeps for messages that start anew.
pub(super) struct Pool {
    deflaters: Vec<(u8, u8, RawDeflate)>,
    inflaters: Vec<RawInflate>,
    /// Initialised bytes to write into.
    scratch: Vec<u8>,
}

/// The scratch bytes that a thread keeps; what a larger message needed goes with it.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { deflaters: Vec::new(), inflaters: Vec::new(), scratch: Vec::new() })
    };
}

/// A new compressor; its window is 512 bytes at least.
pub(super) fn new_deflater(level: u8, window: u8) -> RawDeflate {
    // zlib knows no raw window of 256 bytes. With one of 512 it looks back 250 bytes at most
    // (512 less the longest match and its margin), so what it makes fits the smaller window too.
    RawDeflate::new(i32::from(level), false, window.max(9))
}

/// A new decompressor. It takes every window: a smaller one only asks less of it.
pub(super) fn new_inflater() -> RawInflate {
    RawInflate::new(false, 15)
}

/// Lends a compressor that starts anew.
pub(super) fn with_deflater<R>(
    level: u8,
    window: u8,
    work: impl FnOnce(&mut RawDeflate) -> R,
) -> R {
    let mut deflater = take_deflater(level, window);
    let result = work(&mut deflater);
    give_deflater(level, window, deflater);
    result
}

/// Takes a compressor that starts anew, to be given back by [`give_deflater`].
pub(super) fn take_deflater(level: u8, window: u8) -> RawDeflate {
    let pooled = POOL.with_borrow_mut(|pool| {
        let at = pool.deflaters.iter().position(|(l, w, _)| (*l, *w) == (level, window))?;
        Some(pool.deflaters.swap_remove(at).2)
    });
    pooled.unwrap_or_else(|| new_deflater(level, window))
}

/// Gives a compressor to the thread. It has to be flushed: see `drain` in the codec.
pub(super) fn give_deflater(level: u8, window: u8, mut deflater: RawDeflate) {
    deflater.reset();
    // A message may outlive its thread's pool.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.deflaters.len() == POOLED {
            pool.deflaters.remove(0);
        }
        pool.deflaters.push((level, window, deflater));
    });
}

/// Lends a decompressor that starts anew.
pub(super) fn with_inflater<R>(work: impl FnOnce(&mut RawInflate) -> R) -> R {
    let mut inflater = take_inflater();
    let result = work(&mut inflater);
    give_inflater(inflater);
    result
}

/// Takes a decompressor that starts anew, to be given back by [`give_inflater`].
pub(super) fn take_inflater() -> RawInflate {
    POOL.with_borrow_mut(|pool| pool.inflaters.pop()).unwrap_or_else(new_inflater)
}

/// Gives a decompressor to the thread, whatever has become of it.
pub(super) fn give_inflater(mut inflater: RawInflate) {
    inflater.reset(false);
    // A message may outlive its thread's pool.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.inflaters.len() < POOLED {
            pool.inflaters.push(inflater);
        }
    });
}

/// Lends the thread's scratch bytes, `size` of them at least.
pub(super) fn with_scratch<R>(size: usize, work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut scratch = POOL.with_borrow_mut(|pool| std::mem::take(&mut pool.scratch));
    if scratch.len() < size.max(SCRATCH) {
        scratch.resize(size.max(SCRATCH), 0);
    }
    let result = work(&mut scratch);
    if scratch.len() <= 4 * SCRATCH {
        POOL.with_borrow_mut(|pool| pool.scratch = scratch);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_counted_until_their_last_clone_is_gone() {
        let base = KEPT.load(Ordering::Relaxed);
        // Other tests of this process take permits as well, so only the limit is certain.
        assert!(Permit::take(0).is_none());
        let permit = Permit::take(usize::MAX).unwrap();
        let clone = permit.clone();
        drop(permit);
        assert!(KEPT.load(Ordering::Relaxed) > base || base > 0);
        drop(clone);
    }
}
