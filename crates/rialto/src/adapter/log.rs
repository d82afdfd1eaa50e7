//! The history of an adapter in memory, and the task by which it forgets in time.

use super::history::History;
use super::ledger::Ledger;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// The least time between two looks at what is too old. Busy namespaces forget as they go.
const PAUSE: Duration = Duration::from_millis(500);

/// Code of the program.
type Work = Box<dyn FnOnce()>;

thread_local! {
    /// What code of the program waits until this thread has let go of a log; `None` outside.
    static WAITING: RefCell<Option<Vec<Work>>> = const { RefCell::new(None) };
}

/// Runs code of the program: now, or once this thread has recorded the packet at hand. It may emit,
/// and a packet cannot be recorded within the recording of another.
pub(crate) fn outside(work: impl FnOnce() + 'static) {
    let work = WAITING.with_borrow_mut(|waiting| match waiting {
        Some(waiting) => {
            waiting.push(Box::new(work));
            None
        }
        None => Some(work),
    });
    if let Some(work) = work {
        work();
    }
}

/// Notes that this thread is recording; in the end runs what has waited for that.
struct Recording;

impl Recording {
    fn begin() -> Self {
        WAITING.set(Some(Vec::new()));
        Self
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let waiting = WAITING.take().unwrap_or_default();
        if !std::thread::panicking() {
            waiting.into_iter().for_each(|work| work());
        }
    }
}

/// What is kept for clients that come back.
///
/// Its lock is held while packets are handed over, so that each connection gets them in the order
/// of their offsets. It is taken before that of the index.
pub(super) struct Log {
    history: Mutex<History>,
    /// The newest packet that everyone has been handed.
    head: AtomicU64,
    /// A task looks after what is kept.
    swept: AtomicBool,
    sweeper: Mutex<Option<AbortHandle>>,
    ledger: Arc<Ledger>,
}

impl Log {
    pub(super) fn new(history: History, ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(Self {
            history: Mutex::new(history),
            head: AtomicU64::new(0),
            swept: AtomicBool::new(false),
            sweeper: Mutex::default(),
            ledger,
        })
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Works on the history. What it forgets of the program's is dropped when nothing is locked:
    /// dropping it may run code of the program, which may emit.
    pub(super) fn with<R>(self: &Arc<Self>, work: impl FnOnce(&mut History) -> R) -> R {
        let recording = Recording::begin();
        let mut history = self.history.lock();
        let before = history.sessions();
        let result = work(&mut history);
        self.ledger.changed(before, history.sessions());
        self.head.store(history.head(), Ordering::Release);
        let forgotten = history.take_forgotten();
        let keeps = history.next_purge().is_some();
        drop(history);
        // In this order: each runs code of the program, which may record in its turn.
        drop(recording);
        drop(forgotten);
        if keeps && !self.swept.load(Ordering::Acquire) {
            self.sweep();
        }
        result
    }

    /// Starts the task that looks after what is kept, where a runtime is at hand.
    fn sweep(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.swept.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut sweeper = Sweeper { log: Arc::downgrade(self), done: false };
        let task = runtime.spawn(async move {
            while let Some(pause) = sweeper.sweep() {
                tokio::time::sleep(pause).await;
            }
        });
        *self.sweeper.lock() = Some(task.abort_handle());
    }
}

/// Peers choose how many namespaces come and go: their tasks go with them.
impl Drop for Log {
    fn drop(&mut self) {
        self.ledger.changed(self.history.get_mut().sessions(), 0);
        if let Some(task) = self.sweeper.get_mut().take() {
            task.abort();
        }
    }
}

/// Forgets what is too old, until nothing is left.
struct Sweeper {
    log: Weak<Log>,
    done: bool,
}

impl Sweeper {
    /// How long to wait until the next time; `None` if this was the last.
    fn sweep(&mut self) -> Option<Duration> {
        let log = self.log.upgrade()?;
        log.with(|history| {
            let now = Instant::now();
            history.purge(now);
            let due = history.next_purge();
            if due.is_none() {
                // Said under the lock: whoever keeps something after this starts another.
                self.done = true;
                log.swept.store(false, Ordering::Release);
            }
            due.map(|due| due.saturating_duration_since(now).max(PAUSE))
        })
    }
}

/// A runtime that ends drops its tasks; another may follow.
impl Drop for Sweeper {
    fn drop(&mut self) {
        if !self.done
            && let Some(log) = self.log.upgrade()
        {
            log.swept.store(false, Ordering::Release);
        }
    }
}
