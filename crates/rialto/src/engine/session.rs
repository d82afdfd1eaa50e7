//! One session: what its HTTP requests, its WebSocket, its task and its senders share.

mod inner;
mod posts;
mod sending;
mod turns;

pub(crate) use sending::SendError;

use super::host::{Counters, Home};
use super::id::Id;
use super::line::Line;
use super::queues::Queues;
use super::server::Engine;
use crate::ends::{self, End};
use crate::options::Options;
use parking_lot::Mutex;
use rialto_protocol::CloseReason;
use rialto_protocol::engine::{self, State, Version};
use rialto_ws::{Sender, WebSocket};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Instant;
use tokio::runtime::Handle;

/// An Engine.IO session.
///
/// Once it lives on a WebSocket, sending goes straight to that connection's queue and takes
/// no lock here.
pub(crate) struct Session {
    id: Id,
    engine: Arc<Engine>,
    websocket: OnceLock<Sender>,
    open: AtomicBool,
    version: Version,
    /// A client of revision 3 that cannot receive binary on its present transport.
    base64: AtomicBool,
    /// See [`Session::evict`].
    evicted: AtomicBool,
    /// Where its task runs.
    home: Home,
    line: Line,
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    pub(super) machine: engine::Session,
    /// Nothing once the session's task has its WebSocket.
    queues: Option<Box<Queues>>,
    driver: Option<Waker>,
    /// What the WebSocket's Close frame says.
    farewell: Option<Box<End>>,
}

impl Session {
    pub(super) fn new(
        id: Id,
        engine: Arc<Engine>,
        machine: engine::Session,
        websocket: Option<&WebSocket>,
        base64: bool,
    ) -> Self {
        let (version, home) = (machine.version(), engine.host().here());
        let sender = websocket.map_or_else(OnceLock::new, |ws| OnceLock::from(ws.sender()));
        let inner = Inner {
            machine,
            queues: websocket.is_none().then(|| Queues::new(engine.host())),
            driver: None,
            farewell: None,
        };
        Self {
            id,
            engine,
            websocket: sender,
            open: AtomicBool::new(true),
            version,
            base64: AtomicBool::new(base64),
            evicted: AtomicBool::new(false),
            home,
            line: Line::default(),
            inner: Mutex::new(inner),
        }
    }

    /// The session's secret id; clients of revision 3 have no other.
    pub(crate) fn id(&self) -> &str {
        self.id.as_str()
    }

    /// [`Session::id`] for those who only compare it.
    pub(super) fn id_bytes(&self) -> &[u8] {
        self.id.as_bytes()
    }

    /// What it is a session of.
    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The worker on which its task runs, if this is called on another.
    pub(super) fn elsewhere(&self) -> Option<&Handle> {
        self.engine.host().elsewhere(self.home)
    }

    pub(crate) fn options(&self) -> &Arc<Options> {
        &self.engine.host().options
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.engine.host().counters
    }

    /// Cuts off a peer that has no room for what cannot wait.
    pub(crate) fn close_slow(&self) {
        if self.is_open() {
            self.counters().closed_slow();
        }
        self.close_with(CloseReason::TransportError, ends::SLOW);
    }

    /// Says in the log that a message of the client is over the limit: its own side shows no more
    /// than a lost connection. Its size is known where it was announced.
    pub(crate) fn warn_of_large(&self, size: Option<u64>, peer: Option<SocketAddr>) {
        if self.counters().large.due() {
            let (limit, transport) = (self.options().max_payload, self.transport().as_str());
            tracing::warn!(?size, limit, transport, ?peer, "a message is over `max_payload`");
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// The revision of Engine.IO that the client speaks.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Whether the client cannot receive binary on its present transport.
    pub(super) fn base64(&self) -> bool {
        self.base64.load(Ordering::Acquire)
    }

    /// Ends the session from this side: what is queued leaves first, then the news.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.close_with(reason, ends::CLOSED);
    }

    /// [`Session::close`] with the code and text of a WebSocket's Close frame.
    pub(crate) fn close_with(&self, reason: CloseReason, end: End) {
        let mut inner = self.inner.lock();
        if !inner.machine.is_open() {
            return;
        }
        inner.machine.close(reason, Instant::now());
        inner.farewell = Some(Box::new(end));
        if self.websocket.get().is_some() {
            inner.machine.lost(reason);
        }
        self.settle(&mut inner);
    }

    /// Ends the session because the peer broke a rule.
    pub(crate) fn fail(&self, reason: CloseReason, end: End) {
        let mut inner = self.inner.lock();
        if self.websocket.get().is_none() && inner.machine.is_moving() {
            inner.machine.close(reason, Instant::now());
        } else {
            inner.machine.lost(reason);
        }
        inner.farewell.get_or_insert_with(|| Box::new(end));
        self.settle(&mut inner);
    }

    /// Asks the layer above to take leave of its client and to close the session.
    pub(crate) fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        self.wake();
    }

    /// True once after [`Session::evict`].
    pub(crate) fn take_eviction(&self) -> bool {
        self.evicted.load(Ordering::Acquire) && self.evicted.swap(false, Ordering::AcqRel)
    }

    /// Runs `change` on the shared state and wakes whoever it concerns.
    pub(super) fn update<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        let mut inner = self.inner.lock();
        let armed = inner.machine.poll_timeout();
        let result = change(&mut inner);
        self.settle(&mut inner);
        // The task sleeps until the deadline that it knows of, or an earlier one.
        let due = inner.machine.poll_timeout();
        if due.is_some_and(|due| armed.is_none_or(|armed| due < armed)) {
            inner.wake_driver();
        }
        result
    }

    /// After a change: polls and probes that must not wait longer, the task, waiting senders.
    fn settle(&self, inner: &mut Inner) {
        let open = inner.machine.is_open();
        if !open
            && !inner.machine.is_moving()
            && let Some(probe) = inner.take_probe()
        {
            probe.close(ends::PROBE_OVER.code, ends::PROBE_OVER.text);
        }
        if !open && self.open.swap(false, Ordering::AcqRel) {
            inner.wake_waiters();
            inner.wake_driver();
        }
        if inner.machine.must_release_poll() {
            inner.wake_poll();
        }
        if matches!(inner.machine.state(), State::Closed(_)) {
            inner.clear();
            inner.wake_driver();
            inner.wake_poll();
        }
    }

    /// Wakes the session's task: something above it has changed.
    pub(crate) fn wake(&self) {
        self.inner.lock().wake_driver();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allocators give out 192 bytes, and 224 for one more.
    #[test]
    fn a_session_is_one_small_block() {
        let size = size_of::<Session>() + 2 * size_of::<usize>();
        assert!(size <= 192, "{size} bytes");
    }
}
