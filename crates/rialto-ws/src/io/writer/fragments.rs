//! A message that leaves in fragments: its data frames stand together, others wait behind it.

use super::{Shared, State, Writer};
use crate::error::Error;
use crate::io::queue::Queue;
use crate::prepared::Framed;
use crate::proto::{CloseCode, CloseFrame, Kind, OpCode};
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The message in progress.
#[derive(Default)]
pub(super) struct Fragments {
    /// Its first fragment has been queued.
    begun: bool,
    /// Whole messages that were sent meanwhile (RFC 6455 §5.4: they must not come between).
    behind: Queue,
}

impl Shared {
    /// Takes the connection's place for a message in fragments, or waits until it is free.
    pub(crate) fn poll_begin_fragments(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        if writer.state != State::Open {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.fragments().is_some() {
            writer.wait(cx);
            return Poll::Pending;
        }
        writer.rare_mut().fragments = Some(Fragments::default());
        Poll::Ready(Ok(()))
    }

    /// Queues the next fragment, or waits until the budget has room.
    ///
    /// What waits behind the message does not count: it cannot leave before the message ends.
    pub(crate) fn poll_fragment(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        kind: Kind,
        payload: &Bytes,
        fin: bool,
    ) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        if writer.state == State::Open && writer.queue.len() >= self.budget() {
            self.flush(&mut writer);
        }
        if writer.state != State::Open {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.queue.len() >= self.budget() {
            writer.wait(cx);
            return Poll::Pending;
        }
        writer.push_fragment(kind, payload, fin)?;
        if fin {
            writer.end_fragments();
        }
        self.after_push(&mut writer);
        Poll::Ready(Ok(()))
    }

    /// Ready when the kernel has taken every fragment that was queued.
    pub(crate) fn poll_fragments_flushed(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        self.flush(&mut writer);
        if writer.failed {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.queue.is_empty() && writer.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        writer.wait(cx);
        Poll::Pending
    }

    /// Gives up a message: without a trace if nothing of it was queued, else by closing.
    pub(crate) fn abandon_fragments(self: &Arc<Self>) {
        let mut writer = self.writer.lock();
        let begun = writer.fragments().is_some_and(|fragments| fragments.begun);
        if begun && writer.state == State::Open {
            let frame = CloseFrame::new(CloseCode::INTERNAL, "a message was not finished");
            if self.close_locked(&mut writer, &frame, false) {
                self.limit_close();
            }
        }
        writer.end_fragments();
        if writer.state == State::Open && !writer.queue.is_empty() {
            self.after_push(&mut writer);
        }
    }
}

impl Writer {
    fn fragments(&self) -> Option<&Fragments> {
        self.rare.as_ref().and_then(|rare| rare.fragments.as_ref())
    }

    /// Bytes that wait, also behind a message in fragments.
    pub(in crate::io) fn queued(&self) -> usize {
        self.queue.len() + self.fragments().map_or(0, |fragments| fragments.behind.len())
    }

    /// Where whole messages go.
    pub(super) fn data_queue(&mut self) -> &mut Queue {
        match self.rare.as_mut().and_then(|rare| rare.fragments.as_mut()) {
            Some(fragments) => &mut fragments.behind,
            None => self.queue.queue(),
        }
    }

    /// Queues a frame that many share where whole messages go.
    pub(super) fn push_framed(&mut self, frame: &Arc<Framed>) {
        match self.rare.as_mut().and_then(|rare| rare.fragments.as_mut()) {
            Some(fragments) => fragments.behind.push_shared(frame.bytes().clone()),
            None => self.queue.push_framed(frame),
        }
    }

    /// Drops what waits behind a message that will never end.
    pub(super) fn drop_held_back(&mut self) {
        if let Some(fragments) = self.rare.as_mut().and_then(|rare| rare.fragments.as_mut()) {
            fragments.behind.clear();
        }
    }

    fn push_fragment(&mut self, kind: Kind, payload: &Bytes, fin: bool) -> Result<(), Error> {
        let mask = self.mask()?;
        let begun = match self.rare.as_mut().and_then(|rare| rare.fragments.as_mut()) {
            Some(fragments) => std::mem::replace(&mut fragments.begun, true),
            None => return Err(Error::closed()),
        };
        let opcode = match kind {
            _ if begun => OpCode::Continuation,
            Kind::Text => OpCode::Text,
            Kind::Binary => OpCode::Binary,
        };
        self.queue.queue().push_fragment(opcode, fin, payload, mask);
        Ok(())
    }

    /// Frees the place; what waited behind the message follows it.
    fn end_fragments(&mut self) {
        let ended = self.rare.as_mut().and_then(|rare| rare.fragments.take());
        if let Some(fragments) = ended {
            if self.state == State::Open {
                self.queue.queue().append(fragments.behind);
            }
            self.wake_waiters();
        }
    }
}
