//! The ack that a client waits for: whoever is first gives it, and it is given once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The ack of an event that is being handed out.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    id: u64,
    /// Whether it was given; none while there is one listener alone, which needs to ask nobody.
    given: Option<&'a Arc<AtomicBool>>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(id: u64) -> Self {
        Self { id, given: None }
    }

    /// What several listeners of an event share, if they do not yet.
    pub(super) fn sharing(self) -> Option<Arc<AtomicBool>> {
        self.given.is_none().then(Arc::default)
    }

    /// The same, for listeners that share it.
    pub(super) fn shared(self, given: Option<&'a Arc<AtomicBool>>) -> Self {
        Self { given: self.given.or(given), ..self }
    }

    /// The same, to be kept by a listener.
    pub(super) fn to_owed(self) -> Owed {
        let given = self.given.map_or_else(
            || Given::Own(AtomicBool::new(false)),
            |given| Given::Shared(Arc::clone(given)),
        );
        Owed { id: self.id, given }
    }
}

/// The same, kept by a listener.
pub(super) struct Owed {
    id: u64,
    given: Given,
}

enum Given {
    Own(AtomicBool),
    Shared(Arc<AtomicBool>),
}

impl Owed {
    fn given(&self) -> &AtomicBool {
        match &self.given {
            Given::Own(given) => given,
            Given::Shared(given) => given,
        }
    }

    /// True until it is given.
    pub(super) fn is_open(&self) -> bool {
        !self.given().load(Ordering::Acquire)
    }

    /// Its id, for the first who asks.
    pub(super) fn take(&self) -> Option<u64> {
        (!self.given().swap(true, Ordering::AcqRel)).then_some(self.id)
    }

    /// For handing the event on, if it is not given yet.
    pub(super) fn wanted(&self) -> Option<Wanted<'_>> {
        let given = match &self.given {
            Given::Own(_) => None,
            Given::Shared(given) => Some(given),
        };
        self.is_open().then_some(Wanted { id: self.id, given })
    }
}
