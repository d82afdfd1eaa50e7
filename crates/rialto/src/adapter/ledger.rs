//! How many sessions the namespaces of one server keep together.

use super::history::Persisted;
use super::log::Log;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// The sessions that are kept by all histories of a server.
#[derive(Default)]
pub(crate) struct Ledger {
    kept: AtomicUsize,
    /// In the order in which they were kept; some may have been taken meanwhile.
    order: Mutex<VecDeque<Line>>,
}

struct Line {
    log: Weak<Log>,
    pid: Box<str>,
    /// The number of the session in its history, which forgets it at that time.
    session: u64,
    end: Instant,
}

impl Ledger {
    /// A history keeps so many in place of so many.
    pub(super) fn changed(&self, before: usize, after: usize) {
        self.kept.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
    }

    /// A session is kept; beyond `most` the oldest go, whichever history they are in.
    pub(super) fn enter(&self, log: &Arc<Log>, pid: Box<str>, persisted: Persisted, most: usize) {
        let Persisted { session, end } = persisted;
        self.order.lock().push_back(Line { log: Arc::downgrade(log), pid, session, end });
        while let Some(oldest) = self.too_many(most) {
            if let Some(log) = oldest.log.upgrade() {
                log.with(|history| history.forget(&oldest.pid, oldest.session));
            }
        }
    }

    fn too_many(&self, most: usize) -> Option<Line> {
        let mut order = self.order.lock();
        let now = Instant::now();
        while order.front().is_some_and(|line| line.end <= now) {
            order.pop_front();
        }
        let many = self.kept.load(Ordering::Relaxed) > most;
        (many || order.len() > most.saturating_mul(2)).then(|| order.pop_front()).flatten()
    }
}
