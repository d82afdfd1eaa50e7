//! What a session on long-polling keeps between requests.

use super::host::Host;
use super::outbox::Outbox;
use rialto_ws::{Message, Sender, WebSocket};
use std::collections::VecDeque;
use std::task::{Context, Waker};

/// What a session on long-polling has and one on a WebSocket does without.
pub(super) struct Queues {
    pub(super) outbox: Outbox,
    /// Messages of POST bodies that the session's task has not taken yet.
    pub(super) inbound: VecDeque<Message>,
    /// A WebSocket that has completed its upgrade, for the session's task to take.
    pub(super) upgraded: Option<WebSocket>,
    /// The connection that is being probed.
    pub(super) probe: Option<Sender>,
    pub(super) poll: Option<Waker>,
    /// Senders that wait for room in the outbox.
    waiters: Vec<Waker>,
}

impl Queues {
    pub(super) fn new(host: &Host) -> Box<Self> {
        Box::new(Self {
            outbox: Outbox::new(host.buffered.charge()),
            inbound: VecDeque::new(),
            upgraded: None,
            probe: None,
            poll: None,
            waiters: Vec::new(),
        })
    }

    pub(super) fn wake_poll(&mut self) {
        if let Some(waker) = self.poll.take() {
            waker.wake();
        }
    }

    /// Registers a sender, once however often it asks.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiters.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiters.push(cx.waker().clone());
        }
    }

    pub(super) fn wake_waiters(&mut self) {
        for waker in self.waiters.drain(..) {
            waker.wake();
        }
    }
}

impl Drop for Queues {
    /// Whoever still waits here is to look elsewhere.
    fn drop(&mut self) {
        self.wake_poll();
        self.wake_waiters();
    }
}
