//! Handlers start in the order of their events, and who is suspended holds up nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use parking_lot::Mutex;
use rialto::{Events, Options, Server, Socket};
use std::sync::Arc;
use support::{Client, start, within};
use tokio::sync::Notify;

const COUNT: u64 = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_thousand_handlers_start_and_their_acks_leave_in_order() {
    let started = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&started);
    let events = Events::new().on_ack("n", move |_: Socket, n: u64| {
        let seen = Arc::clone(&seen);
        async move {
            seen.lock().push(n);
            Ok(n)
        }
    });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    let sender = client.socket.sender();
    let sending = tokio::spawn(async move {
        for n in 0..COUNT {
            sender.feed(format!("42{n}[\"n\",{n}]")).await.unwrap();
        }
        sender.flush().await.unwrap();
    });
    for n in 0..COUNT {
        assert_eq!(client.recv().await, format!("3{n}[{n}]"));
    }
    within(sending).await.unwrap();
    assert!(started.lock().iter().copied().eq(0..COUNT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_suspended_handler_holds_up_neither_its_own_client_nor_others() {
    let gate = Arc::new(Notify::new());
    let hold = Arc::clone(&gate);
    let events = Events::new()
        .on_ack("hold", move |_: Socket, n: u64| {
            let hold = Arc::clone(&hold);
            async move {
                hold.notified().await;
                Ok(n)
            }
        })
        .on_ack("echo", async |_: Socket, n: u64| Ok(n));
    let options = Options::default();
    // As many as may be suspended while events still start.
    let held = options.max_running_handlers as u64 - 1;
    let (address, _) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    let mut other = Client::join(address).await;
    for n in 0..held {
        client.send(&format!("2{n}[\"hold\",{n}]")).await;
    }
    for n in 1_000..2_000 {
        assert_eq!(client.ask(n, &format!("[\"echo\",{n}]")).await, format!("3{n}[{n}]"));
        assert_eq!(other.ask(n, &format!("[\"echo\",{n}]")).await, format!("3{n}[{n}]"));
    }
    gate.notify_waiters();
    let mut answers = Vec::new();
    for _ in 0..held {
        answers.push(client.recv().await);
    }
    answers.sort();
    let mut expected: Vec<_> = (0..held).map(|n| format!("3{n}[{n}]")).collect();
    expected.sort();
    assert_eq!(answers, expected);
}
