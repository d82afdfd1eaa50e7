//! Connections that are made again.

use crate::support::{Scripted, answer, echo, listen, nobody, within};
use rialto_ws::{Backoff, Connect, Incident, Options, Reconnect};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

/// Without pauses that a test would have to sit through.
fn quick() -> Backoff {
    Backoff::default().initial(Duration::from_millis(1)).max(Duration::from_millis(5))
}

fn plan(address: SocketAddr) -> Reconnect {
    Connect::new(format!("ws://{address}/")).reconnect().backoff(quick())
}

/// Sends `hello`, waits for a message and closes by 1001; again and again.
async fn fickle() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = rialto_ws::accept(stream).await else { continue };
            socket.send("hello").await.unwrap();
            let _ = socket.recv().await;
            let _ = socket.close(1001, "later").await;
        }
    });
    address
}

#[tokio::test]
async fn one_connection_after_the_other() {
    let mut connections = plan(fickle().await).connections();
    for lost in 0..4 {
        let mut socket = within(connections.next()).await.unwrap();
        assert_eq!(connections.failures(), lost, "a short connection counts as a failure");
        assert_eq!(within(socket.recv()).await.unwrap().unwrap().as_text(), Some("hello"));
        socket.send("enough").await.unwrap();
        assert!(within(socket.recv()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_connection_that_lasted_makes_the_count_begin_anew() {
    let mut connections = plan(fickle().await).stable_after(Duration::ZERO).connections();
    for lost in [0, 1, 1, 1] {
        drop(within(connections.next()).await.unwrap());
        assert_eq!(connections.failures(), lost);
    }
}

#[tokio::test]
async fn messages_tell_what_happens_in_order() {
    let mut messages = plan(fickle().await).messages();
    for _ in 0..3 {
        let Incident::Opened(sender) = within(messages.recv()).await.unwrap() else {
            panic!("it opens first")
        };
        let Incident::Message(message) = within(messages.recv()).await.unwrap() else {
            panic!("then comes the greeting")
        };
        assert_eq!(message.as_text(), Some("hello"));
        sender.send("enough").await.unwrap();
        match within(messages.recv()).await.unwrap() {
            Incident::Closed(Some(frame)) => assert_eq!(frame.code.get(), 1001),
            other => panic!("{other:?}"),
        }
        assert!(messages.socket().is_none() && !sender.is_open());
    }
    assert!(matches!(within(messages.recv()).await.unwrap(), Incident::Opened(_)));
    within(messages.close(1000, "done")).await.unwrap();
}

#[tokio::test]
async fn a_cut_connection_is_told_as_such() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            rialto_ws::accept(stream).await.unwrap().abort();
        }
    });
    let mut messages = plan(address).messages();
    assert!(matches!(within(messages.recv()).await.unwrap(), Incident::Opened(_)));
    assert!(matches!(within(messages.recv()).await.unwrap(), Incident::Broken(_)));
    assert!(matches!(within(messages.recv()).await.unwrap(), Incident::Opened(_)));
}

#[tokio::test]
async fn permanent_errors_end_it_and_others_do_not() {
    let busy = answer("503 Busy", "Retry-After: 0\r\n");
    let gone = answer("410 Gone", "");
    let server = Scripted::start([busy.clone(), answer("429 Slow", ""), busy, gone]).await;
    let told = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&told);
    let plan = plan(server.address).on_retry(move |error, pause| {
        assert!(error.status().is_some() && pause <= Duration::from_millis(5), "{pause:?}");
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut connections = plan.connections();
    assert_eq!(within(connections.next()).await.unwrap_err().status().unwrap(), 410);
    assert_eq!(told.load(Ordering::SeqCst), 3);
    assert_eq!(server.requests().await.len(), 4);
    // Asked again, it makes one more attempt.
    assert!(within(connections.next()).await.is_err());
    assert_eq!(server.requests().await.len(), 5);
    let never = Connect::new("nonsense").reconnect().connections().next().await;
    assert!(never.unwrap_err().is_url());
}

#[tokio::test]
async fn the_number_of_attempts_can_be_bounded_and_the_decision_be_yours() {
    let dead = nobody().await;
    let plan = plan(dead).backoff(quick().max_attempts(3));
    let mut connections = plan.connections();
    assert!(within(connections.next()).await.unwrap_err().is_io());
    assert_eq!(connections.failures(), 3);
    let server = Scripted::start([answer("404 No", ""), answer("500 Oh", "")]).await;
    let stubborn = Connect::new(format!("ws://{}/", server.address))
        .reconnect()
        .backoff(quick())
        .retry_if(|error| error.status().is_some_and(|status| status == 404));
    assert_eq!(within(stubborn.connections().next()).await.unwrap_err().status().unwrap(), 500);
}

#[tokio::test]
async fn each_attempt_may_be_another() {
    let dead = nobody().await;
    let alive = fickle().await;
    let plan = Reconnect::with(move |failures| {
        let address = if failures < 2 { dead } else { alive };
        Connect::new(format!("ws://{address}/{failures}"))
    });
    let socket = within(plan.backoff(quick()).connections().next()).await.unwrap();
    assert_eq!(socket.request().path(), "/2");
}

#[tokio::test]
async fn the_pause_that_a_server_asks_for_is_kept_and_bounded() {
    let server = Scripted::start([answer("503 Busy", "Retry-After: 86400\r\n")]).await;
    let (told, mut pauses) = tokio::sync::mpsc::unbounded_channel();
    let plan = plan(server.address).on_retry(move |_, pause| told.send(pause).unwrap());
    let mut connections = plan.connections();
    let waiting = tokio::spawn(async move { connections.next().await.map(drop) });
    assert_eq!(within(pauses.recv()).await.unwrap(), Duration::from_secs(600));
    waiting.abort();
}

#[tokio::test]
async fn a_call_that_is_dropped_is_carried_on_by_the_next() {
    let (listener, address) = listen().await;
    let mut connections = plan(address).connections();
    let server = tokio::spawn(accept_slowly(listener));
    let mut dropped = 0;
    let mut socket = loop {
        tokio::select! {
            socket = connections.next() => break socket.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(1)) => dropped += 1,
        }
    };
    assert!(dropped > 0, "no call was dropped");
    crate::support::greeting(&mut socket).await;
    drop(socket);
    assert_eq!(within(server).await.unwrap(), 1, "one attempt was enough");
}

#[tokio::test]
async fn a_dropped_recv_loses_no_message() {
    const COUNT: u32 = 2_000;
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = rialto_ws::accept(stream).await.unwrap();
        for n in 0..COUNT {
            socket.send(n.to_string()).await.unwrap();
            if n % 7 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let _ = socket.recv().await;
    });
    let mut messages = plan(address).messages();
    let mut next = 0;
    while next < COUNT {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            incident = messages.recv() => match incident.unwrap() {
                Incident::Opened(_) => {}
                Incident::Message(message) => {
                    assert_eq!(message.as_text(), Some(next.to_string().as_str()));
                    next += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Answers the first client after a while; counts the connections until it is closed.
async fn accept_slowly(listener: TcpListener) -> u32 {
    let (stream, _) = listener.accept().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let socket = rialto_ws::accept_with(stream, &Options::default()).await.unwrap();
    echo(socket).await.unwrap();
    let more = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
    1 + u32::from(more.is_ok())
}
