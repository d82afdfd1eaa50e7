//! What a session's task does in each of its turns: deadlines, pings, what has changed meanwhile.

use super::sending::beyond;
use super::{Inner, Session};
use crate::ends::{self, End};
use rialto_protocol::CloseReason;
use rialto_protocol::engine::{self, Packet, Received, State, Timeout, Transport};
use rialto_ws::{MessageRef, WebSocket};
use std::task::Context;
use std::time::Instant;

/// What the session's task has to know at the start of each of its turns.
pub(in crate::engine) struct Signals {
    pub(in crate::engine) closed: Option<CloseReason>,
    pub(in crate::engine) upgraded: Option<WebSocket>,
    pub(in crate::engine) deadline: Option<Instant>,
    pub(in crate::engine) farewell: Option<End>,
}

impl Session {
    /// What the session's task has to know; registers the task to be woken by later changes.
    pub(in crate::engine) fn signals(
        &self,
        cx: &mut Context<'_>,
        now: Instant,
        heard: bool,
    ) -> Signals {
        let mut inner = self.inner.lock();
        inner.register_driver(cx);
        if heard {
            inner.machine.heard(now);
        }
        while let Some(timeout) = inner.machine.handle_timeout(now) {
            self.handle_timeout(&mut inner, timeout);
        }
        if inner.machine.is_open() && self.has_stalled(&inner, now) {
            tracing::warn!("a client on long-polling fetches nothing of what waits for it");
            self.counters().closed_slow();
            inner.machine.lost(CloseReason::TransportError);
            inner.explain(ends::UNFETCHED);
            self.settle(&mut inner);
        }
        let closed = match inner.machine.state() {
            State::Open => None,
            State::Closing(reason) | State::Closed(reason) => Some(reason),
        };
        let due = inner.machine.poll_timeout();
        Signals {
            closed,
            upgraded: inner.take_upgraded(),
            deadline: due.map(|due| self.next_look(due, now)),
            farewell: inner.farewell.as_deref().copied(),
        }
    }

    /// What waits for polls is looked after once per ping, also while one is not answered, and
    /// where clients ping by themselves.
    fn next_look(&self, due: Instant, now: Instant) -> Instant {
        if self.transport() == Transport::WebSocket || self.options().stall_timeout.is_none() {
            return due;
        }
        now.checked_add(self.options().ping_interval).map_or(due, |look| due.min(look))
    }

    /// Whether a client on long-polling has left something lie for too long.
    fn has_stalled(&self, inner: &Inner, now: Instant) -> bool {
        let Some(limit) = self.options().stall_timeout else { return false };
        let waits = inner.queues.as_ref().and_then(|queues| queues.outbox.waits_since());
        waits.is_some_and(|since| now.saturating_duration_since(since) >= limit)
    }

    fn handle_timeout(&self, inner: &mut Inner, timeout: Timeout) {
        match timeout {
            Timeout::Ping => match self.websocket.get() {
                // Without room for a ping the peer has taken nothing for long: its deadline stands.
                Some(sender) => {
                    let _sent = beyond(sender, MessageRef::Text("2"));
                }
                None => {
                    if let Some(queues) = &mut inner.queues {
                        queues.outbox.push(MessageRef::Text("2"));
                        queues.wake_poll();
                    }
                }
            },
            Timeout::ProbeExpired => {
                if let Some(probe) = inner.take_probe() {
                    probe.close(ends::SLOW_UPGRADE.code, ends::SLOW_UPGRADE.text);
                }
            }
            Timeout::Closed(_) => self.settle(inner),
        }
    }

    /// A packet of the WebSocket that is not a message.
    pub(in crate::engine) fn receive_control(
        &self,
        packet: &Packet<'_>,
        now: Instant,
    ) -> Result<(), engine::Violation> {
        let received = self.update(|inner| {
            let received = inner.machine.receive(packet, now)?;
            inner.explain(ends::LEFT);
            Ok(received)
        })?;
        if received == Received::Ping
            && let Some(sender) = self.websocket.get()
        {
            // Without room for a pong the peer has taken nothing for long, and sends on.
            let _sent = beyond(sender, MessageRef::Text("3"));
        }
        Ok(())
    }
}
