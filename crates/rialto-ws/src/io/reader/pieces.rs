//! Receiving one message piece by piece.

use super::{Place, Reader, State};
use crate::error::{Error, Result};
use crate::proto::{Body, Kind, Piece};
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
        let bytes = match place {
            Place::Input(range) => &self.buffer[range],
            Place::Gathered => &self.gathered[..],
        };
        Poll::Ready(Ok(Data { bytes, last }))
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
                Poll::Pending => {
                    self.before_wait();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => {
                    self.end();
                    return Poll::Ready(Err(error));
                }
            }
        }
    }

    /// Decodes what is buffered up to the first piece, at most `max` bytes at a time.
    fn decode_piece(&mut self, max: usize) -> Result<Option<Found>> {
        loop {
            let base = self.start;
            let end = self.end.min(base.saturating_add(max));
            let decoded = match self.decoder.decode_piece(&mut self.buffer[base..end]) {
                Ok(decoded) => decoded,
                Err(violation) => return Err(self.violated(violation)),
            };
            self.start += decoded.consumed;
            match decoded.piece {
                Some(Piece::Begin(kind)) => return Ok(Some(Found::Begin(kind))),
                Some(Piece::Data { body, last }) => return Ok(Some(self.found(body, last, base))),
                Some(Piece::Control(item)) => drop(self.answer(item, base)),
                None if self.start >= self.end => return Ok(None),
                None => {}
            }
            if self.state != State::Open {
                return Ok(None);
            }
        }
    }

    fn found(&mut self, body: Body, last: bool, base: usize) -> Found {
        let more = self.start < self.end;
        self.shared.set_more(more);
        self.batch |= more;
        Found::Data(self.place(body, base), last)
    }
}
