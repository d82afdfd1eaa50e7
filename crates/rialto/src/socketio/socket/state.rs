//! What changes in the life of a [`Socket`](super::Socket).

use super::super::acks::Pending;
use super::super::event::Event;
use rialto_protocol::CloseReason;
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

/// Acks that nobody will answer, and whoever waits for something.
type Abandoned = (HashMap<u64, Pending>, Vec<Waker>);

#[derive(Default)]
pub(super) struct State {
    /// Why the socket is over, once it is.
    pub(super) reason: Option<CloseReason>,
    /// Nothing while nothing is in it: a client that rests pays for none of it.
    rare: Option<Box<Rare>>,
}

/// What a socket has at times.
#[derive(Default)]
struct Rare {
    acks: HashMap<u64, Pending>,
    /// Events for the `recv` loop; their bytes.
    inbox: VecDeque<Event>,
    inbox_bytes: usize,
    receiver: Option<Waker>,
    /// Tasks that wait for the end.
    closed: Slab<Waker>,
    /// Listeners registered by `once` that have run.
    fired: Vec<usize>,
}

impl State {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Acks that are awaited.
    pub(super) fn acks(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.acks.len())
    }

    /// An ack is awaited; gives back another one of that id, which would never come.
    pub(super) fn add_ack(&mut self, id: u64, pending: Pending) -> Option<Pending> {
        self.rare().acks.insert(id, pending)
    }

    pub(super) fn take_ack(&mut self, id: u64) -> Option<Pending> {
        let rare = self.rare.as_mut()?;
        let pending = rare.acks.remove(&id);
        self.tidy();
        pending
    }

    /// Puts an event where the `recv` loop finds it; the loop is to be woken.
    #[must_use]
    pub(super) fn push_event(&mut self, event: Event) -> Option<Waker> {
        let rare = self.rare();
        rare.inbox_bytes += event.weight();
        rare.inbox.push_back(event);
        rare.receiver.take()
    }

    /// Bytes that wait for the `recv` loop.
    pub(super) fn waiting(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.inbox_bytes)
    }

    /// The oldest event that waits, and whether it was the last.
    pub(super) fn pop_event(&mut self) -> Option<(Event, bool)> {
        let rare = self.rare.as_mut()?;
        let event = rare.inbox.pop_front()?;
        rare.inbox_bytes -= event.weight();
        Some((event, rare.inbox.is_empty()))
    }

    /// The `recv` loop waits; gives back its earlier waker.
    #[must_use]
    pub(super) fn wait_for_event(&mut self, cx: &Context<'_>) -> Option<Waker> {
        self.rare().receiver.replace(cx.waker().clone())
    }

    /// A future waits for the end, whose waker lies in that slot; gives back its earlier waker.
    #[must_use]
    pub(super) fn wait_for_end(
        &mut self,
        slot: &mut Option<usize>,
        cx: &Context<'_>,
    ) -> Option<Waker> {
        let closed = &mut self.rare().closed;
        match slot.and_then(|slot| closed.get_mut(slot)) {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            Some(waker) => Some(std::mem::replace(waker, cx.waker().clone())),
            None => {
                *slot = Some(closed.insert(cx.waker().clone()));
                None
            }
        }
    }

    /// It waits no more; gives back its waker.
    #[must_use]
    pub(super) fn wait_no_more(&mut self, slot: usize) -> Option<Waker> {
        let rare = self.rare.as_mut()?;
        let waker = rare.closed.try_remove(slot);
        self.tidy();
        waker
    }

    /// Frees what is of no use any more.
    fn tidy(&mut self) {
        if self.rare.as_ref().is_some_and(|rare| rare.is_empty()) {
            self.rare = None;
        }
    }

    /// True the first time that it is called with this number.
    pub(super) fn fire_once(&mut self, listener: usize) -> bool {
        let fired = &mut self.rare().fired;
        let first = !fired.contains(&listener);
        if first {
            fired.push(listener);
        }
        first
    }

    /// Marks the end, in `over` too; `None` if it was over.
    pub(super) fn end(&mut self, reason: CloseReason, over: &AtomicBool) -> Option<Abandoned> {
        if self.reason.is_some() {
            return None;
        }
        self.reason = Some(reason);
        over.store(true, Ordering::Release);
        let Some(rare) = &mut self.rare else { return Some((HashMap::new(), Vec::new())) };
        let closed = std::mem::take(&mut rare.closed);
        let mut wakers: Vec<_> = closed.into_iter().map(|(_, waker)| waker).collect();
        wakers.extend(rare.receiver.take());
        Some((std::mem::take(&mut rare.acks), wakers))
    }
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.acks.is_empty()
            && self.inbox.is_empty()
            && self.receiver.is_none()
            && self.closed.is_empty()
            && self.fired.is_empty()
    }
}
