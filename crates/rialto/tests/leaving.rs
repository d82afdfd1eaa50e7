//! What is left of a client that is gone, and of those who waited for that.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{CloseReason, Events, Server};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use support::{Client, start, within};

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn who_waits_no_more_for_the_end_leaves_nothing_behind() {
    let (address, io) = start(Server::new(Events::new())).await;
    let client = Client::join(address).await;
    let socket = io.sockets().pop().unwrap();
    let woken = Arc::new(Woken::default());
    for _ in 0..100 {
        let waker = Waker::from(Arc::clone(&woken));
        let mut closed = pin!(socket.closed());
        assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(Arc::strong_count(&woken), 1);

    // Others wait as before, each with the waker that it gave last.
    let (first, last) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let mut closed = pin!(socket.closed());
    let mut other = pin!(socket.closed());
    for waker in [&first, &last] {
        let waker = Waker::from(Arc::clone(waker));
        assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let waker = Waker::from(Arc::clone(&woken));
    assert!(other.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(client);
    assert_eq!(within(socket.closed()).await, CloseReason::TransportClose);
    let counts = [&first, &last, &woken].map(|waker| waker.0.load(Ordering::Relaxed));
    assert_eq!(counts, [0, 1, 1]);
    let gone = Poll::Ready(CloseReason::TransportClose);
    assert_eq!(closed.as_mut().poll(&mut Context::from_waker(&waker)), gone);
    assert_eq!(other.as_mut().poll(&mut Context::from_waker(&waker)), gone);
}
