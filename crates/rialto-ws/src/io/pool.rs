//! Buffers of the thread: a connection that waits for its peer holds none.

use super::queue::Queue;
use std::cell::RefCell;

/// Size of a read buffer: large enough that one read empties the socket in most cases.
pub(crate) const READ_SIZE: usize = 64 * 1024;
/// Read buffers kept by a thread; more are in use only while that many connections are mid-read.
const KEEP_READ: usize = 4;
/// Queues kept by a thread, and the largest write buffer in one that is worth keeping.
const KEEP_WRITE: usize = 64;
pub(crate) const KEEP_WRITE_SIZE: usize = 64 * 1024;

/// Bytes of buffers for large messages kept by a thread, and the sizes that are worth keeping.
const KEEP_LARGE: usize = 8 * 1024 * 1024;
const KEEP_LARGE_SIZE: std::ops::RangeInclusive<usize> = 2 * READ_SIZE..=4 * 1024 * 1024;

/// Input that is not decoded yet: `bytes[start..end]`.
#[derive(Default)]
pub(crate) struct Input {
    pub(crate) bytes: Vec<u8>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The payload of a message that did not arrive in one piece.
    pub(crate) gathered: Vec<u8>,
}

impl Input {
    pub(crate) fn new(bytes: Vec<u8>, end: usize) -> Box<Self> {
        Box::new(Self { bytes, end, ..Self::default() })
    }
}

struct Pool {
    #[allow(clippy::vec_box, reason = "they are handed out as boxes")]
    read: Vec<Box<Input>>,
    #[allow(clippy::vec_box, reason = "they are handed out as boxes")]
    queues: Vec<Box<Queue>>,
    large: Vec<Vec<u8>>,
}

impl Pool {
    const fn new() -> Self {
        Self { read: Vec::new(), queues: Vec::new(), large: Vec::new() }
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool::new()) };
}

/// A buffer of [`READ_SIZE`] initialised bytes, zeroed when it was made and not again.
pub(crate) fn lease_read() -> Box<Input> {
    POOL.with_borrow_mut(|pool| pool.read.pop())
        .unwrap_or_else(|| Input::new(vec![0; READ_SIZE], 0))
}

/// Gives a read buffer back; one of another size is dropped.
pub(crate) fn release_read(mut input: Box<Input>) {
    if input.bytes.len() == READ_SIZE {
        (input.start, input.end) = (0, 0);
        input.gathered = Vec::new();
        POOL.with_borrow_mut(|pool| {
            if pool.read.len() < KEEP_READ {
                pool.read.push(input);
            }
        });
    }
}

/// An empty queue; its buffer has been used before, if there is any.
pub(crate) fn lease_queue() -> Box<Queue> {
    POOL.with_borrow_mut(|pool| pool.queues.pop()).unwrap_or_default()
}

/// Gives a queue back.
pub(crate) fn release_queue(queue: Box<Queue>) {
    if queue.is_reusable() {
        POOL.with_borrow_mut(|pool| {
            if pool.queues.len() < KEEP_WRITE {
                pool.queues.push(queue);
            }
        });
    }
}

/// An empty buffer for a large message; its memory has been used before, if there is any.
pub(crate) fn lease_large() -> Vec<u8> {
    POOL.with_borrow_mut(|pool| pool.large.pop()).unwrap_or_default()
}

/// Gives a buffer for large messages back.
pub(crate) fn release_large(mut buffer: Vec<u8>) {
    if !KEEP_LARGE_SIZE.contains(&buffer.capacity()) {
        return;
    }
    buffer.clear();
    // A message may outlive its thread's pool.
    let _ = POOL.try_with(|pool| {
        if let Ok(mut pool) = pool.try_borrow_mut()
            && pool.large.iter().map(Vec::capacity).sum::<usize>() < KEEP_LARGE
        {
            pool.large.push(buffer);
        }
    });
}

/// A large message whose memory goes back to the pool when nobody holds it any more.
pub(crate) struct Large(pub(crate) Vec<u8>);

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        release_large(std::mem::take(&mut self.0));
    }
}
