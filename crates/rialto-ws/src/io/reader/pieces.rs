//! Receiving one message piece by piece.

use super::{Place, Reader, State};
use crate::error::{Error, Result};
use crate::proto::{Kind, Piece};
use std::task::{Context, Poll, ready};

/// A piece in the reader's memory, valid until the next call.
pub(crate) struct Data<'a> {
    pub(crate) bytes: &'a [u8],
    /// The message ends with it.
    pub(crate) last: bool,
}

/// A piece, and where it lies.
enum Found {
    Begin(Kind),
    Data(Place, bool),
}

impl Reader {
    /// Waits for the beginning of the next message; `None` once the peer has closed.
    pub(crate) fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Kind>>> {
        ready!(self.poll_discard(cx))?;
        loop {
            match ready!(self.poll_piece(cx, usize::MAX))? {
                Some(Found::Begin(kind)) => return Poll::Ready(Ok(Some(kind))),
                Some(Found::Data(..)) => {}
                None => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// The next piece of the message that has begun, from at most `max` bytes of input.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Result<Data<'_>>> {
        let (place, last) = loop {
            match ready!(self.poll_piece(cx, max))? {
                Some(Found::Data(place, last)) => break (place, last),
                Some(Found::Begin(_)) => {}
                None => return Poll::Ready(Err(Error::closed())),
            }
        };
        Poll::Ready(Ok(Data { bytes: self.payload(place), last }))
    }

    /// Bounds the message in progress, in bytes.
    pub(crate) fn limit_streamed(&mut self, bytes: u64) {
        self.decoder.limit_streamed(bytes);
    }

    /// Drops what is still to come of a message that was received in pieces and given up.
    #[cold]
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while self.decoder.is_streaming() {
            if ready!(self.poll_piece(cx, usize::MAX))?.is_none() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Result<Option<Found>>> {
        self.release_gathered();
        loop {
            if self.state != State::Open {
                self.release();
                return Poll::Ready(Ok(None));
            }
            if let Some(found) = self.decode_piece(max)? {
                return Poll::Ready(Ok(Some(found)));
            }
            if self.state != State::Open {
                continue;
            }
            match self.poll_read(cx) {
                Poll::Pending => ready!(self.poll_wait())?,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.ended(error))),
            }
        }
    }

    /// Decodes what is buffered up to the first piece, at most `max` bytes at a time.
    fn decode_piece(&mut self, max: usize) -> Result<Option<Found>> {
        loop {
            let (base, bytes) = match &mut self.input {
                Some(input) => {
                    let end = input.end.min(input.start.saturating_add(max));
                    (input.start, &mut input.bytes[input.start..end])
                }
                None => (0, &mut [][..]),
            };
            let decoded = match self.decoder.decode_piece(bytes) {
                Ok(decoded) => decoded,
                Err(violation) => return Err(self.violated(violation)),
            };
            let more = self.input.as_mut().is_some_and(|input| {
                input.start += decoded.consumed;
                input.start < input.end
            });
            match decoded.piece {
                Some(Piece::Begin(kind)) => return Ok(Some(Found::Begin(kind))),
                Some(Piece::Data { body, last }) => {
                    self.shared.set_more(more);
                    self.batch |= more;
                    return Ok(Some(Found::Data(self.place(body, base), last)));
                }
                Some(Piece::Control(item)) => drop(self.answer(item, base)),
                None if !more => return Ok(None),
                None => {}
            }
            if self.state != State::Open {
                return Ok(None);
            }
        }
    }
}
