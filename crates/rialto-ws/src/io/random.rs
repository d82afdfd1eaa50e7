//! Random bytes from the operating system, fetched in batches per thread.

use std::cell::RefCell;

const BATCH: usize = 1024;

struct Batch {
    bytes: [u8; BATCH],
    used: usize,
}

thread_local! {
    static RANDOM: RefCell<Batch> =
        const { RefCell::new(Batch { bytes: [0; BATCH], used: BATCH }) };
}

/// `N` (at most 64) bytes that no peer can predict (RFC 6455 §5.3, §10.3).
///
/// # Errors
/// If the operating system gives no randomness.
pub(crate) fn bytes<const N: usize>() -> std::io::Result<[u8; N]> {
    RANDOM.with_borrow_mut(|batch| {
        if BATCH - batch.used < N {
            getrandom::fill(&mut batch.bytes).map_err(std::io::Error::other)?;
            batch.used = 0;
        }
        let mut out = [0; N];
        out.copy_from_slice(&batch.bytes[batch.used..batch.used + N]);
        batch.used += N;
        Ok(out)
    })
}
