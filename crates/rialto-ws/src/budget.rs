//! A bound on bytes that many connections share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound on the bytes that wait for slow peers, of many connections together: see
/// [`Options::shared_budget`](crate::Options::shared_budget). Clones are the same budget.
///
/// It counts bytes that the kernel of a connection would not take. A message that goes to many is
/// counted for each of them, although it lies in memory once.
///
/// ```
/// use rialto_ws::SharedBudget;
/// let budget = SharedBudget::new(100);
/// let mut charge = budget.charge();
/// charge.set(100);
/// assert!(budget.is_exhausted());
/// drop(charge);
/// assert_eq!(budget.used(), 0);
/// ```
#[derive(Clone)]
pub struct SharedBudget(Arc<Shared>);

struct Shared {
    max: usize,
    used: AtomicUsize,
}

impl SharedBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Shared { max, used: AtomicUsize::new(0) }))
    }

    /// The bytes that wait now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// The bytes that may wait.
    #[must_use]
    pub fn max(&self) -> usize {
        self.0.max
    }

    /// True while no more should wait.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.used() >= self.0.max
    }

    /// A share of this budget, of no bytes at first: for queues beside those of connections.
    #[must_use]
    pub fn charge(&self) -> Charge {
        Charge { budget: self.clone(), bytes: 0 }
    }

    /// Tells budgets apart while they live.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl fmt::Debug for SharedBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBudget")
            .field("max", &self.max())
            .field("used", &self.used())
            .finish()
    }
}

/// Bytes of one queue, given back to their [`SharedBudget`] when this is dropped.
#[derive(Debug)]
pub struct Charge {
    budget: SharedBudget,
    bytes: usize,
}

impl Charge {
    /// The queue holds so many bytes now.
    pub fn set(&mut self, bytes: usize) {
        let used = &self.budget.0.used;
        if bytes >= self.bytes {
            used.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }

    /// The bytes that it holds.
    #[must_use]
    pub fn get(&self) -> usize {
        self.bytes
    }

    /// The budget of which this is a share.
    #[must_use]
    pub fn budget(&self) -> &SharedBudget {
        &self.budget
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}
