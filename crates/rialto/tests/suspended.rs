//! Handlers that are suspended: what waits behind them is bounded, in order, and not lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use parking_lot::Mutex;
use rialto::{EngineSocket, Events, Handshake, Options, Refused, Server, Socket, guard};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::{Client, Poller, http, start, within};
use tokio::sync::Semaphore;

const ASKS: usize = 300;

/// A handler that asks its client back, as many at a time as the client likes.
async fn asking() -> SocketAddr {
    let events = Events::new().on("ask", async |socket: Socket, n: usize| {
        let answer: usize = socket.emit_with_ack("question", n).await?;
        socket.emit("answered", answer).await
    });
    start(Server::new(events)).await.0
}

/// The answer to a packet of the server, if it is a question: `21["question",7]`.
fn reply(packet: &str) -> Option<String> {
    let (id, n) = packet.strip_prefix('2')?.split_once("[\"question\",")?;
    Some(format!("3{id}[{}", n))
}

#[tokio::test]
async fn answers_reach_handlers_though_many_events_wait() {
    let mut client = Client::join(asking().await).await;
    for n in 0..ASKS {
        client.send(&format!("2[\"ask\",{n}]")).await;
    }
    let mut answered = 0;
    while answered < ASKS {
        let packet = client.recv().await;
        match reply(&packet) {
            Some(reply) => client.send(&reply).await,
            None => answered += usize::from(packet.starts_with("2[\"answered\",")),
        }
    }
}

#[tokio::test]
async fn answers_reach_handlers_by_polling_too() {
    let mut client = Poller::join(asking().await).await;
    let mut batch = String::new();
    for n in 0..ASKS {
        write!(batch, "{}42[\"ask\",{n}]", if n > 0 { "\x1e" } else { "" }).unwrap();
    }
    client.post(&batch).await;
    let mut answered = 0;
    while answered < ASKS {
        let packets = client.poll().await;
        let packets: Vec<_> = packets.split('\x1e').map(|packet| &packet[1..]).collect();
        let replies: Vec<_> = packets.iter().filter_map(|packet| reply(packet)).collect();
        answered += packets.iter().filter(|packet| packet.starts_with("2[\"answered\",")).count();
        if !replies.is_empty() {
            client
                .post(&replies.iter().map(|it| format!("4{it}")).collect::<Vec<_>>().join("\x1e"))
                .await;
        }
    }
}

/// What handlers have seen, in order.
type Seen = Arc<Mutex<Vec<String>>>;

/// A table whose `hold` waits until it may go on, and which notes the rest.
fn noting(seen: &Seen, gate: &Arc<Semaphore>) -> Events {
    let (noted, left, gate) = (Arc::clone(seen), Arc::clone(seen), Arc::clone(gate));
    Events::new()
        .on("hold", move |_: Socket, ()| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok(())
            }
        })
        .on("note", move |_: Socket, n: usize| {
            noted.lock().push(n.to_string());
            std::future::ready(Ok(()))
        })
        .on_disconnect(move |_: Socket| {
            left.lock().push("left".to_owned());
            std::future::ready(())
        })
}

fn expected(first: Option<&str>, last: Option<&str>) -> Vec<String> {
    let notes = (0..10).map(|n| n.to_string());
    first.map(str::to_owned).into_iter().chain(notes).chain(last.map(str::to_owned)).collect()
}

async fn until_seen(seen: &Seen, expected: &[String]) {
    let same = within(async {
        while seen.lock().len() < expected.len() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    same.await;
    assert_eq!(*seen.lock(), expected);
}

/// `hold`, ten notes, and the end, each an Engine.IO packet.
fn farewell(end: &str) -> Vec<String> {
    let notes = (0..10).map(|n| format!("42[\"note\",{n}]"));
    std::iter::once("42[\"hold\"]".to_owned()).chain(notes).chain([end.to_owned()]).collect()
}

#[tokio::test]
async fn what_a_client_sent_before_it_left_is_handled_before_its_end() {
    for end in ["41", "1"] {
        for polling in [false, true] {
            let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
            let options = Options::default().max_running_handlers(1);
            let server = Server::new(noting(&seen, &gate)).options(options);
            let address = start(server).await.0;
            if polling {
                Poller::join(address).await.post(&farewell(end).join("\x1e")).await;
            } else {
                let client = Client::join(address).await;
                for packet in farewell(end) {
                    client.socket.send(packet).await.unwrap();
                }
                until_seen(&seen, &expected(None, Some("left"))).await;
            }
            until_seen(&seen, &expected(None, Some("left"))).await;
            gate.add_permits(1);
        }
    }
}

#[tokio::test]
async fn a_table_that_takes_one_event_after_the_other_does_so_after_the_end_too() {
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let address = start(Server::new(noting(&seen, &gate).sequential())).await.0;
    let client = Client::join(address).await;
    for packet in farewell("41") {
        client.socket.send(packet).await.unwrap();
    }
    until_seen(&seen, &["left".to_owned()]).await;
    gate.add_permits(1);
    until_seen(&seen, &expected(Some("left"), None)).await;
}

/// An event of so many bytes.
fn large(name: &str, bytes: usize) -> String {
    format!("42[\"{name}\",\"{}\"]", "x".repeat(bytes))
}

#[tokio::test]
async fn a_post_that_is_broken_off_while_it_waits_ends_its_session() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let events = Events::new().on("hold", move |_: Socket, _: String| {
        let gate = Arc::clone(&held);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(())
        }
    });
    let options = Options::default().max_payload(100_000).max_running_handlers(1);
    let (address, io) = start(Server::new(events).options(options)).await;
    let client = Poller::join(address).await;
    let body = large("hold", 90_000);
    // One runs, two wait for it, one or two more wait in the transport: the last of them is asked
    // to wait.
    let mut waits = false;
    for _ in 0..6 {
        let post = http(address, "POST", &client.target, &body);
        waits = tokio::time::timeout(Duration::from_millis(200), post).await.is_err();
        if waits {
            break;
        }
    }
    assert!(waits, "six of them were taken");
    within(async {
        while http(address, "POST", &client.target, "3").await.0 != 400 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    // What had come before is handled all the same, and then nothing is left of the session.
    gate.add_permits(6);
    until(|| io.clients_count() == 0).await;
}

#[tokio::test]
async fn what_waits_for_a_bare_session_s_handler_is_bounded_by_bytes_and_in_order() {
    let (gate, seen) = (Arc::new(Semaphore::new(0)), Seen::default());
    let (held, noted) = (Arc::clone(&gate), Arc::clone(&seen));
    let handler = move |socket: EngineSocket| {
        let (gate, seen) = (Arc::clone(&held), Arc::clone(&noted));
        async move {
            gate.acquire().await.unwrap().forget();
            while let Some(message) = socket.recv().await {
                seen.lock().push(message.to_string()[..1].to_owned());
            }
            Ok(())
        }
    };
    let options = Options::default().max_payload(100_000);
    let server = Server::default().engine("/raw", handler).options(options);
    let (address, _) = start(server).await;
    let base = "/raw/?EIO=4&transport=polling";
    let (_, open) = http(address, "GET", base, "").await;
    let target = format!("{base}&sid={}", open.split('"').nth(3).expect("a session id"));
    let body = |n: u32| format!("4{n}{}", "x".repeat(90_000));
    // Two wait for the handler, one or two more in the transport: the last is asked to wait.
    let mut last = 0;
    let bodies: Vec<_> = (0..6).map(body).collect();
    let waiting = loop {
        let mut post = Box::pin(http(address, "POST", &target, &bodies[last]));
        match tokio::time::timeout(Duration::from_millis(200), &mut post).await {
            Ok((status, _)) => assert_eq!(status, 200),
            Err(_) => break post,
        }
        last += 1;
    };
    assert!(last <= 3, "{last} were taken");
    gate.add_permits(1);
    assert_eq!(within(waiting).await.0, 200);
    until_seen(&seen, &(0..=last).map(|n| n.to_string()).collect::<Vec<_>>()).await;
}

async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_panic_in_on_disconnect_keeps_nobody_in_a_room() {
    let events = Events::new()
        .on_ack("join", async |socket: Socket, room: String| socket.join(room))
        .on_disconnect(|_: Socket| -> std::future::Ready<()> { panic!("on purpose") });
    let (address, io) = start(Server::new(events)).await;
    for end in ["1", "41"] {
        let mut client = Client::join(address).await;
        client.ask(0, "[\"join\",\"ghosts\"]").await;
        assert_eq!((io.count(), io.rooms().len()), (1, 1));
        client.socket.send(end).await.unwrap();
        until(|| io.count() == 0 && io.clients_count() == 0).await;
        assert!(io.rooms().is_empty() && io.members("ghosts").is_empty(), "after {end}");
    }
}

#[tokio::test]
async fn a_login_that_never_ends_is_refused_in_time_and_outlives_nobody() {
    async fn login(_: Handshake) -> Result<(), Refused> {
        std::future::pending().await
    }
    let options = Options::default().connect_timeout(Duration::from_millis(300));
    let server = Server::new(Events::new()).namespace("/slow", guard(login, Events::new()));
    let (address, io) = start(server.options(options)).await;
    let mut client = Client::join(address).await;
    client.send("0/slow,").await;
    let refused = r#"4/slow,{"message":"login took too long","data":{"code":13,"#;
    let answer = client.recv().await;
    assert!(answer.starts_with(refused), "{answer}");
    // One that leaves while it waits is forgotten as soon.
    client.send("0/slow,").await;
    drop(client);
    until(|| io.clients_count() == 0).await;
}

#[tokio::test]
async fn a_table_is_told_of_a_failure_though_the_client_has_left() {
    let (told, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let (failed, held) = (Arc::clone(&told), Arc::clone(&gate));
    let events = Events::new()
        .on("fail", move |_: Socket, ()| {
            let gate = Arc::clone(&held);
            async move {
                gate.acquire().await.unwrap().forget();
                Err("on purpose".into())
            }
        })
        .on_error(move |_, event, error| failed.lock().push(format!("{event}: {error}")));
    let (address, io) = start(Server::new(events)).await;
    let client = Client::join(address).await;
    for packet in ["42[\"fail\"]", "41"] {
        client.socket.send(packet).await.unwrap();
    }
    until(|| io.count() == 0).await;
    gate.add_permits(1);
    until_seen(&told, &["fail: on purpose".to_owned()]).await;
}
