//! What happens to a message for which the send budget has no room.

use super::fragments::Fragments;
use super::{Outgoing, Refused, Shared, Writer};
use crate::error::Error;
use crate::options::SlowPeer;
use crate::prepared::Prepared;
use crate::proto::CloseFrame;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What few connections need of a writer: a policy other than to wait, losses, a message that
/// leaves in fragments.
#[derive(Default)]
pub(super) struct Rare {
    policy: SlowPeer,
    dropped: u64,
    pub(super) fragments: Option<Fragments>,
}

impl Rare {
    pub(super) fn of(policy: &SlowPeer) -> Option<Box<Self>> {
        match policy {
            SlowPeer::Wait => None,
            policy => Some(Box::new(Self { policy: policy.clone(), ..Self::default() })),
        }
    }
}

impl Shared {
    /// Messages that were dropped because the budget had no room for them.
    pub(crate) fn dropped(&self) -> u64 {
        self.writer.lock().rare.as_ref().map_or(0, |rare| rare.dropped)
    }

    /// Queues a message for one of many, by the group's policy: `close` or drop and count.
    pub(crate) fn publish(
        self: &Arc<Self>,
        message: &Prepared,
        close: Option<&CloseFrame>,
    ) -> Result<(), Refused> {
        let mut writer = self.writer.lock();
        match self.check_room(&mut writer) {
            Ok(()) => {
                writer.push(&Outgoing::Prepared(message)).map_err(|_| Refused::Closed)?;
                self.after_push(&mut writer);
                Ok(())
            }
            Err(Refused::Full) => {
                writer.rare_mut().dropped += 1;
                if let Some(frame) = close {
                    self.close_slow(&mut writer, frame);
                }
                Err(Refused::Full)
            }
            Err(refused) => Err(refused),
        }
    }

    /// Queues a message for one of many, or waits until the budget has room, whatever the policy.
    pub(crate) fn poll_publish(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        message: &Prepared,
    ) -> Poll<Result<(), Error>> {
        let mut writer = self.writer.lock();
        ready!(self.poll_budget(&mut writer, cx))?;
        writer.push(&Outgoing::Prepared(message))?;
        self.after_push(&mut writer);
        Poll::Ready(Ok(()))
    }

    /// For `send` and `feed`: the outcome, where the policy does not let them wait.
    pub(super) fn apply_policy(self: &Arc<Self>, writer: &mut Writer) -> Option<Result<(), Error>> {
        if matches!(writer.rare.as_ref()?.policy, SlowPeer::Wait) {
            return None;
        }
        match self.check_room(writer) {
            Ok(()) => return None,
            Err(Refused::Closed) => return Some(Err(Error::closed())),
            Err(Refused::Full) => {}
        }
        let rare = writer.rare_mut();
        rare.dropped += 1;
        let SlowPeer::Close(frame) = &rare.policy else { return Some(Ok(())) };
        let frame = frame.clone();
        self.close_slow(writer, &frame);
        Some(Err(Error::full()))
    }

    fn close_slow(self: &Arc<Self>, writer: &mut Writer, frame: &CloseFrame) {
        tracing::debug!(code = %frame.code, "closing: the peer reads too slowly");
        if self.close_locked(writer, frame, false) {
            self.limit_close();
        }
    }

    /// [`Shared::close`] from afar: whatever the receiving half waits for, the connection ends
    /// when the time for the closing handshake is over. False if it was closed or closing.
    pub(crate) fn close_in_time(self: &Arc<Self>, frame: &CloseFrame) -> bool {
        let mut writer = self.writer.lock();
        let first = self.close_locked(&mut writer, frame, false);
        if first {
            self.limit_close();
        }
        first
    }
}

impl Writer {
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}
