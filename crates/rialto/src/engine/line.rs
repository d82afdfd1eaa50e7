//! Senders that wait for room in a session: first come, first served.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

/// A line of senders. While it is not empty, nobody else may send, or a small message would
/// overtake a large one that was there before.
#[derive(Default)]
pub(crate) struct Line {
    /// How many stand in it, to be read without the lock.
    length: AtomicU32,
    /// Nothing while nobody does: every connection has a line, and few ever see one in it.
    state: Mutex<Option<Box<State>>>,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: VecDeque<Place>,
}

struct Place {
    ticket: u64,
    waker: Option<Waker>,
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.length.load(Ordering::Acquire) == 0
    }

    /// Gets a place at the end. Whoever has one must [`leave`](Self::leave) with it.
    pub(crate) fn join(&self) -> u64 {
        let mut state = self.state.lock();
        let state = state.get_or_insert_default();
        let ticket = state.next;
        state.next += 1;
        state.waiting.push_back(Place { ticket, waker: None });
        self.note(state);
        ticket
    }

    /// Ready when everybody before this place has left.
    pub(crate) fn poll_first(&self, ticket: u64, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let Some(state) = &mut *state else { return Poll::Ready(()) };
        if state.waiting.front().is_some_and(|first| first.ticket == ticket) {
            return Poll::Ready(());
        }
        if let Some(place) = state.waiting.iter_mut().find(|place| place.ticket == ticket) {
            place.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Gives the place up, whether the message was sent or not.
    pub(crate) fn leave(&self, ticket: u64) {
        let mut slot = self.state.lock();
        let Some(state) = &mut *slot else { return };
        state.waiting.retain(|place| place.ticket != ticket);
        self.note(state);
        let next = state.waiting.front_mut().and_then(|first| first.waker.take());
        if state.waiting.is_empty() {
            *slot = None;
        }
        drop(slot);
        if let Some(waker) = next {
            waker.wake();
        }
    }

    fn note(&self, state: &State) {
        let length = u32::try_from(state.waiting.len()).unwrap_or(u32::MAX);
        self.length.store(length, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn places_are_served_in_order_and_the_next_is_woken() {
        let (line, count) = (Line::default(), Arc::new(Count(AtomicUsize::new(0))));
        let waker = Waker::from(Arc::clone(&count));
        let cx = Context::from_waker(&waker);
        let [first, second, third] = [line.join(), line.join(), line.join()];
        assert!(line.poll_first(first, &cx).is_ready());
        assert!(line.poll_first(second, &cx).is_pending());
        assert!(line.poll_first(third, &cx).is_pending());
        line.leave(second);
        assert_eq!(count.0.load(Ordering::Relaxed), 0, "the first is still there");
        assert!(line.poll_first(third, &cx).is_pending());
        line.leave(first);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(line.poll_first(third, &cx).is_ready());
        assert!(!line.is_empty());
        line.leave(third);
        assert!(line.is_empty());
    }
}
