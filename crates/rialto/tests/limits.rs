//! Limits on those who ask for much: connections of an address, events of a connection, rooms.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Events, Options, Server, Socket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
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

/// How many events have been handled, and whether each came in its turn.
fn counting() -> (Events, Arc<AtomicU64>) {
    let handled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&handled);
    let events = Events::new()
        .on_ack("next", move |_: Socket, n: u64| {
            let in_turn = count.fetch_add(1, Ordering::Relaxed) == n;
            async move { Ok(in_turn) }
        })
        .on_ack("hello", async |_: Socket, ()| Ok(1))
        .on("ask me", async |socket: Socket, times: u32| {
            for _ in 0..times {
                socket.emit_with_ack::<()>("well", ()).await?;
            }
            socket.emit("enough", ()).await
        });
    (events, handled)
}

#[tokio::test]
async fn a_flood_is_read_at_the_pace_of_the_options_and_outlives_its_heartbeat() {
    const FLOOD: u64 = 120;
    let (events, _) = counting();
    // Its pongs stand behind the flood, longer than a silent client would be waited for.
    let options = Options::default()
        .max_events_per_second(100)
        .max_event_burst(20)
        .ping_interval(Duration::from_millis(200))
        .ping_timeout(Duration::from_millis(400));
    let (address, _) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    let began = Instant::now();
    for n in 0..FLOOD {
        client.send(&format!("2{n}[\"next\",{n}]")).await;
    }
    for n in 0..FLOOD {
        assert_eq!(client.recv().await, format!("3{n}[true]"));
    }
    // The CONNECT was an event, too; the bucket may have been refilled by one in between.
    assert!(began.elapsed() >= Duration::from_millis(990), "{:?}", began.elapsed());

    let (events, _) = counting();
    let options = Options::default().max_events_per_second(50).max_event_burst(1);
    let (address, _) = start(Server::new(events).options(options)).await;
    let mut poller = Poller::join(address).await;
    let began = Instant::now();
    let batch = |from: u64| {
        let packets = (from..from + 10).map(|n| format!("42{n}[\"next\",{n}]"));
        packets.collect::<Vec<_>>().join("\x1e")
    };
    poller.post(&batch(0)).await;
    poller.post(&batch(10)).await;
    let mut answers = Vec::new();
    while answers.len() < 20 {
        answers.extend(poller.poll().await.split('\x1e').map(str::to_owned));
    }
    let expected: Vec<_> = (0..20).map(|n| format!("43{n}[true]")).collect();
    assert_eq!(answers, expected);
    assert!(began.elapsed() >= Duration::from_millis(380), "{:?}", began.elapsed());
}

#[tokio::test]
async fn others_do_not_notice_a_flood_and_acks_are_no_events() {
    let (events, handled) = counting();
    let options = Options::default().max_events_per_second(1).max_event_burst(5);
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut flood = Client::join(address).await;
    for n in 0..1_000 {
        flood.send(&format!("2[\"next\",{n}]")).await;
    }
    let mut calm = Client::join(address).await;
    for n in 0..3 {
        assert_eq!(calm.ask(n, "[\"hello\"]").await, format!("3{n}[1]"));
    }
    let mut asked = Client::join(address).await;
    asked.send("2[\"ask me\",100]").await;
    for n in 0..100 {
        assert_eq!(asked.recv().await, format!("2{n}[\"well\"]"));
        asked.send(&format!("3{n}[]")).await;
    }
    assert_eq!(asked.recv().await, "2[\"enough\"]");
    until(|| handled.load(Ordering::Relaxed) >= 4).await;
    let handled = handled.load(Ordering::Relaxed);
    assert!(handled < 500, "{handled} of the flood");
    assert_eq!(io.count(), 3);
    io.disconnect_sockets(true);
    until(|| io.clients_count() == 0).await;
}

#[tokio::test]
async fn a_socket_is_in_so_many_rooms_and_no_more() {
    let (log, _guard) = Log::here();
    let events = Events::new()
        .on_ack("join", async |socket: Socket, rooms: Vec<String>| {
            let joined = socket.join(rooms.as_slice());
            Ok((joined.is_ok(), joined.is_err_and(|error| error.is_limit()), socket.rooms().len()))
        })
        .on_ack("leave", async |socket: Socket, room: String| socket.leave(room));
    let options = Options::default().max_rooms(3);
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    for (id, (rooms, answer)) in [
        ("\"a\",\"b\"", "true,false,2"),
        // All of them or none.
        ("\"c\",\"d\"", "false,true,2"),
        ("\"c\",\"c\",\"a\"", "true,false,3"),
        // Again where it is.
        ("\"a\",\"b\",\"c\"", "true,false,3"),
        ("\"d\"", "false,true,3"),
    ]
    .into_iter()
    .enumerate()
    {
        let asked = client.ask(id as u64, &format!("[\"join\",[{rooms}]]")).await;
        assert_eq!(asked, format!("3{id}[{answer}]"), "{rooms}");
    }
    // One who has room joins, one who has none is left out.
    let _other = Client::join(address).await;
    io.sockets_join(["x", "y"]);
    assert_eq!((io.members("x").len(), io.members("a").len()), (1, 1));
    client.ask(9, "[\"leave\",\"a\"]").await;
    io.to("b").sockets_join("x");
    assert_eq!((io.members("x").len(), io.members("a").len()), (2, 0));
    let warned = log.take("WARN a socket is in as many rooms as it may be in");
    assert_eq!(warned.len(), 1, "once for each socket: {warned:?}");
}

#[tokio::test]
async fn a_message_over_the_limit_is_a_warning_with_what_is_known_of_it() {
    let (log, _guard) = Log::here();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let options = Options::default().max_payload(1_000).on_connection_error(move |error| {
        tell.lock().unwrap().push((error.code, error.message));
    });
    let (address, _) = start(Server::new(Events::new()).options(options)).await;
    let warned = |size: &str, transport: &str| {
        let lines = log.take("WARN a message is over `max_payload`");
        assert_eq!(lines.len(), 1, "{lines:?}");
        let expected = format!("size={size} limit=1000 transport=\"{transport}\" peer=Some(127.");
        assert!(lines[0].contains(&expected), "{lines:?}");
    };

    let poller = Poller::join(address).await;
    assert_eq!(http(address, "POST", &poller.target, &"x".repeat(1_001)).await.0, 413);
    warned("Some(1001)", "polling");
    assert_eq!(*told.lock().unwrap(), [(6, "Payload too large")]);

    let mut client = Client::join(address).await;
    client.send(&"x".repeat(1_001)).await;
    assert_eq!(client.closed().await.0, 1009);
    warned("None", "websocket");

    // Parts that pass one by one.
    let mut client = Client::join(address).await;
    let part = |n: u8| format!("{{\"_placeholder\":true,\"num\":{n}}}");
    client.send(&format!("52-[\"e\",{},{}]", part(0), part(1))).await;
    for _ in 0..2 {
        client.socket.send(vec![0; 600]).await.unwrap();
    }
    assert_eq!(client.closed().await.0, 1002);
    warned("None", "websocket");

    for _ in 0..9 {
        http(address, "POST", &poller.target, &"x".repeat(1_001)).await;
    }
    let lines = log.take("WARN a message is over `max_payload`");
    assert_eq!(lines.len(), 7, "the log is not the peers' to fill");
}
