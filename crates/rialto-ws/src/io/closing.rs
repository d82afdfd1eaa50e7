//! Deadlines of closing handshakes: one queue, and one task while it is not empty, per fleet.
//!
//! All connections of a fleet have the same time for it, so that who begins first is due first.

use super::fleet::Fleet;
use super::writer::Shared;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use tokio::time::{Instant, sleep_until};

/// The connections that wait for their peer's Close frame.
///
/// An entry stays for the time of a closing handshake, also if that ends sooner.
#[derive(Default)]
pub(super) struct Closing(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    due: VecDeque<(Instant, Weak<Shared>)>,
    /// The task runs.
    watched: bool,
}

impl Queue {
    /// The next deadline; the task ends if there is none.
    fn next(&mut self) -> Option<Instant> {
        let next = self.due.front().map(|(at, _)| *at);
        if next.is_none() {
            (self.due, self.watched) = (VecDeque::new(), false);
        }
        next
    }

    fn pop(&mut self, now: Instant) -> Option<Weak<Shared>> {
        self.due.pop_front_if(|(at, _)| *at <= now).map(|(_, connection)| connection)
    }
}

impl Shared {
    /// Cuts the connection if its closing handshake takes too long from now on.
    pub(super) fn limit_close(self: &Arc<Self>) {
        let fleet = self.fleet();
        let mut queue = fleet.closing.0.lock();
        // A time that no clock reaches is none.
        let Some(at) = Instant::now().checked_add(fleet.settings.close_timeout) else { return };
        queue.due.push_back((at, Arc::downgrade(self)));
        if !std::mem::replace(&mut queue.watched, true) {
            fleet.runtime.spawn(watch(Arc::clone(fleet)));
        }
    }
}

async fn watch(fleet: Arc<Fleet>) {
    loop {
        let Some(next) = fleet.closing.0.lock().next() else { return };
        sleep_until(next).await;
        let now = Instant::now();
        loop {
            let due = fleet.closing.0.lock().pop(now);
            let Some(connection) = due else { break };
            // Not under the lock of the queue: closing takes that under the connection's.
            if let Some(shared) = connection.upgrade() {
                shared.cut_unanswered();
            }
        }
    }
}
