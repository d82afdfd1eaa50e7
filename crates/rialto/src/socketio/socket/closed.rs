//! Waiting for the end of a [`Socket`].

use super::Socket;
use rialto_protocol::CloseReason;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Ready when the client is gone: what [`Socket::closed`] gives. Dropped before, it leaves nothing
/// behind.
pub(in super::super) struct Closed {
    socket: Socket,
    /// Where its waker lies.
    slot: Option<usize>,
}

impl Closed {
    pub(super) fn of(socket: Socket) -> Self {
        Self { socket, slot: None }
    }

    pub(in super::super) fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl Future for Closed {
    type Output = CloseReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let this = &mut *self;
        let mut state = this.socket.0.state.lock();
        if let Some(reason) = state.reason {
            return Poll::Ready(reason);
        }
        let replaced = state.wait_for_end(&mut this.slot, cx);
        drop(state);
        // It may hold a task with code of the program, which nothing may be locked for.
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let waker = self.socket.0.state.lock().wait_no_more(slot);
            drop(waker);
        }
    }
}
