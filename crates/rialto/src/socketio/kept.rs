//! Dynamic namespaces that nobody is in, and that are kept all the same.

use super::core::Core;
use super::namespace::Namespace;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// How many are kept: clients choose the names.
pub(super) const MAX_KEPT: usize = 10_000;
/// The least time between two looks at what is due.
const PAUSE: Duration = Duration::from_millis(100);

/// They are numbered in the order in which they became empty.
#[derive(Default)]
pub(super) struct Kept(Mutex<List>);

#[derive(Default)]
struct List {
    by_age: BTreeMap<u64, Entry>,
    newest: u64,
    /// A task looks after them.
    swept: bool,
}

struct Entry {
    since: Instant,
    namespace: Weak<Namespace>,
}

impl Kept {
    /// It is empty from now on.
    pub(super) fn put(&self, namespace: &Arc<Namespace>) {
        let mut list = self.0.lock();
        list.newest += 1;
        let number = list.newest;
        let entry = Entry { since: Instant::now(), namespace: Arc::downgrade(namespace) };
        list.by_age.insert(number, entry);
        let earlier = namespace.number(number);
        list.by_age.remove(&earlier);
    }

    /// Somebody is about to join it.
    pub(super) fn take(&self, namespace: &Namespace) {
        let mut list = self.0.lock();
        list.by_age.remove(&namespace.number(0));
    }

    /// Takes the one that was empty first, if there are more than may be.
    pub(super) fn too_many(&self) -> Option<Arc<Namespace>> {
        let mut list = self.0.lock();
        while list.by_age.len() > MAX_KEPT {
            let (_, entry) = list.by_age.pop_first()?;
            if let Some(namespace) = entry.namespace.upgrade() {
                return Some(namespace);
            }
        }
        None
    }

    /// Takes one that has been empty for that time.
    fn due(&self, time: Duration) -> Option<Arc<Namespace>> {
        let mut list = self.0.lock();
        loop {
            let oldest = list.by_age.first_entry()?;
            if oldest.get().since.elapsed() < time {
                return None;
            }
            if let Some(namespace) = oldest.remove().namespace.upgrade() {
                return Some(namespace);
            }
        }
    }

    /// How long until the next is due; `None` if there is none, and no task is needed any more.
    fn pause(&self, time: Duration) -> Option<Duration> {
        let mut list = self.0.lock();
        let oldest = list.by_age.first_key_value().map(|(_, entry)| entry.since);
        list.swept = oldest.is_some();
        oldest.map(|since| time.saturating_sub(since.elapsed()).max(PAUSE))
    }

    /// Starts the task that looks at each after that time, where a runtime is at hand.
    pub(super) fn sweep(&self, core: &Weak<Core>, time: Duration) {
        let Ok(runtime) = Handle::try_current() else { return };
        if std::mem::replace(&mut self.0.lock().swept, true) {
            return;
        }
        let mut sweeper = Sweeper { core: core.clone(), done: false };
        runtime.spawn(async move {
            while let Some(pause) = sweeper.sweep(time) {
                tokio::time::sleep(pause).await;
            }
        });
    }
}

/// Looks after those that are kept until none is left.
struct Sweeper {
    core: Weak<Core>,
    done: bool,
}

impl Sweeper {
    /// How long to wait until the next time; `None` if this was the last.
    fn sweep(&mut self, time: Duration) -> Option<Duration> {
        let core = self.core.upgrade()?;
        while let Some(namespace) = core.kept.due(time) {
            core.tidy(&namespace);
        }
        let pause = core.kept.pause(time);
        self.done = pause.is_none();
        pause
    }
}

/// A runtime that ends drops its tasks; another may follow.
impl Drop for Sweeper {
    fn drop(&mut self) {
        if !self.done
            && let Some(core) = self.core.upgrade()
        {
            core.kept.0.lock().swept = false;
        }
    }
}
