//! Namespaces, and [`Io`]: the way to everyone in one.

use super::broadcast::{Broadcast, Rooms};
use super::core::Core;
use super::emit::Emit;
use super::handler::Handler;
use super::returning::Returning;
use crate::adapter::{Adapter, Recovery, RemoteSocket};
use crate::engine::Stats;
use crate::error::Result;
use crate::options::Options;
use serde::Serialize;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Failed listeners of a namespace that are worth a warning each; then the log would be the
/// peer's to fill.
const WARNINGS: u64 = 10;

/// A namespace.
pub(crate) struct Namespace {
    name: Arc<str>,
    handler: Arc<dyn Handler>,
    adapter: Arc<dyn Adapter>,
    core: Weak<Core>,
    next_ack: AtomicU64,
    /// Events that did not decode.
    undecoded: AtomicU64,
    /// Failed listeners that were reported.
    reports: AtomicU64,
    dynamic: bool,
    returning: Option<Box<Returning>>,
}

impl Namespace {
    pub(super) fn new(
        name: Arc<str>,
        handler: Arc<dyn Handler>,
        adapter: Arc<dyn Adapter>,
        core: Weak<Core>,
    ) -> Self {
        Self {
            name,
            handler,
            adapter,
            core,
            next_ack: AtomicU64::new(0),
            undecoded: AtomicU64::new(0),
            reports: AtomicU64::new(0),
            dynamic: false,
            returning: None,
        }
    }

    /// Switches connection state recovery on, if the options say so and the adapter can.
    pub(super) fn returning_by(mut self, options: &Options) -> Self {
        self.returning = Returning::new(options).map(Box::new);
        if self.returning.is_some() && self.adapter.recovery().is_none() {
            tracing::warn!(namespace = %self.name, "its adapter recovers no connection states");
            self.returning = None;
        }
        self
    }

    pub(super) fn returning(&self) -> Option<&Returning> {
        self.returning.as_deref()
    }

    /// The adapter's part in connection state recovery, if it is on.
    pub(super) fn recovery(&self) -> Option<&dyn Recovery> {
        self.returning.as_ref().and_then(|_| self.adapter.recovery())
    }

    /// How long sockets of this namespace can come back.
    pub(super) fn kept(&self) -> Duration {
        self.returning.as_ref().map_or(Duration::ZERO, |returning| returning.kept)
    }

    /// Marks a namespace that was made because its name fits a pattern.
    pub(super) fn dynamic(self) -> Self {
        Self { dynamic: true, ..self }
    }

    pub(super) fn is_dynamic(&self) -> bool {
        self.dynamic
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn handler(&self) -> &Arc<dyn Handler> {
        &self.handler
    }

    pub(super) fn adapter(&self) -> &dyn Adapter {
        self.adapter.as_ref()
    }

    /// A number that no other ack of this namespace has.
    pub(super) fn next_ack(&self) -> u64 {
        self.next_ack.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn count_undecoded(&self) {
        self.undecoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a failed listener; true if it is one of the first.
    pub(super) fn count_report(&self) -> bool {
        self.reports.fetch_add(1, Ordering::Relaxed) < WARNINGS
    }

    /// How long a broadcast waits for acks unless told otherwise.
    pub(super) fn ack_timeout(&self) -> Duration {
        match self.core.upgrade() {
            Some(core) => core.options.ack_timeout,
            None => Duration::ZERO,
        }
    }

    /// A socket leaves.
    pub(super) fn leave(self: &Arc<Self>, id: &str) {
        self.adapter.remove(id);
        if let Some(core) = self.core.upgrade() {
            core.tidy(self);
        }
    }
}

/// Emits to everyone in a namespace, from anywhere: handlers, HTTP routes, tasks of your own.
///
/// Cloning costs a reference count.
#[derive(Clone)]
pub struct Io(Arc<Namespace>);

impl Io {
    pub(crate) fn new(namespace: Arc<Namespace>) -> Self {
        Self(namespace)
    }

    /// Another namespace of the same server, if it exists; the leading `/` may be left out.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Option<Self> {
        let core = self.0.core.upgrade()?;
        let name = namespace.trim_start_matches('/');
        core.existing(&format!("/{name}")).map(Self)
    }

    /// The namespace's name.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.name()
    }

    /// Emits an event to everyone in the namespace.
    ///
    /// It is handed to every client before this returns, and waits for none: for one that reads too
    /// slowly, [`Options::slow_peer`](crate::Options) decides. Awaiting the result says whether the
    /// arguments could be sent, and lets other tasks run now and then.
    pub fn emit(&self, name: &str, args: impl Serialize) -> Emit {
        self.everyone().emit(name, args)
    }

    /// Emits a variant of an enum to everyone in the namespace: the counterpart of
    /// [`Event::read`](crate::Event::read).
    pub fn send(&self, event: &impl Serialize) -> Emit {
        self.everyone().send(event)
    }

    /// To everyone in these rooms.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.everyone().to(rooms)
    }

    /// To everyone outside these rooms.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.everyone().except(rooms)
    }

    /// To everyone on this machine.
    pub fn local(&self) -> Broadcast {
        self.everyone().local()
    }

    /// To everyone who is ready for it.
    pub fn volatile(&self) -> Broadcast {
        self.everyone().volatile()
    }

    /// To everyone, with a time for acks.
    pub fn timeout(&self, limit: Duration) -> Broadcast {
        self.everyone().timeout(limit)
    }

    fn everyone(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.0))
    }

    /// The sockets in the namespace.
    ///
    /// # Errors
    /// If other machines do not answer in time.
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>> {
        self.everyone().fetch_sockets().await
    }

    /// How many sockets of this machine are in the namespace.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.adapter().count()
    }

    /// How the server is doing: connections, what waits for slow ones, what became of others.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.core.upgrade().map(|core| core.host.stats()).unwrap_or_default()
    }

    /// How many events of this namespace did not decode and were dropped, since the start.
    #[must_use]
    pub fn undecoded(&self) -> u64 {
        self.0.undecoded.load(Ordering::Relaxed)
    }

    /// The server's state of this type: see [`Server::state`](crate::Server::state).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.core.upgrade()?.state.get()
    }

    /// Closes every connection of the server, with 1001 and the reason `server shutting down`, and
    /// waits until they are gone, at most [`Options::drain_timeout`](crate::Options).
    pub async fn close(&self) {
        let Some(core) = self.0.core.upgrade() else { return };
        let limit = core.options.drain_timeout;
        let drained = async {
            while core.close(true) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!(left = core.close(false), "clients did not go in time");
        }
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("namespace", &self.0.name()).finish_non_exhaustive()
    }
}
