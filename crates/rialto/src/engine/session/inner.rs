//! The part of a session behind its lock: who is to be woken, and what polls still have to say.

use super::Inner;
use crate::ends::End;
use crate::engine::revision3::Payload;
use rialto_protocol::engine::Version;
use rialto_ws::{Message, Sender, WebSocket};
use std::task::{Context, Poll};

impl Inner {
    pub(super) fn register_driver(&mut self, cx: &Context<'_>) {
        if !self.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
    }

    pub(super) fn wake_driver(&self) {
        if let Some(waker) = &self.driver {
            waker.wake_by_ref();
        }
    }

    /// Says why the session is over, if it is and nobody has said so before.
    pub(in crate::engine) fn explain(&mut self, end: End) {
        if !self.machine.is_open() {
            self.farewell.get_or_insert_with(|| Box::new(end));
        }
    }

    /// A ping of revision 3 has come by a POST.
    pub(in crate::engine) fn answer_ping(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.outbox.push_pong();
            queues.wake_poll();
        }
    }

    /// Takes messages that a POST has brought; true if the task had taken all earlier ones,
    /// `None` if it takes nothing from POSTs any more.
    pub(in crate::engine) fn deliver(&mut self, messages: Vec<Message>) -> Option<bool> {
        let queues = self.queues.as_mut()?;
        let was_empty = queues.inbound.is_empty();
        queues.inbound.extend(messages);
        self.wake_driver();
        Some(was_empty)
    }

    /// Registers the waiting poll.
    pub(in crate::engine) fn register_poll(&mut self, cx: &Context<'_>) {
        match &mut self.queues {
            Some(queues) => queues.poll = Some(cx.waker().clone()),
            // It is being released.
            None => cx.waker().wake_by_ref(),
        }
    }

    pub(super) fn wake_poll(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.wake_poll();
        }
    }

    /// Registers a sender that waits for room.
    pub(super) fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        match &mut self.queues {
            Some(queues) => queues.wait(cx),
            None => cx.waker().wake_by_ref(),
        }
        Poll::Pending
    }

    pub(super) fn wake_waiters(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.wake_waiters();
        }
    }

    /// Whether something waits for the next poll.
    pub(in crate::engine) fn has_waiting(&self) -> bool {
        self.queues.as_ref().is_some_and(|queues| !queues.outbox.is_empty())
    }

    /// What waits for the next poll, as far as it fits `limit` bytes; makes room for more.
    pub(in crate::engine) fn take_payload(
        &mut self,
        version: Version,
        base64: bool,
        limit: usize,
    ) -> Payload {
        let Some(queues) = &mut self.queues else { return Payload::control(version, "6") };
        let body = Payload::take(&mut queues.outbox, version, base64, limit);
        queues.wake_waiters();
        body
    }

    pub(super) fn clear(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.outbox.clear();
        }
    }

    /// The connection that is being probed, while the session lives on polling.
    pub(in crate::engine) fn set_probe(&mut self, probe: Option<Sender>) {
        if let Some(queues) = &mut self.queues {
            queues.probe = probe;
        }
    }

    pub(super) fn take_probe(&mut self) -> Option<Sender> {
        self.queues.as_mut()?.probe.take()
    }

    /// The WebSocket that the session has moved to, once nothing is left of the time before.
    pub(super) fn take_upgraded(&mut self) -> Option<WebSocket> {
        let taken =
            self.queues.take_if(|queues| queues.upgraded.is_some() && queues.inbound.is_empty());
        taken?.upgraded.take()
    }
}
