//! Messages on their way into the queue: whether the budget has room, and who waits for it.

use super::leaving::Leave;
use super::{Drain, Outgoing, Refused, Shared, State, Writer};
use crate::budget::SharedBudget;
use crate::error::Error;
use crate::proto::MessageRef;
use std::sync::Arc;
use std::task::{Context, Poll};

impl Shared {
    /// Queues within the budget, or not at all.
    pub(crate) fn try_send(self: &Arc<Self>, out: &Outgoing<'_>) -> Result<(), Refused> {
        let mut writer = self.writer.lock();
        self.check_room(&mut writer)?;
        writer.push(out).map_err(|_| Refused::Closed)?;
        self.after_push(&mut writer);
        Ok(())
    }

    /// [`Shared::try_send`] of a message that may take of so many bytes beyond the budget.
    pub(crate) fn try_send_beyond(
        self: &Arc<Self>,
        message: MessageRef<'_>,
        reserve: usize,
    ) -> Result<(), Refused> {
        let mut writer = self.writer.lock();
        match self.check_room(&mut writer) {
            Ok(()) => {}
            Err(Refused::Full) if writer.jam().beyond < reserve => {
                writer.jam().beyond += message.as_bytes().len();
            }
            Err(refused) => return Err(refused),
        }
        writer.push(&Outgoing::Borrowed(message)).map_err(|_| Refused::Closed)?;
        self.after_push(&mut writer);
        Ok(())
    }

    /// Queues what is no frame; for the time before the first one.
    pub(crate) fn precede(self: &Arc<Self>, bytes: &[u8]) {
        let mut writer = self.writer.lock();
        if writer.state == State::Open {
            writer.queue.queue().push_raw(bytes);
            self.after_push(&mut writer);
        }
    }

    /// Whether a message may be queued now.
    pub(super) fn check_room(self: &Arc<Self>, writer: &mut Writer) -> Result<(), Refused> {
        if writer.state == State::Open && self.has_room(writer) {
            return Ok(());
        }
        self.make_room(writer)
    }

    /// A message is taken while less than the budget waits, so the last one may exceed it: that
    /// keeps messages larger than the budget possible, and the answer the same for all sizes.
    fn has_room(&self, writer: &Writer) -> bool {
        let exhausted = || self.fleet.shared.as_ref().is_some_and(SharedBudget::is_exhausted);
        writer.queued() < self.budget() && !(writer.drain == Drain::Blocked && exhausted())
    }

    /// Counts what waits against the budget that is shared, while the socket takes too little.
    pub(super) fn charge(&self, writer: &mut Writer) {
        let Some(shared) = &self.fleet.shared else { return };
        let bytes = writer.queued();
        writer.jam().charge.get_or_insert_with(|| shared.charge()).set(bytes);
    }

    #[cold]
    fn make_room(self: &Arc<Self>, writer: &mut Writer) -> Result<(), Refused> {
        if writer.state == State::Open {
            // What a turn has gathered may be all that is in the way.
            self.flush(writer);
        }
        if writer.state != State::Open {
            return Err(Refused::Closed);
        }
        if self.has_room(writer) { Ok(()) } else { Err(Refused::Full) }
    }

    /// Queues all of it side by side within the budget, or nothing.
    pub(crate) fn try_send_group<'a>(
        self: &Arc<Self>,
        group: impl Iterator<Item = Outgoing<'a>>,
    ) -> Result<(), Refused> {
        let mut writer = self.writer.lock();
        self.check_room(&mut writer)?;
        for out in group {
            writer.push(&out).map_err(|_| Refused::Closed)?;
        }
        self.after_push(&mut writer);
        Ok(())
    }

    /// Queues, or does what the policy for slow peers says: waits until the budget has room.
    pub(crate) fn poll_send(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        out: &Outgoing<'_>,
    ) -> Poll<Result<(), Error>> {
        self.poll_push(cx, out, Leave::Now)
    }

    /// [`Shared::poll_send`] without a system call for this message alone.
    pub(crate) fn poll_feed(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        out: &Outgoing<'_>,
    ) -> Poll<Result<(), Error>> {
        self.poll_push(cx, out, Leave::Later)
    }

    fn poll_push(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        out: &Outgoing<'_>,
        leave: Leave,
    ) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        if writer.rare.is_some()
            && let Some(outcome) = self.apply_policy(&mut writer)
        {
            return Poll::Ready(outcome);
        }
        std::task::ready!(self.poll_budget(&mut writer, cx))?;
        writer.push(out)?;
        self.after_push_with(&mut writer, leave);
        Poll::Ready(Ok(()))
    }

    /// Queues what [`Shared::poll_room`] has promised a place, whoever has come between.
    pub(crate) fn feed(self: &Arc<Self>, out: &Outgoing<'_>) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        if writer.state != State::Open {
            return Err(Error::closed());
        }
        writer.push(out)?;
        self.after_push_with(&mut writer, Leave::Later);
        Ok(())
    }

    /// Ready when a message would be queued at once.
    pub(crate) fn poll_room(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_budget(&mut self.writer.lock(), cx)
    }

    pub(super) fn poll_budget(
        self: &Arc<Self>,
        writer: &mut Writer,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        match self.check_room(writer) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(Refused::Closed) => Poll::Ready(Err(Error::closed())),
            Err(Refused::Full) => {
                writer.wait(cx);
                Poll::Pending
            }
        }
    }
}
