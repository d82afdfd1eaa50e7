//! What the sessions of a server share: its options, its counters, the bound on its buffers.

use super::addresses::{Addresses, Crowded, Place};
use crate::options::Options;
use crate::warnings::Warnings;
use parking_lot::Mutex;
use rialto_protocol::CloseReason;
use rialto_ws::SharedBudget;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::runtime::Handle;

/// What the sessions of a server share.
pub(crate) struct Host {
    pub(crate) options: Arc<Options>,
    /// Bytes that wait for slow peers.
    pub(crate) buffered: SharedBudget,
    pub(crate) counters: Counters,
    /// How many sessions each address has, if that is limited.
    addresses: Option<Arc<Addresses>>,
    /// The runtimes of a server that has one per core.
    workers: OnceLock<Vec<Handle>>,
}

/// On which worker something lives; [`Home::default`] without workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Home(u16);

/// Counts since the server began, and how many connections it has.
#[derive(Default)]
pub(crate) struct Counters {
    connections: AtomicUsize,
    dropped_volatile: AtomicU64,
    dropped: AtomicU64,
    closed_slow: AtomicU64,
    closed: Mutex<BTreeMap<CloseReason, u64>>,
    /// Of addresses with too many connections, and of messages that are too large.
    pub(super) crowded: Warnings,
    pub(super) large: Warnings,
}

/// How a server is doing, at one moment: see [`Io::stats`](crate::Io::stats).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions that are open, and those that are just closing.
    pub connections: usize,
    /// Bytes that wait for peers that read too slowly; never far above
    /// [`Options::max_buffered`].
    pub buffered: usize,
    /// Volatile events that were dropped because their peer was not ready.
    pub dropped_volatile: u64,
    /// Events that were dropped by [`SlowPeer::Drop`](crate::SlowPeer::Drop).
    pub dropped: u64,
    /// Connections that were closed because their peer read too slowly.
    pub closed_slow: u64,
    /// How many connections have ended for which reason.
    pub closed: BTreeMap<CloseReason, u64>,
}

impl Host {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        let buffered = SharedBudget::new(options.max_buffered);
        let (counters, workers) = (Counters::default(), OnceLock::new());
        let addresses = options.max_connections_per_address.map(Addresses::new);
        Arc::new(Self { options: Arc::new(options), buffered, counters, addresses, workers })
    }

    /// Counts a session of that peer, where it is counted: a Unix socket has no address.
    pub(super) fn enter(&self, peer: Option<SocketAddr>) -> Result<Option<Place>, Crowded> {
        match (&self.addresses, peer) {
            (Some(addresses), Some(peer)) => addresses.enter(peer).map(Some),
            _ => Ok(None),
        }
    }

    /// Says that the server runs on these; of no effect the second time.
    pub(crate) fn set_workers(&self, workers: Vec<Handle>) {
        let _first = self.workers.set(workers);
    }

    /// The worker on which this is called.
    pub(super) fn here(&self) -> Home {
        let Some(workers) = self.workers.get() else { return Home::default() };
        let here = Handle::current().id();
        let at = workers.iter().position(|worker| worker.id() == here);
        // Counted from 1.
        Home(at.and_then(|at| u16::try_from(at + 1).ok()).unwrap_or_default())
    }

    /// The runtime of a worker, if this is called on another.
    pub(super) fn elsewhere(&self, home: Home) -> Option<&Handle> {
        if home == self.here() {
            return None;
        }
        self.workers.get()?.get(usize::from(home.0).checked_sub(1)?)
    }

    pub(crate) fn stats(&self) -> Stats {
        let counters = &self.counters;
        Stats {
            connections: counters.connections.load(Ordering::Relaxed),
            buffered: self.buffered.used(),
            dropped_volatile: counters.dropped_volatile.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
            closed_slow: counters.closed_slow.load(Ordering::Relaxed),
            closed: counters.closed.lock().clone(),
        }
    }
}

impl Counters {
    pub(super) fn opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A session has left the table.
    pub(super) fn left(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn closed(&self, reason: CloseReason) {
        *self.closed.lock().entry(reason).or_default() += 1;
    }

    pub(super) fn closed_slow(&self) {
        self.closed_slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped_volatile(&self) {
        self.dropped_volatile.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}
