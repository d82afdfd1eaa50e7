//! What POSTs bring to a session's task, until a WebSocket takes their place.

use super::{Inner, Session};
use crate::ends;
use rialto_protocol::CloseReason;
use rialto_protocol::engine::State;
use rialto_ws::{Message, WebSocket};
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

impl Session {
    /// Ready when the task has taken what POSTs have brought.
    pub(in crate::engine) fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        let open = inner.machine.is_open();
        match &mut inner.queues {
            Some(queues) if open && !queues.inbound.is_empty() => {
                queues.wait(cx);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// Whether a POST is being received or handled.
    pub(in crate::engine) fn has_post(&self) -> bool {
        self.inner.lock().machine.has_post()
    }

    /// The next message of a POST, for the session's task.
    pub(in crate::engine) fn take_inbound(&self) -> Option<Message> {
        let mut inner = self.inner.lock();
        let queues = inner.queues.as_mut()?;
        let message = queues.inbound.pop_front()?;
        // Only now: a handler that waits for room is woken by this too, and runs in the task that
        // asks here in each of its turns.
        if queues.inbound.is_empty() {
            queues.wake_waiters();
        }
        Some(message)
    }

    /// The upgrade is complete: what waits leaves by the WebSocket, and so does all that follows.
    pub(in crate::engine) fn move_to(&self, inner: &mut Inner, socket: WebSocket, base64: bool) {
        let sender = socket.sender();
        self.base64.store(base64, Ordering::Release);
        let mut full = false;
        if let Some(queues) = &mut inner.queues {
            queues.outbox.drain(|message| {
                // It was let in by the same budget, a packet of the protocol beyond it.
                full |= self.write_own(&sender, message).is_err();
            });
            queues.probe = None;
            queues.upgraded = Some(socket);
        }
        if full {
            // More was waiting for polls than the connection's budget takes at once.
            inner.farewell = Some(Box::new(ends::LATE));
            inner.machine.lost(CloseReason::TransportError);
        }
        if let State::Closing(reason) = inner.machine.state() {
            // The end was waiting for this: the task closes the WebSocket.
            inner.machine.lost(reason);
        }
        let _first = self.websocket.set(sender);
        inner.wake_poll();
        inner.wake_waiters();
        inner.wake_driver();
    }
}
