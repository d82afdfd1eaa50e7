//! Limits on those who ask for much: connections of an address, events of a connection, rooms.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Events, Options, Server};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::log::Log;
use support::{Client, Poller, exchange, http, start, within};

const BASE: &str = "/socket.io/?EIO=4&transport=polling";

/// Waits until the condition holds.
async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_has_so_many_sessions_whatever_their_transport() {
    let (log, _guard) = Log::here();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let options = Options::default()
        .max_connections_per_address(2)
        .on_connection_error(move |error| tell.lock().unwrap().push((error.code, error.message)));
    let (address, io) = start(Server::new(Events::new()).options(options)).await;

    let direct = Client::join(address).await;
    let mut poller = Poller::join(address).await;
    // Its requests, and the WebSocket that it tries, are of a session that is counted already.
    let mut probe = poller.websocket().await;
    probe.send("2probe").await.unwrap();
    assert_eq!(within(probe.recv()).await.unwrap().unwrap().to_string(), "3probe");
    poller.poll().await;
    probe.send("5").await.unwrap();

    let (status, body) = http(address, "GET", BASE, "").await;
    assert_eq!((status, &*body), (429, r#"{"code":11,"message":"Too many connections"}"#));
    let answer = exchange(address, "GET", BASE, "", "").await;
    assert!(answer.to_lowercase().contains("\r\nretry-after: 1\r\n"), "{answer}");
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let refused = within(rialto::ws::connect(&url)).await.expect_err("one more");
    assert_eq!(refused.response().map(|answer| answer.status().as_u16()), Some(429));
    assert_eq!(*told.lock().unwrap(), [(11, "Too many connections"); 3]);
    let warned = log.take("WARN an address has as many connections as it may have");
    assert_eq!(warned.len(), 3, "{warned:?}");
    assert!(warned[0].contains("127.0.0.1") && warned[0].contains("Some(2)"), "{warned:?}");

    drop(direct);
    until(|| io.clients_count() == 1).await;
    let direct = Client::join(address).await;
    assert_eq!(http(address, "GET", BASE, "").await.0, 429);
    drop((direct, probe));
    until(|| io.clients_count() == 0).await;
    Poller::join(address).await;
}

#[tokio::test]
async fn who_is_not_admitted_takes_no_place() {
    // What is logged in one test is asked for in all: tracing remembers that nobody does.
    let _log = Log::here();
    let options = Options::default()
        .max_connections_per_address(1)
        .allow_request(|request| request.query("in").map(drop).ok_or("no"));
    let (address, _) = start(Server::new(Events::new()).options(options)).await;
    for _ in 0..3 {
        assert_eq!(http(address, "GET", BASE, "").await.0, 403);
    }
    assert_eq!(http(address, "GET", &format!("{BASE}&in=1"), "").await.0, 200);
    assert_eq!(http(address, "GET", BASE, "").await.0, 429);
}
