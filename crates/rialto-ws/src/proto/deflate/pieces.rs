//! Messages that are compressed fragment by fragment, and decompressed as they arrive.

use super::codec::{Compressor, Decompressor, Step, TAIL, TAIL_AND_END};
use super::codec::{advance, compress_on, without_tail};
use super::context::{give_deflater, give_inflater, take_deflater, take_inflater, with_scratch};
use crate::proto::violation::Violation;
use std::fmt;
use zlib_rs::{Deflate as RawDeflate, Inflate as RawInflate};

/// Bytes that one step decompresses at most.
const PIECE: usize = 64 * 1024;

/// What a message holds while it is compressed fragment by fragment: nothing before the first, and
/// nothing of its own where the context is kept.
#[derive(Default)]
pub struct Deflation {
    lent: Option<Lent>,
}

struct Lent {
    level: u8,
    window: u8,
    raw: RawDeflate,
}

impl Compressor {
    /// Compresses a fragment and hands the payload of its frame to `then`.
    ///
    /// `message` is new with the first fragment and the same up to the `last`. While a message is
    /// in progress, no other may be compressed if [`Compressor::keeps_context`].
    pub fn compress_fragment<R>(
        &mut self,
        message: &mut Deflation,
        payload: &[u8],
        last: bool,
        then: impl FnOnce(&[u8]) -> R,
    ) -> R {
        let (level, window) = (self.level(), self.window());
        let raw = match self.kept() {
            Some(context) => context,
            None => {
                let lend = || Lent { level, window, raw: take_deflater(level, window) };
                &mut message.lent.get_or_insert_with(lend).raw
            }
        };
        compress_on(raw, payload, |bytes| then(if last { without_tail(bytes) } else { bytes }))
    }
}

impl Drop for Deflation {
    fn drop(&mut self) {
        if let Some(Lent { level, window, raw }) = self.lent.take() {
            give_deflater(level, window, raw);
        }
    }
}

impl fmt::Debug for Deflation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflation").finish_non_exhaustive()
    }
}

/// What a message holds while it is decompressed piece by piece: nothing before its first byte,
/// and nothing large of its own where the context is kept.
#[derive(Default)]
pub struct Inflation {
    lent: Option<RawInflate>,
    /// Bytes that have come out.
    made: u64,
    /// Bytes of the stream's end that were put in.
    tail: usize,
    /// Something was put in.
    begun: bool,
    /// The deflate stream ended just where the input did.
    ended: bool,
    /// The last piece was full: there may be more to be taken out.
    full: bool,
}

/// What one step has decompressed.
#[derive(Debug)]
pub struct Inflated {
    /// Bytes of the input that are done with.
    pub taken: usize,
    /// What they made, 64 KiB at most.
    pub bytes: Vec<u8>,
    /// The message ends with it.
    pub done: bool,
}

impl Decompressor {
    /// Decompresses from `input` up to 64 KiB of a message of at most `max` bytes.
    ///
    /// `message` is new at the start of the message and the same up to its end. `last` says that
    /// the message ends with `input`; it is to be said again, with what was not taken, until the
    /// message is done.
    ///
    /// # Errors
    /// As [`Decompressor::decompress`].
    pub fn inflate(
        &mut self,
        message: &mut Inflation,
        mut input: &[u8],
        last: bool,
        max: u64,
    ) -> Result<Inflated, Violation> {
        let length = input.len();
        if !message.begun && length == 0 {
            return Ok(Inflated { taken: 0, bytes: Vec::new(), done: last });
        }
        message.begun = true;
        let kept = self.kept();
        let tail: &[u8] = if kept.is_some() { &TAIL } else { &TAIL_AND_END };
        let raw = match kept {
            Some(context) => context,
            None => message.lent.get_or_insert_with(take_inflater),
        };
        with_scratch(PIECE, |scratch| {
            let room = scratch.get_mut(..PIECE).unwrap_or_default();
            let mut out = Out { room, filled: 0, left: max.saturating_sub(message.made) };
            // Once the tail has begun, nothing of the payload is left.
            if message.tail == 0 && (length > 0 || (message.full && !message.ended)) {
                message.ended = out.take(raw, &mut input)?;
            }
            let all = last && input.is_empty();
            let done = all && (message.ended || out.finish(raw, tail, &mut message.tail)?);
            message.full = out.is_full();
            message.made += out.filled as u64;
            let bytes = out.room.get(..out.filled).unwrap_or_default().to_vec();
            Ok(Inflated { taken: length - input.len(), bytes, done })
        })
    }
}

impl Inflation {
    /// True if more may come out though nothing is put in.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }
}

/// Where a step's bytes go.
struct Out<'a> {
    room: &'a mut [u8],
    filled: usize,
    /// Bytes that may still come before the message is too large.
    left: u64,
}

impl Out<'_> {
    fn is_full(&self) -> bool {
        self.filled == self.room.len()
    }

    fn advance(&mut self, raw: &mut RawInflate, input: &mut &[u8]) -> Result<Step, Violation> {
        let room = self.room.get_mut(self.filled..).unwrap_or_default();
        let (made, step) = advance(raw, input, room)?;
        self.filled += made;
        if self.filled as u64 > self.left {
            return Err(Violation::MessageTooLarge);
        }
        Ok(step)
    }

    /// Takes what there is room for. True if the deflate stream ended just at the input's end.
    fn take(&mut self, raw: &mut RawInflate, input: &mut &[u8]) -> Result<bool, Violation> {
        while !self.is_full() {
            match self.advance(raw, input)? {
                Step::Ended if input.is_empty() => return Ok(true),
                Step::Starved => return Ok(false),
                Step::Ended | Step::More => {}
            }
        }
        Ok(false)
    }

    /// Puts in what of the `tail` was not put in before. True if the message is done.
    fn finish(
        &mut self,
        raw: &mut RawInflate,
        tail: &[u8],
        put: &mut usize,
    ) -> Result<bool, Violation> {
        let mut rest = tail.get(*put..).unwrap_or_default();
        while !self.is_full() {
            let step = self.advance(raw, &mut rest)?;
            *put = tail.len() - rest.len();
            match step {
                Step::Ended if rest.is_empty() => return Ok(true),
                // Proof that nothing was missing can only be had where the context ends with it.
                Step::Starved if tail.len() > TAIL.len() => return Err(Violation::InvalidDeflate),
                Step::Starved => return Ok(true),
                Step::Ended | Step::More => {}
            }
        }
        Ok(false)
    }
}

impl Drop for Inflation {
    fn drop(&mut self) {
        if let Some(raw) = self.lent.take() {
            give_inflater(raw);
        }
    }
}

impl fmt::Debug for Inflation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflation").field("made", &self.made).finish_non_exhaustive()
    }
}
