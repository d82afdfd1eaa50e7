//! What is left of a client that is gone, and of those who waited for that.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{CloseReason, Events, Options, Refused, Server, Socket, guard};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use support::log::Log;
use support::{Client, start, within};
use tokio::sync::mpsc;

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

/// Emits when the client is gone.
async fn late(socket: &Socket) -> rialto::Result {
    socket.closed().await;
    socket.emit("late", ()).await
}

/// More than a namespace has warnings.
const LEAVE: usize = 12;

#[tokio::test]
async fn a_listener_whose_client_has_left_has_not_failed() {
    // Of all threads: the server may have its own. No other test here lets a handler fail.
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let events = Events::new()
        .on("late", async |socket, ()| late(&socket).await)
        .middleware(
            async |socket, event| {
                if event.name() == "held" { late(&socket).await } else { Ok(()) }
            },
        )
        .on("fail", async |_, ()| Err("on purpose".into()))
        .on_error(move |_, event, error| tell.send(format!("{event}: {error}")).unwrap());
    let (address, io) = start(Server::new(events)).await;
    for _ in 0..LEAVE {
        let mut client = Client::join(address).await;
        client.send("2[\"late\"]").await;
        client.send("2[\"held\"]").await;
        client.socket.close(1000, "").await.unwrap();
    }
    within(async {
        while io.count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut client = Client::join(address).await;
    client.send("2[\"fail\"]").await;
    assert_eq!(within(told.recv()).await.unwrap(), "fail: on purpose");
    let failed = log.take("a handler failed");
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert!(failed[0].starts_with("WARN "), "{failed:#?}");
}

/// A server that refuses `/members` and has no other namespace but the main one.
async fn refusing(time: Option<Duration>) -> std::net::SocketAddr {
    let login = async |_: rialto::Handshake| Err::<(), _>(Refused::new("members only"));
    let options = Options::default();
    let options = match time {
        Some(time) => options.refused_timeout(time),
        None => options,
    };
    let server = Server::new(Events::new()).namespace("/members", guard(login, Events::new()));
    start(server.options(options)).await.0
}

#[tokio::test]
async fn who_was_refused_and_is_in_no_namespace_is_closed() {
    let address = refusing(Some(Duration::from_millis(50))).await;
    for namespace in ["/members", "/nothing"] {
        let mut client = Client::open(address).await;
        client.send(&format!("0{namespace},")).await;
        assert!(client.recv().await.starts_with(&format!("4{namespace},")));
        let reason = "no namespace was joined in time".to_owned();
        assert_eq!(client.closed().await, (1008, reason.clone()));

        // One that has been in another counts as well.
        let mut client = Client::join(address).await;
        client.send("1").await;
        client.send(&format!("0{namespace},")).await;
        assert!(client.recv().await.starts_with(&format!("4{namespace},")));
        assert_eq!(client.closed().await, (1008, reason));
    }
}

#[tokio::test]
async fn who_was_refused_may_stay_in_another_namespace_or_without_the_option() {
    let short = Duration::from_millis(50);
    for (address, joins) in [(refusing(Some(short)).await, true), (refusing(None).await, false)] {
        let mut client = Client::open(address).await;
        client.send("0/nothing,").await;
        assert!(client.recv().await.starts_with("4/nothing,"));
        if joins {
            client.send("0").await;
            assert!(client.recv().await.starts_with("0{"));
            client.send("0/nothing,").await;
            assert!(client.recv().await.starts_with("4/nothing,"));
        }
        tokio::time::sleep(short * 3).await;
        client.send("0/members,").await;
        assert!(client.recv().await.starts_with("4/members,"));
    }
}
