//! Senders that wait for room in a session: first come, first served.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

/// A line of senders. While it is not empty, nobody else may send, or a small message would
/// overtake a large one that was there before.
///
/// Every connection has one, and few ever see a sender in it: those that have not hold one word
/// and its state.
#[derive(Default)]
pub(crate) struct Line(OnceLock<Box<Places>>);

#[derive(Default)]
struct Places {
    /// How many stand in it, to be read without the lock.
    length: AtomicUsize,
    state: Mutex<State>,
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
        self.0.get().is_none_or(|places| places.length.load(Ordering::Acquire) == 0)
    }

    /// Gets a place at the end. Whoever has one must [`leave`](Self::leave) with it.
    pub(crate) fn join(&self) -> u64 {
        let places = self.0.get_or_init(Box::default);
        let mut state = places.state.lock();
        let ticket = state.next;
        state.next += 1;
        state.waiting.push_back(Place { ticket, waker: None });
        places.length.store(state.waiting.len(), Ordering::Release);
        ticket
    }

    /// Ready when everybody before this place has left.
    pub(crate) fn poll_first(&self, ticket: u64, cx: &Context<'_>) -> Poll<()> {
        let Some(places) = self.0.get() else { return Poll::Ready(()) };
        let mut state = places.state.lock();
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
        let Some(places) = self.0.get() else { return };
        let mut state = places.state.lock();
        state.waiting.retain(|place| place.ticket != ticket);
        places.length.store(state.waiting.len(), Ordering::Release);
        let next = state.waiting.front_mut().and_then(|first| first.waker.take());
        drop(state);
        if let Some(waker) = next {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
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
