//! When what is queued leaves: at once, at the end of a turn, or when the socket takes it.

use super::{Drain, Shared, State, Writer};
use crate::error::Error;
use crate::io::stream::WriteHalf;
use crate::io::turn::{self, Token};
use crate::proto::OpCode;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

/// A turn's bytes are flushed early from this size on.
const CORK_LIMIT: usize = 64 * 1024;

/// When what is queued leaves, outside a turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    Now,
    /// With what follows it; at the latest when the runtime gets to the drain task.
    Later,
}

impl Shared {
    /// Ready when everything queued has been taken by the kernel.
    pub(crate) fn poll_flushed(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        self.flush(&mut writer);
        if writer.failed {
            return Poll::Ready(Err(Error::closed()));
        }
        if writer.queued() == 0 && writer.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        writer.wait(cx);
        Poll::Pending
    }

    /// Flushes what a drain task was to flush, now that the reader has no more input.
    pub(crate) fn flush_corked(self: &Arc<Self>) {
        let mut writer = self.writer.lock();
        if writer.drain == Drain::Scheduled {
            self.flush(&mut writer);
        }
    }

    /// The end of a turn.
    pub(crate) fn end_turn(self: &Arc<Self>, token: Token) {
        let mut writer = self.writer.lock();
        if writer.mark == token {
            writer.mark = 0;
        }
        self.flush(&mut writer);
    }

    pub(super) fn after_push(self: &Arc<Self>, writer: &mut Writer) {
        self.after_push_with(writer, Leave::Now);
    }

    /// Decides when what was just queued leaves.
    pub(super) fn after_push_with(self: &Arc<Self>, writer: &mut Writer, leave: Leave) {
        if writer.drain == Drain::Blocked {
            return self.charge(writer);
        }
        if writer.queue.len() < CORK_LIMIT {
            if let Some(token) = turn::defer(self, writer.mark) {
                writer.mark = token;
                return;
            }
            if leave == Leave::Later || self.more.load(Ordering::Relaxed) {
                self.schedule_drain(writer);
                return;
            }
        }
        self.flush(writer);
    }

    /// Writes what the socket takes; the rest is left to the drain task.
    pub(in crate::io) fn flush(self: &Arc<Self>, writer: &mut Writer) {
        if writer.drain == Drain::Blocked || writer.state == State::Shut {
            return;
        }
        let before = writer.queue.len();
        match writer.queue.try_flush(&mut writer.io) {
            Ok(true) if !writer.unflushed() && (!writer.shutdown || writer.end_now()) => {}
            Ok(true) => self.schedule_drain(writer),
            Ok(false) => {
                self.schedule_drain(writer);
                // Now, not when the drain task runs: on another thread that may be late.
                writer.drain = Drain::Blocked;
                self.charge(writer);
            }
            Err(error) => {
                tracing::debug!(%error, "writing to the peer failed");
                writer.fail();
            }
        }
        // Only if it has changed anything: else two who wait, and flush for it, wake each other.
        if writer.jam.is_some()
            && writer.queue.len() < before
            && writer.queue.len() <= self.budget() / 2
        {
            writer.wake_waiters();
        }
    }

    fn schedule_drain(self: &Arc<Self>, writer: &mut Writer) {
        if writer.drain == Drain::Idle {
            writer.drain = Drain::Scheduled;
            self.runtime().spawn(DrainTask(Arc::clone(self)));
        }
    }

    fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut writer = self.writer.lock();
        match writer.poll_drain(cx) {
            Poll::Pending => {
                writer.drain = Drain::Blocked;
                writer.jam().drain_waker = Some(cx.waker().clone());
                self.charge(&mut writer);
                if writer.queue.len() <= self.budget() / 2 {
                    writer.jam().beyond = 0;
                    writer.wake_waiters();
                }
                Poll::Pending
            }
            Poll::Ready(result) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "writing to the peer failed");
                    writer.fail();
                }
                writer.drain = Drain::Idle;
                writer.wake_waiters();
                writer.jam = None;
                Poll::Ready(())
            }
        }
    }
}

/// Writes what the socket would not take at once, then ends.
struct DrainTask(Arc<Shared>);

impl Future for DrainTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_drain(cx)
    }
}

impl Writer {
    /// True if the stream keeps no bytes of its own. Where the drain task waits for it, it does.
    pub(super) fn is_flushed(&mut self) -> bool {
        match self.drain {
            Drain::Idle => true,
            Drain::Scheduled => !self.shutdown && !self.unflushed(),
            Drain::Blocked => false,
        }
    }

    /// True if the stream keeps bytes of its own that have to be flushed by polling.
    fn unflushed(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        self.io.poll_flush(cx).is_pending()
    }

    /// Ends our direction of the stream if that takes no time; what fails is left to the drain
    /// task.
    fn end_now(&mut self) -> bool {
        let ended = self.io.try_shutdown();
        if ended {
            self.state = State::Shut;
            self.io = WriteHalf::Gone;
            self.wake_waiters();
        }
        ended
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state == State::Shut {
            return Poll::Ready(Ok(()));
        }
        loop {
            let before = self.queue.len();
            let flushed = self.queue.poll_flush(&mut self.io, cx);
            self.pulse.taken |= self.queue.len() < before;
            std::task::ready!(flushed)?;
            match self.jam.as_mut().and_then(|jam| jam.late_pong.take()) {
                Some(payload) if self.state == State::Open => {
                    self.push_control(OpCode::Pong, &payload)?;
                }
                _ => break,
            }
        }
        std::task::ready!(self.io.poll_flush(cx))?;
        if self.shutdown {
            std::task::ready!(self.io.poll_shutdown(cx))?;
            self.state = State::Shut;
            self.io = WriteHalf::Gone;
        }
        Poll::Ready(Ok(()))
    }
}
