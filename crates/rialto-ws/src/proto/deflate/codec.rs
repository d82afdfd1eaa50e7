//! Compressing and decompressing whole messages (RFC 7692 §7.2).

use super::context::{
    Permit, new_deflater, new_inflater, with_deflater, with_inflater, with_scratch,
};
use crate::proto::violation::Violation;
use std::fmt;
use std::num::NonZeroU8;
use zlib_rs::{Deflate as RawDeflate, DeflateFlush, Inflate as RawInflate, InflateFlush, Status};

/// How a flushed deflate stream ends: an empty stored block, which does not travel (§7.2.1).
pub(super) const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// The same and an empty last block: proof that nothing of the message was missing.
pub(super) const TAIL_AND_END: [u8; 6] = [0, 0, 0xFF, 0xFF, 3, 0];

/// Compresses what one side sends.
///
/// It owns memory only if it keeps its context, from the first message on.
pub struct Compressor {
    level: NonZeroU8,
    window: u8,
    threshold: u32,
    kept: Option<Box<KeptDeflater>>,
}

struct KeptDeflater {
    _permit: Permit,
    context: Option<RawDeflate>,
}

impl Compressor {
    pub(super) fn new(level: u8, window: u8, threshold: usize, permit: Option<Permit>) -> Self {
        let level = NonZeroU8::new(level).unwrap_or(NonZeroU8::MIN);
        let threshold = u32::try_from(threshold).unwrap_or(u32::MAX);
        let kept = permit.map(|permit| Box::new(KeptDeflater { _permit: permit, context: None }));
        Self { level, window, threshold, kept }
    }

    /// One that starts anew with each message.
    #[cfg(test)]
    pub(crate) fn anew(level: u8, window: u8) -> Self {
        Self::new(level, window, 0, None)
    }

    /// Bytes from which on a message is worth compressing.
    #[must_use]
    pub fn threshold(&self) -> usize {
        usize::try_from(self.threshold).unwrap_or(usize::MAX)
    }

    /// True if messages refer to earlier ones: they have to be sent in the order in which they
    /// were compressed.
    #[must_use]
    pub fn keeps_context(&self) -> bool {
        self.kept.is_some()
    }

    /// How hard it compresses, 1 to 9.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.level.get()
    }

    /// Compresses a message and hands the payload of its frame to `then`.
    ///
    /// `None` if that would be no shorter; the message is to be sent as it is then. With a kept
    /// context the result is handed over whatever its length, since the peer has to see it.
    pub fn compress<R>(&mut self, payload: &[u8], then: impl FnOnce(&[u8]) -> R) -> Option<R> {
        if let Some(context) = self.kept() {
            return Some(compress_on(context, payload, |bytes| then(without_tail(bytes))));
        }
        with_deflater(self.level(), self.window, |raw| compress_once(raw, payload, then))
    }

    /// The context that is kept, if there is one.
    pub(super) fn kept(&mut self) -> Option<&mut RawDeflate> {
        let (level, window) = (self.level(), self.window);
        let kept = self.kept.as_mut()?;
        Some(kept.context.get_or_insert_with(|| new_deflater(level, window)))
    }

    /// The bits of the window that it may look back.
    #[must_use]
    pub fn window(&self) -> u8 {
        self.window
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("level", &self.level)
            .field("window", &self.window)
            .field("threshold", &self.threshold)
            .field("keeps", &self.kept.is_some())
            .finish_non_exhaustive()
    }
}

/// Compresses into no more bytes than the payload has, or gives up.
fn compress_once<R>(
    raw: &mut RawDeflate,
    payload: &[u8],
    then: impl FnOnce(&[u8]) -> R,
) -> Option<R> {
    with_scratch(payload.len(), |scratch| {
        let out = scratch.get_mut(..payload.len())?;
        raw.compress(payload, out, DeflateFlush::SyncFlush).ok()?;
        let written = usize::try_from(raw.total_out()).ok()?;
        if written >= payload.len() {
            drain(raw, scratch);
            return None;
        }
        Some(then(out.get(..written)?.strip_suffix(&TAIL)?))
    })
}

/// Takes out what a compressor that was given up still holds.
///
/// zlib-rs (0.6.8) leaves no room for it again when it is reset, and panics some messages later.
fn drain(raw: &mut RawDeflate, scratch: &mut [u8]) {
    loop {
        let before = raw.total_out();
        let status = raw.compress(&[], scratch, DeflateFlush::SyncFlush);
        let written = usize::try_from(raw.total_out() - before).unwrap_or(0);
        if status.is_err() || written < scratch.len() {
            return;
        }
    }
}

/// Compresses all of it behind what was compressed before, and flushes.
pub(super) fn compress_on<R>(
    raw: &mut RawDeflate,
    payload: &[u8],
    then: impl FnOnce(&[u8]) -> R,
) -> R {
    // Room for what does not shrink; more is made where that is not enough.
    with_scratch(payload.len() + payload.len() / 8 + 256, |scratch| {
        let (mut taken, mut written) = (0, 0);
        loop {
            let before = (raw.total_in(), raw.total_out());
            let status = raw.compress(
                payload.get(taken..).unwrap_or_default(),
                scratch.get_mut(written..).unwrap_or_default(),
                DeflateFlush::SyncFlush,
            );
            taken += usize::try_from(raw.total_in() - before.0).unwrap_or(0);
            written += usize::try_from(raw.total_out() - before.1).unwrap_or(0);
            // zlib has flushed everything once it leaves room.
            if written < scratch.len() || status.is_err() {
                break;
            }
            scratch.resize(scratch.len() * 2, 0);
        }
        then(scratch.get(..written).unwrap_or_default())
    })
}

/// An empty message is one empty block, which is a single byte without its tail (§7.2.3.6).
pub(super) fn without_tail(flushed: &[u8]) -> &[u8] {
    flushed.strip_suffix(&TAIL).filter(|rest| !rest.is_empty()).unwrap_or(&[0])
}

/// Decompresses what the other side sends.
///
/// It owns memory only if the peer keeps its context, from the first compressed message on.
pub struct Decompressor {
    kept: Option<Box<KeptInflater>>,
}

struct KeptInflater {
    /// Missing where the peer keeps its context without having been asked.
    _permit: Option<Permit>,
    context: Option<RawInflate>,
}

impl Decompressor {
    /// For messages that start anew.
    pub(in crate::proto) const fn anew() -> Self {
        Self { kept: None }
    }

    /// For messages that refer to earlier ones.
    pub(super) fn keeping(permit: Option<Permit>) -> Self {
        Self { kept: Some(Box::new(KeptInflater { _permit: permit, context: None })) }
    }

    /// Decompresses a message whose frames carried `compressed`, to `max` bytes at most.
    ///
    /// # Errors
    /// [`Violation::MessageTooLarge`] as soon as more than `max` bytes come out,
    /// [`Violation::InvalidDeflate`] for what is no deflate stream, or only a part of one.
    /// It is not to be used after that.
    pub fn decompress(&mut self, compressed: &[u8], max: usize) -> Result<Vec<u8>, Violation> {
        if compressed.is_empty() {
            // Not even the one byte that §7.2.3.6 asks for, but nothing else can be meant.
            return Ok(Vec::new());
        }
        if let Some(context) = self.kept() {
            return Inflating::new(context, max).run(compressed, &TAIL);
        }
        with_inflater(|raw| Inflating::new(raw, max).run(compressed, &TAIL_AND_END))
    }

    /// The context that is kept, if the peer keeps its own.
    pub(super) fn kept(&mut self) -> Option<&mut RawInflate> {
        let kept = self.kept.as_mut()?;
        Some(kept.context.get_or_insert_with(new_inflater))
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").field("keeps", &self.kept.is_some()).finish_non_exhaustive()
    }
}

/// One message on its way through a decompressor.
struct Inflating<'a> {
    raw: &'a mut RawInflate,
    /// What the thread's scratch had no room for.
    out: Vec<u8>,
    max: usize,
}

impl<'a> Inflating<'a> {
    fn new(raw: &'a mut RawInflate, max: usize) -> Self {
        Self { raw, out: Vec::new(), max }
    }

    fn run(mut self, compressed: &[u8], tail: &[u8]) -> Result<Vec<u8>, Violation> {
        with_scratch(0, |scratch| {
            let mut filled = 0;
            let ended = self.feed(compressed, scratch, &mut filled)?;
            // A sender that ends its stream with the message need not leave a tail off (§7.2.3.4).
            if !ended && !self.feed(tail, scratch, &mut filled)? && tail.len() > TAIL.len() {
                return Err(Violation::InvalidDeflate);
            }
            self.out.extend_from_slice(scratch.get(..filled).unwrap_or_default());
            Ok(self.out)
        })
    }

    /// Decompresses a piece. True if the deflate stream ended just at its end.
    fn feed(
        &mut self,
        mut input: &[u8],
        scratch: &mut [u8],
        filled: &mut usize,
    ) -> Result<bool, Violation> {
        loop {
            let room = scratch.get_mut(*filled..).unwrap_or_default();
            let (made, step) = advance(self.raw, &mut input, room)?;
            *filled += made;
            if self.out.len() + *filled > self.max {
                return Err(Violation::MessageTooLarge);
            }
            if *filled == scratch.len() {
                self.out.extend_from_slice(scratch);
                *filled = 0;
            }
            match step {
                Step::Ended if input.is_empty() => return Ok(true),
                Step::Starved => return Ok(false),
                Step::Ended | Step::More => {}
            }
        }
    }
}

/// How a call of the decompressor has left it.
pub(super) enum Step {
    /// A deflate stream has ended; another may follow.
    Ended,
    /// There is more to be done with the input, or to be taken out.
    More,
    /// All of the input is used, and nothing is left to be taken out.
    Starved,
}

/// Decompresses from `input`, which it shortens, into `out`; returns how many bytes that made.
pub(super) fn advance(
    raw: &mut RawInflate,
    input: &mut &[u8],
    out: &mut [u8],
) -> Result<(usize, Step), Violation> {
    let before = (raw.total_in(), raw.total_out());
    let status = raw.decompress(input, out, InflateFlush::NoFlush);
    let status = status.map_err(|_| Violation::InvalidDeflate)?;
    let taken = usize::try_from(raw.total_in() - before.0).unwrap_or(0);
    let made = usize::try_from(raw.total_out() - before.1).unwrap_or(0);
    *input = input.get(taken..).unwrap_or_default();
    let step = match status {
        Status::StreamEnd => {
            raw.reset(false);
            Step::Ended
        }
        _ if made == out.len() => Step::More,
        _ if input.is_empty() => Step::Starved,
        // No room was lacking and yet it stopped: it will not go on.
        _ if taken == 0 => return Err(Violation::InvalidDeflate),
        _ => Step::More,
    };
    Ok((made, step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Deflate, Role};

    /// A client's and a server's ends that have agreed.
    fn pair(wish: Deflate) -> [(Compressor, Decompressor); 2] {
        let offer = super::super::Offer::new(&wish);
        let header = offer.to_header();
        let agreed = wish.accept([header.as_bytes()].into_iter()).unwrap().unwrap();
        let answer = agreed.to_header();
        let seen = offer.check([answer.as_bytes()].into_iter()).unwrap().unwrap();
        [agreed.codec(Role::Server), seen.codec(Role::Client)]
    }

    fn compressed(compressor: &mut Compressor, payload: &[u8]) -> Vec<u8> {
        compressor.compress(payload, <[u8]>::to_vec).unwrap()
    }

    /// Text that a window of any size finds something in, the far past included.
    fn text(size: usize) -> Vec<u8> {
        (0..)
            .flat_map(|n: u32| format!("{} rialto {} ", n % 977, n % 13).into_bytes())
            .take(size)
            .collect()
    }

    #[test]
    fn every_window_and_both_kinds_of_context_come_back_whole() {
        for bits in WINDOWS {
            for keep in [false, true] {
                let wish = Deflate::default()
                    .server_max_window_bits(bits)
                    .client_max_window_bits(bits)
                    .server_no_context_takeover(!keep)
                    .client_no_context_takeover(!keep)
                    .max_contexts(usize::MAX);
                let [mut server, mut client] = pair(wish);
                for size in [40, 1000, 70_000, 300_000] {
                    let payload = text(size);
                    let there = compressed(&mut server.0, &payload);
                    assert_eq!(client.1.decompress(&there, size).unwrap(), payload);
                    let back = compressed(&mut client.0, &payload);
                    assert_eq!(server.1.decompress(&back, size).unwrap(), payload);
                }
            }
        }
    }

    const WINDOWS: std::ops::RangeInclusive<u8> = 8..=15;

    /// A decoder with a window of 256 bytes has to be able to read what was made for one.
    #[test]
    fn a_window_of_256_bytes_is_honoured() {
        let [(mut server, _), _] = pair(Deflate::default().server_max_window_bits(8));
        let payload = text(100_000);
        let frame = compressed(&mut server, &payload);
        let mut small = RawInflate::new(false, 8);
        let mut out = Vec::new();
        // Small outputs, so that the decoder can look back in nothing but its own window.
        let mut piece = [0; 64];
        let mut input = &frame[..];
        loop {
            let before = (small.total_in(), small.total_out());
            small.decompress(input, &mut piece, InflateFlush::NoFlush).unwrap();
            input = &input[usize::try_from(small.total_in() - before.0).unwrap()..];
            let made = usize::try_from(small.total_out() - before.1).unwrap();
            out.extend_from_slice(&piece[..made]);
            if made == 0 && input.is_empty() {
                break;
            }
        }
        assert_eq!(out, payload);
    }

    #[test]
    fn a_kept_context_makes_repeated_messages_small() {
        let wish = Deflate::default().context_takeover().max_contexts(usize::MAX);
        let [(mut server, _), (_, mut client)] = pair(wish);
        let payload = b"{\"event\":\"position\",\"x\":100,\"y\":200}";
        let first = compressed(&mut server, payload);
        let second = compressed(&mut server, payload);
        assert!(second.len() * 3 < first.len(), "{} then {}", first.len(), second.len());
        for frame in [first, second, compressed(&mut server, b"")] {
            client.decompress(&frame, 100).unwrap();
        }
    }

    /// The compressor of the thread is given up and lent again, many times.
    #[test]
    fn what_does_not_shrink_leaves_nothing_behind_for_the_next() {
        let mut seed = 1u32;
        let mut noise = |size: usize| -> Vec<u8> {
            let mut next = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            };
            (0..size).map(|_| next()).collect()
        };
        for level in [1, 2, 6] {
            let [(mut server, _), (_, mut client)] = pair(Deflate::default().level(level));
            for size in [5000, 20_000, 200_000] {
                for _ in 0..40 {
                    assert_eq!(server.compress(&noise(size), <[u8]>::to_vec), None, "{level}");
                }
                let payload = text(5000);
                let there = compressed(&mut server, &payload);
                assert_eq!(client.decompress(&there, 5000).unwrap(), payload);
            }
        }
    }

    #[test]
    fn what_does_not_shrink_is_not_compressed() {
        let [(mut server, _), _] = pair(Deflate::default());
        let mut state = 1u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        let noise: Vec<u8> = (0..700).flat_map(|_| random()).collect();
        assert!(server.compress(&noise, <[u8]>::len).is_none());
        assert!(server.compress(b"", <[u8]>::len).is_none());
        assert!(server.compress(&text(5000), <[u8]>::len).is_some());
    }

    #[test]
    fn the_limit_holds_while_inflating() {
        let [(mut server, _), (_, mut client)] = pair(Deflate::default());
        let bomb = compressed(&mut server, &vec![0; 1 << 24]);
        assert!(bomb.len() < 1 << 18);
        assert_eq!(client.decompress(&bomb, 1 << 20), Err(Violation::MessageTooLarge));
        assert_eq!(client.decompress(&bomb, 1 << 24).map(|all| all.len()), Ok(1 << 24));
        assert_eq!(client.decompress(&bomb, (1 << 24) - 1), Err(Violation::MessageTooLarge));
    }

    #[test]
    fn damaged_and_cut_streams_are_told() {
        let [(mut server, _), (_, mut client)] = pair(Deflate::default());
        let frame = compressed(&mut server, &text(2000));
        for cut in 1..frame.len() - 1 {
            assert_eq!(client.decompress(&frame[..cut], 1 << 20), Err(Violation::InvalidDeflate));
        }
        assert_eq!(client.decompress(&[0xFF; 10], 100), Err(Violation::InvalidDeflate));
    }

    /// RFC 7692 §7.2.3: its examples, a last block among them.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let [_, (_, mut client)] = pair(Deflate::default());
        let examples: [&[u8]; 5] = [
            &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ];
        for frame in examples {
            assert_eq!(client.decompress(frame, 100).as_deref(), Ok(&b"Hello"[..]), "{frame:?}");
        }
        assert_eq!(client.decompress(&[0x00], 100).as_deref(), Ok(&b""[..]));
        assert_eq!(client.decompress(&[], 100).as_deref(), Ok(&b""[..]));
    }
}
