//! Decoding one message piece by piece, for those too large to be gathered.

use super::{Body, Decoder, Item, Kind, OpCode, Partial, RSV1, Violation};
use crate::proto::deflate::{Inflated, Inflation};
use std::ops::Range;

/// Compressed bytes that one step is offered at most. What it does not take is masked again.
const OFFERED: usize = 16 * 1024;

/// What one step of [`Decoder::decode_piece`] has found.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A message begins. Its pieces follow.
    Begin(Kind),
    /// The next bytes of the message; if it is text, they have been checked as far as they go, and
    /// a piece may end inside a character. Empty only if it is the last.
    Data {
        /// Where the bytes lie.
        body: Body,
        /// True if the message ends with it.
        last: bool,
    },
    /// A ping, pong or Close frame, which may come between.
    Control(Item),
}

/// The outcome of one step.
#[derive(Debug, PartialEq, Eq)]
pub struct DecodedPiece {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// What was found, if anything. `None` means that all input was consumed.
    pub piece: Option<Piece>,
}

/// A message that is handed out as it arrives.
#[derive(Debug)]
pub(super) struct Streamed {
    /// Payload bytes of its frames that were taken.
    received: u64,
    limit: u64,
    /// What is needed if it is compressed.
    inflation: Inflation,
    /// Of what was gathered before, compressed bytes that are decompressed.
    inflated: usize,
    /// All of its frames were taken.
    complete: bool,
}

impl Decoder {
    /// Decodes from `input`, which it unmasks in place, up to the next [`Piece`].
    ///
    /// A message that [`Decoder::decode`] has gathered a part of begins with that part.
    /// Once a message has begun here, go on here until its last piece.
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_piece(&mut self, input: &mut [u8]) -> Result<DecodedPiece, Violation> {
        if let Some(piece) = self.held_back()? {
            return Ok(DecodedPiece { consumed: 0, piece: Some(piece) });
        }
        let mut at = 0;
        while !self.closed {
            if self.rest.frame.is_none() {
                let Some((header, size)) = self.take_header(&input[at..])? else { break };
                at += size;
                let first = !header.opcode.is_control() && self.rest.message.is_none();
                let compressed = header.rsv == RSV1;
                if first {
                    self.rest.streamed = Some(self.stream(0));
                }
                self.rest.frame = Some(self.check_frame(header)?);
                if first {
                    let kind =
                        if header.opcode == OpCode::Text { Kind::Text } else { Kind::Binary };
                    self.rest.message = Some(Partial::new(kind, compressed));
                    return Ok(DecodedPiece { consumed: at, piece: Some(Piece::Begin(kind)) });
                }
            }
            let found = if self.is_in_control() {
                at += self.take_payload(&mut input[at..])?;
                self.finish_frame()?.map(Piece::Control)
            } else {
                self.take_piece(input, &mut at)?
            };
            if found.is_some() {
                return Ok(DecodedPiece { consumed: at, piece: found });
            }
            if at == input.len() {
                break;
            }
        }
        Ok(DecodedPiece { consumed: input.len(), piece: None })
    }

    /// True from [`Piece::Begin`] to the last piece.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.rest.streamed.is_some()
    }

    /// Bounds the message in progress: bytes in all, instead of
    /// [`Limits::max_message`](super::Limits::max_message).
    pub fn limit_streamed(&mut self, bytes: u64) {
        if let Some(streamed) = self.rest.begun().and_then(|rest| rest.streamed.as_mut()) {
            streamed.limit = bytes;
        }
    }

    fn stream(&self, received: u64) -> Streamed {
        let limit = self.limits.max_message as u64;
        let (inflation, inflated, complete) = (Inflation::default(), 0, false);
        Streamed { received, limit, inflation, inflated, complete }
    }

    fn is_in_control(&self) -> bool {
        self.rest.frame.is_some_and(|frame| frame.opcode.is_control())
    }

    /// What can be handed out without further input: what `decode` gathered of a message before
    /// somebody asked for pieces, and what a piece had no room for.
    fn held_back(&mut self) -> Result<Option<Piece>, Violation> {
        let streamed = self.rest.streamed.is_some();
        let Some(rest) = self.rest.begun() else { return Ok(None) };
        let Some(message) = rest.message.as_mut() else { return Ok(None) };
        if !streamed {
            let (kind, received) = (message.kind, message.payload.len() as u64);
            self.rest.streamed = Some(self.stream(received));
            return Ok(Some(Piece::Begin(kind)));
        }
        if message.compressed {
            return self.inflate_held_back();
        }
        if message.payload.is_empty() {
            return Ok(None);
        }
        let body = Body::Owned(std::mem::take(&mut message.payload));
        Ok(Some(Piece::Data { body, last: false }))
    }

    /// Takes what `input` holds of the current data frame.
    fn take_piece(&mut self, input: &mut [u8], at: &mut usize) -> Result<Option<Piece>, Violation> {
        if self.rest.message.as_ref().is_some_and(|message| message.compressed) {
            return self.take_compressed(input, at);
        }
        let Some(rest) = self.rest.begun() else { return Ok(None) };
        let (Some(frame), Some(message), Some(streamed)) =
            (&mut rest.frame, &mut rest.message, &mut rest.streamed)
        else {
            return Ok(None);
        };
        streamed.check_announced(frame.remaining)?;
        let body: Range<usize> = *at..*at + frame.remaining.min(input.len() - *at);
        *at = body.end;
        let bytes = &mut input[body.clone()];
        frame.unmask(bytes);
        streamed.received += bytes.len() as u64;
        if message.kind == Kind::Text {
            message.utf8.feed(bytes)?;
        }
        let Some(frame) = rest.frame.take_if(|frame| frame.remaining == 0) else {
            return Ok(
                (!body.is_empty()).then_some(Piece::Data { body: Body::Input(body), last: false })
            );
        };
        if frame.fin {
            rest.streamed = None;
            let message = rest.message.take();
            self.rest.settle();
            if let Some(mut message) = message
                && message.kind == Kind::Text
            {
                message.utf8.finish()?;
            }
        }
        Ok((frame.fin || !body.is_empty())
            .then_some(Piece::Data { body: Body::Input(body), last: frame.fin }))
    }
}

/// Compressed messages.
impl Decoder {
    /// Decompresses what `input` holds of the current data frame, up to a piece.
    fn take_compressed(
        &mut self,
        input: &mut [u8],
        at: &mut usize,
    ) -> Result<Option<Piece>, Violation> {
        let Some(rest) = self.rest.begun() else { return Ok(None) };
        let (Some(frame), Some(streamed)) = (&mut rest.frame, &mut rest.streamed) else {
            return Ok(None);
        };
        streamed.check_announced(frame.remaining)?;
        let offered = frame.remaining.min(input.len() - *at).min(OFFERED);
        let bytes = &mut input[*at..*at + offered];
        frame.apply_mask(bytes);
        let last = frame.fin && offered == frame.remaining;
        let inflated =
            self.inflate.inflate(&mut streamed.inflation, bytes, last, streamed.limit)?;
        frame.pass(inflated.taken);
        frame.apply_mask(&mut bytes[inflated.taken..]);
        *at += inflated.taken;
        streamed.received += inflated.taken as u64;
        if let Some(frame) = rest.frame.take_if(|frame| frame.remaining == 0) {
            streamed.complete = frame.fin;
        }
        self.hand_out(inflated)
    }

    /// Decompresses what was gathered before, and takes out what there was no room for.
    fn inflate_held_back(&mut self) -> Result<Option<Piece>, Violation> {
        loop {
            let Some(rest) = self.rest.begun() else { return Ok(None) };
            let (Some(message), Some(streamed)) = (&mut rest.message, &mut rest.streamed) else {
                return Ok(None);
            };
            let gathered = message.payload.get(streamed.inflated..).unwrap_or_default();
            if gathered.is_empty() && !streamed.inflation.is_full() {
                return Ok(None);
            }
            let (state, limit) = (&mut streamed.inflation, streamed.limit);
            let inflated = self.inflate.inflate(state, gathered, streamed.complete, limit)?;
            streamed.inflated += inflated.taken;
            if streamed.inflated == message.payload.len() {
                (message.payload, streamed.inflated) = (Vec::new(), 0);
            }
            if let Some(piece) = self.hand_out(inflated)? {
                return Ok(Some(piece));
            }
        }
    }

    /// Checks what came out, and ends the message if that was all.
    fn hand_out(&mut self, inflated: Inflated) -> Result<Option<Piece>, Violation> {
        let Inflated { bytes, done, .. } = inflated;
        let Some(rest) = self.rest.begun() else { return Ok(None) };
        if let Some(message) = &mut rest.message
            && message.kind == Kind::Text
        {
            message.utf8.feed(&bytes)?;
            if done {
                message.utf8.finish()?;
            }
        }
        if done {
            (rest.message, rest.streamed) = (None, None);
            self.rest.settle();
        }
        let found = done || !bytes.is_empty();
        Ok(found.then_some(Piece::Data { body: Body::Owned(bytes), last: done }))
    }
}

impl Streamed {
    /// What has come and what the frame announces: the sum stays the same until its end.
    fn check_announced(&self, remaining: usize) -> Result<(), Violation> {
        if remaining as u64 > self.limit.saturating_sub(self.received) {
            return Err(Violation::MessageTooLarge);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Role};
    use super::*;

    /// Feeds `bytes` in inputs of `size`; returns payload, kind, controls, and the violation.
    fn pieces(
        decoder: &mut Decoder,
        bytes: &[u8],
        size: usize,
    ) -> Result<(Option<Kind>, Vec<u8>, usize, bool), Violation> {
        let (mut kind, mut payload, mut controls, mut ended) = (None, Vec::new(), 0, false);
        for input in bytes.chunks(size) {
            let mut input = input.to_vec();
            let mut at = 0;
            loop {
                let step = decoder.decode_piece(&mut input[at..])?;
                match step.piece {
                    Some(Piece::Begin(found)) => kind = Some(found),
                    Some(Piece::Data { body, last }) => {
                        payload.extend_from_slice(body.as_slice(&input[at..]));
                        ended |= last;
                    }
                    Some(Piece::Control(_)) => controls += 1,
                    None => break,
                }
                at += step.consumed;
                if at == input.len() && (ended || !decoder.is_streaming()) {
                    break;
                }
            }
        }
        Ok((kind, payload, controls, ended))
    }

    /// "Grüße, 🦀" in three fragments that cut characters, a ping between, the last one empty.
    const FRAGMENTS: &[u8] = b"\x01\x03Gr\xc3\x00\x07\xbc\xc3\x9fe, \xf0\x89\x02hi\
        \x00\x03\x9f\xa6\x80\x80\x00";

    #[test]
    fn any_split_gives_the_same_message() {
        for size in 1..=FRAGMENTS.len() {
            let mut decoder = Decoder::new(Role::Client, Limits::default());
            let found = pieces(&mut decoder, FRAGMENTS, size).unwrap();
            let text = "Grüße, 🦀".as_bytes().to_vec();
            assert_eq!(found, (Some(Kind::Text), text, 1, true), "size {size}");
            assert!(!decoder.is_streaming());
        }
    }

    #[test]
    fn the_limit_is_compared_with_what_is_announced() {
        let mut decoder = Decoder::new(Role::Client, Limits::default().max_message(4));
        let begun = decoder.decode_piece(&mut [0x82, 5]).unwrap();
        assert_eq!(begun.piece, Some(Piece::Begin(Kind::Binary)));
        assert_eq!(decoder.decode_piece(&mut [1]), Err(Violation::MessageTooLarge));

        let mut decoder = Decoder::new(Role::Client, Limits::default().max_message(4));
        decoder.decode_piece(&mut [0x02, 3]).unwrap();
        decoder.limit_streamed(5);
        let (.., ended) = pieces(&mut decoder, &[1, 2, 3, 0x80, 2, 4, 5], 7).unwrap();
        assert!(ended, "five bytes are within the message's own limit");

        let mut decoder = Decoder::new(Role::Client, Limits::default().max_message(4));
        decoder.decode_piece(&mut [0x02, 3]).unwrap();
        decoder.limit_streamed(5);
        let outcome = pieces(&mut decoder, &[1, 2, 3, 0x80, 3, 4, 5], 7);
        assert_eq!(outcome.unwrap_err(), Violation::MessageTooLarge);
    }

    #[test]
    fn a_message_that_was_gathered_in_part_goes_on_in_pieces() {
        for cut in 3..FRAGMENTS.len() {
            let mut decoder = Decoder::new(Role::Client, Limits::default());
            let mut head = FRAGMENTS[..cut].to_vec();
            let mut at = 0;
            let mut pings = 0;
            while at < head.len() {
                let step = decoder.decode(&mut head[at..]).unwrap();
                at += step.consumed;
                pings += usize::from(step.item.is_some());
            }
            let (kind, payload, controls, ended) =
                pieces(&mut decoder, &FRAGMENTS[cut..], 2).unwrap();
            assert_eq!((kind, ended, pings + controls), (Some(Kind::Text), true, 1), "cut {cut}");
            assert_eq!(payload, "Grüße, 🦀".as_bytes(), "cut {cut}");
        }
    }

    #[test]
    fn bad_text_shows_at_its_first_byte_and_at_the_end() {
        for bytes in [&b"\x01\x02a\xff"[..], b"\x81\x02a\xc3", b"\x01\x01\xc3\x80\x00"] {
            let mut decoder = Decoder::new(Role::Client, Limits::default());
            assert_eq!(pieces(&mut decoder, bytes, 1).unwrap_err(), Violation::InvalidUtf8);
        }
    }

    #[test]
    fn a_new_message_inside_one_in_pieces_is_a_violation() {
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        let outcome = pieces(&mut decoder, b"\x02\x01a\x82\x01b", 8);
        assert_eq!(outcome.unwrap_err(), Violation::InterleavedMessage);
    }
}
