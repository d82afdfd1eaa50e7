//! What a peer may make us hold.

/// Bounds on what one connection receives. None of them can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes in one message, all fragments added up. Default 16 MiB, inclusive.
    ///
    /// A frame that announces more is answered with close code 1009 before its payload is read:
    /// memory follows the bytes received, and they never exceed this.
    pub max_message: usize,
    /// Bytes of payload in one frame, as they travel. Default: no bound beside `max_message`.
    ///
    /// For peers that are to send large messages in pieces. One byte more is answered with close
    /// code 1009, before the payload is read. Control frames have at most 125 bytes anyway.
    pub max_frame: usize,
    /// Fragments of fewer than 32 bytes behind the first in one message, empty ones counted.
    /// Default 16 384.
    ///
    /// Larger fragments are bounded by `max_message`; small ones cost the receiver work out of
    /// proportion to their bytes, so one more than this is answered with close code 1008.
    pub max_small_fragments: u32,
}

impl Limits {
    /// Fragments below this many bytes count against [`Limits::max_small_fragments`].
    pub const SMALL_FRAGMENT: u64 = 32;

    /// Sets [`Limits::max_message`], in bytes.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Sets [`Limits::max_frame`], in bytes.
    #[must_use]
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Sets [`Limits::max_small_fragments`].
    #[must_use]
    pub fn max_small_fragments(mut self, count: u32) -> Self {
        self.max_small_fragments = count;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_message: 16 << 20, max_frame: usize::MAX, max_small_fragments: 16_384 }
    }
}
