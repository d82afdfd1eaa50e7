//! Dynamic namespaces, whose names clients choose: how many are kept for those who come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{ConnectionStateRecovery, Events, Io, Options, Server};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;
use support::{Client, start, within};

/// As many as are kept.
const KEPT: usize = 10_000;
/// Those that one client of a test joins.
const EACH: usize = 1_250;

async fn serve(recovery: ConnectionStateRecovery) -> (SocketAddr, Io) {
    let options = Options::default()
        .max_namespaces(EACH)
        .connection_state_recovery(recovery)
        .connect_timeout(Duration::from_secs(600));
    let dynamic = |name: &str| name.starts_with("/d-");
    let server = Server::new(Events::new()).namespace_matching(dynamic, Events::new());
    start(server.options(options)).await
}

/// Joins namespaces with these numbers; gives back the secrets.
async fn join(client: &mut Client, numbers: impl Iterator<Item = usize>) -> Vec<String> {
    let mut pids = Vec::new();
    for number in numbers {
        client.send(&format!("0/d-{number},")).await;
        let answer = client.recv().await;
        pids.push(answer.split('"').nth(7).expect("a pid").to_owned());
    }
    pids
}

async fn left(io: &Io, count: usize) {
    within(async {
        while io.clients_count() > count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Whether the client with this secret is who it was.
async fn is_recovered(address: SocketAddr, number: usize, pid: &str) -> bool {
    let mut client = Client::open(address).await;
    client.send(&format!("0/d-{number},{{\"pid\":\"{pid}\"}}")).await;
    client.recv().await.contains(pid)
}

#[tokio::test]
async fn of_namespaces_that_are_kept_for_those_who_come_back_the_oldest_go() {
    let (address, io) = serve(ConnectionStateRecovery::default().max_sessions(100_000)).await;
    let mut stays = Client::open(address).await;
    join(&mut stays, 0..1).await;
    let mut pids = Vec::new();
    for round in 0..=KEPT / EACH {
        let mut client = Client::open(address).await;
        pids.extend(join(&mut client, (1..=EACH).map(|n| round * EACH + n)).await);
        drop(client);
        left(&io, 1).await;
    }
    let names: HashSet<_> = io.namespaces().iter().map(|io| io.namespace().to_owned()).collect();
    // The main one, and that in which somebody is, come on top.
    assert_eq!(names.len(), KEPT + 2);
    assert!(names.contains("/d-0"), "it is the oldest, and has a client");
    assert!(!names.contains("/d-1"), "the first to be empty");
    assert!(is_recovered(address, pids.len(), pids.last().unwrap()).await);
    assert!(!is_recovered(address, 1, &pids[0]).await);
}

#[tokio::test]
async fn lost_connections_are_counted_for_the_whole_server() {
    let (address, io) = serve(ConnectionStateRecovery::default().max_sessions(3)).await;
    let mut pids = Vec::new();
    for number in 0..5 {
        let mut client = Client::open(address).await;
        pids.extend(join(&mut client, std::iter::once(number)).await);
        drop(client);
        left(&io, 0).await;
    }
    for (number, pid) in pids.iter().enumerate().rev() {
        let mut client = Client::open(address).await;
        client.send(&format!("0/d-{number},{{\"pid\":\"{pid}\"}}")).await;
        assert_eq!(client.recv().await.contains(pid), number > 1, "{number}");
        // It leaves by itself: nothing more is kept of it.
        client.send(&format!("1/d-{number},")).await;
        client.socket.close(1000, "").await.unwrap();
        left(&io, 0).await;
    }
}
