//! How a socket's time in its namespace ends.

use super::{Closed, Socket};
use crate::adapter::{SavedSession, SessionData};
use crate::encoded::{with_messages, with_scratch};
use crate::engine::SendError;
use crate::socketio::outgoing::OutgoingListeners;
use crate::socketio::returning::is_recoverable;
use rialto_protocol::CloseReason;
use rialto_protocol::socketio;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

impl Socket {
    /// True while the client is connected to the namespace.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.is_over()
    }

    /// Why the client is gone, once it is.
    #[must_use]
    pub fn disconnect_reason(&self) -> Option<CloseReason> {
        if self.is_over() { self.0.state.lock().reason } else { None }
    }

    /// Ready when the client is gone; says why. For tasks of your own. Cancel safe: dropped, it
    /// leaves nothing behind.
    pub fn closed(&self) -> impl Future<Output = CloseReason> + Send + 'static {
        self.wait_closed()
    }

    pub(in super::super) fn wait_closed(&self) -> Closed {
        Closed::of(self.clone())
    }

    /// Makes the client leave the namespace, and with `close` ends the connection under it.
    pub fn disconnect(&self, close: bool) {
        if !self.is_over() {
            self.say_goodbye();
            self.end(CloseReason::ServerNamespaceDisconnect);
            self.0.session.wake();
        }
        if close {
            // The other namespaces of the connection are told first, by its own task.
            self.0.session.evict();
        }
    }

    /// Tells the client that it is out. One that has no room even for that has to be cut off.
    fn say_goodbye(&self) {
        let session = &self.0.session;
        let sent = with_scratch(|out| match socketio::encode_disconnect(out, self.namespace()) {
            Ok(()) => {
                let parser = session.options().parser.as_ref();
                with_messages(parser, out, &[], |messages| session.send(messages))
                    .unwrap_or(Err(SendError::Closed))
            }
            Err(_) => Err(SendError::Closed),
        });
        if sent == Err(SendError::Full) {
            session.close_slow();
        }
    }

    /// Ends the Engine.IO connection as it is, as if the network had failed.
    pub fn close_connection(&self) {
        self.0.session.close(CloseReason::ForcedClose);
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }

    /// Marks the end, and ends everything that waits for this client. False if it was over.
    pub(in super::super) fn end(&self, reason: CloseReason) -> bool {
        let ended = self.0.state.lock().end(reason, &self.0.over);
        let Some((acks, wakers)) = ended else { return false };
        for pending in acks.into_values() {
            pending.resolve(&self.0.id, None);
        }
        wakers.into_iter().for_each(Waker::wake);
        true
    }

    /// From now on it cannot come back. Whoever sets this looks for a saved session afterwards,
    /// and whoever saves one looks at this afterwards: one of them finds it.
    pub(in super::super) fn bar(&self) {
        if let Some(identity) = &self.0.identity {
            identity.barred.store(true, Ordering::SeqCst);
        }
    }

    /// Leaves the namespace and all rooms.
    ///
    /// A client that may come back is remembered first.
    pub(in super::super) fn leave_namespace(&self) {
        let namespace = &self.0.namespace;
        if let (Some(recovery), Some(pid)) = (namespace.recovery(), self.pid())
            && self.disconnect_reason().is_some_and(is_recoverable)
        {
            let mut data = self.0.data.read().clone();
            // Who listened to this socket does not know of the next one.
            data.remove::<OutgoingListeners>();
            let data = SessionData::new(data);
            let rooms = namespace.adapter().rooms(&self.0.id);
            recovery.persist_session(SavedSession::new(
                Arc::clone(&self.0.id),
                pid.into(),
                rooms,
                data,
            ));
            if self.0.identity.as_ref().is_some_and(|it| it.barred.load(Ordering::SeqCst)) {
                recovery.forget_session(&self.0.id);
            }
        }
        namespace.leave(&self.0.id);
        if let (Some(returning), Some(pid)) = (namespace.returning(), self.pid()) {
            returning.depart(pid);
        }
    }
}
