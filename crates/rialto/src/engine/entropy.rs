//! Random bytes of the operating system, fetched for several ids at once.

use std::cell::RefCell;
use std::io;

/// Bytes of one id.
pub(super) const ID: usize = 15;
/// Bytes that are fetched at once: up to 256 the kernel gives without an interruption.
const AHEAD: usize = 17 * ID;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; AHEAD], left: 0 }) };
}

struct Pool {
    bytes: [u8; AHEAD],
    /// How many of them nobody has got yet, from the front.
    left: usize,
}

/// Fills `id` with bytes that nobody else gets.
///
/// # Errors
/// If the operating system gives no randomness.
pub(super) fn take(id: &mut [u8; ID]) -> io::Result<()> {
    POOL.with_borrow_mut(|pool| {
        if pool.left < ID {
            getrandom::fill(&mut pool.bytes).map_err(io::Error::other)?;
            pool.left = AHEAD;
        }
        pool.left -= ID;
        let rest = pool.bytes.get_mut(pool.left..).unwrap_or_default();
        let next = rest.first_chunk_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
        // Nothing of an id remains here once it is in use.
        *id = std::mem::take(next);
        Ok(())
    })
}
