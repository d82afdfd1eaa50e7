//! What clients receive: across an upgrade, in rooms, when they are slow, when the server stops.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Bytes, CloseReason, Events, Options, Server, Socket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Client, Poller, http, start, within};
use tokio::sync::{Semaphore, mpsc};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_reordered_across_an_upgrade() {
    let events = Events::new().on("go", async |socket: Socket, count: u64| {
        for n in 0..count {
            socket.emit("n", n).await?;
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Ok(())
    });
    let (address, _) = start(Server::new(events)).await;
    let count = 1000u64;
    let mut poller = Poller::join(address).await;
    poller.post(&format!("42[\"go\",{count}]")).await;
    let mut packets = Vec::new();
    packets.extend(poller.poll().await.split('\u{1e}').map(str::to_owned));
    let mut socket = poller.websocket().await;
    socket.send("2probe").await.unwrap();
    assert_eq!(within(socket.recv()).await.unwrap().unwrap().to_string(), "3probe");
    packets.extend(poller.poll().await.split('\u{1e}').map(str::to_owned));
    socket.send("5").await.unwrap();
    let last = format!("42[\"n\",{}]", count - 1);
    while packets.last() != Some(&last) {
        packets.push(within(socket.recv()).await.unwrap().expect("more").to_string());
    }
    packets.retain(|packet| packet != "6");
    let expected: Vec<_> = (0..count).map(|n| format!("42[\"n\",{n}]")).collect();
    assert_eq!(packets, expected);
    let (status, _) = http(address, "GET", &poller.target, "").await;
    assert_eq!(status, 400, "a session on a WebSocket takes no polls");
}

/// What waits for a busy listener has come by a POST, what follows it by the WebSocket.
#[tokio::test]
async fn events_of_a_post_are_handled_before_those_of_the_websocket_behind_it() {
    let gate = Arc::new(Semaphore::new(0));
    let (heard, mut numbers) = mpsc::unbounded_channel();
    let listening = Arc::clone(&gate);
    let events = Events::new().sequential().on("n", move |_, n: u64| {
        let (gate, heard) = (Arc::clone(&listening), heard.clone());
        async move {
            drop(gate.acquire().await.unwrap());
            heard.send(n).unwrap();
            Ok(())
        }
    });
    let (address, _) = start(Server::new(events)).await;
    let mut poller = Poller::join(address).await;
    let batch: Vec<_> = (0..300).map(|n| format!("42[\"n\",{n}]")).collect();
    poller.post(&batch.join("\u{1e}")).await;
    let mut socket = poller.websocket().await;
    socket.send("2probe").await.unwrap();
    assert_eq!(within(socket.recv()).await.unwrap().unwrap().to_string(), "3probe");
    socket.send("5").await.unwrap();
    socket.send("42[\"n\",300]").await.unwrap();
    // The session has moved once polls are refused.
    while http(address, "GET", &poller.target, "").await.0 == 200 {}
    gate.add_permits(1);
    for n in 0..=300 {
        assert_eq!(within(numbers.recv()).await, Some(n));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it() {
    let (gone, mut reasons) = mpsc::unbounded_channel();
    let events = Events::new().on_disconnect(move |socket| {
        gone.send(socket.disconnect_reason()).unwrap();
        async {}
    });
    let options = Options::default().send_budget(200_000);
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut reader = Client::join(address).await;
    let stuck = Client::join(address).await;
    let payload = "x".repeat(100_000);
    let reading = tokio::spawn(async move {
        let mut count = 0;
        while count < 200 {
            count += u32::from(reader.recv().await.starts_with("2[\"big\""));
        }
        reader
    });
    let start = Instant::now();
    for _ in 0..200 {
        io.emit("big", &payload).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(8), "a broadcast waited for a slow client");
    let reader = within(reading).await.unwrap();
    assert_eq!(within(reasons.recv()).await, Some(Some(CloseReason::TransportError)));
    assert_eq!(io.count(), 1);
    drop((stuck, reader));
}

#[tokio::test]
async fn emitting_to_a_slow_client_waits_and_volatile_is_dropped() {
    let (report, mut reports) = mpsc::unbounded_channel();
    let events = Events::new().on("flood", move |socket: Socket, ()| {
        let report = report.clone();
        async move {
            let payload = "x".repeat(100_000);
            let mut sent = 0u32;
            let flooding = async {
                loop {
                    socket.emit("big", &payload).await.unwrap();
                    sent += 1;
                }
            };
            let waited = tokio::time::timeout(Duration::from_millis(300), flooding).await.is_err();
            for _ in 0..100 {
                socket.volatile().emit("volatile", ()).await?;
            }
            report.send((waited, sent)).unwrap();
            socket.emit("end", ()).await
        }
    });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    client.send("2[\"flood\"]").await;
    let (waited, sent) = within(reports.recv()).await.unwrap();
    assert!(waited, "emit did not wait after {sent} events");
    for _ in 0..sent {
        assert!(client.recv().await.starts_with("2[\"big\""));
    }
    assert_eq!(client.recv().await, "2[\"end\"]", "volatile events were kept for a slow client");
}

#[tokio::test]
async fn broadcasts_carry_binary_to_every_transport() {
    let events = Events::new().on("file", async |socket: Socket, (name, data): (String, Bytes)| {
        socket.io().emit("file", (name, data)).await
    });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    let mut poller = Poller::join(address).await;
    client.send("51-[\"file\",\"a\",{\"_placeholder\":true,\"num\":0}]").await;
    client.socket.send(vec![1, 2, 3]).await.unwrap();
    let text = "1-[\"file\",\"a\",{\"_placeholder\":true,\"num\":0}]";
    assert_eq!(client.recv().await, format!("5{text}"));
    assert_eq!(within(client.socket.recv()).await.unwrap().unwrap().as_bytes(), [1, 2, 3]);
    let body = poller.poll().await;
    assert_eq!(body, format!("45{text}\u{1e}bAQID"));
}

#[tokio::test]
async fn acks_of_a_broadcast_say_who_answered_and_who_did_not() {
    let events = Events::new().on_ack("ask", async |socket: Socket, ()| {
        let limit = Duration::from_millis(200);
        let acks = socket.io().timeout(limit).emit_with_ack::<u64>("question", ()).await?;
        Ok((acks.answers.len(), acks.missing.len()))
    });
    let (address, _) = start(Server::new(events)).await;
    let mut asker = Client::join(address).await;
    let mut other = Client::join(address).await;
    asker.send("20[\"ask\"]").await;
    let question = other.recv().await;
    other.send(&question.replace("[\"question\"]", "[5]").replacen('2', "3", 1)).await;
    assert!(asker.recv().await.contains("question"));
    assert_eq!(asker.recv().await, "30[1,1]");
}

#[tokio::test]
async fn stopping_tells_every_client_why() {
    let server =
        Server::new(Events::new()).websocket("/raw", async |mut socket: rialto::ws::WebSocket| {
            while socket.recv().await?.is_some() {}
            Ok::<_, rialto::Error>(())
        });
    let (address, io) = start(server).await;
    let mut client = Client::join(address).await;
    let mut poller = Poller::join(address).await;
    let mut raw = rialto::ws::connect(&format!("ws://{address}/raw")).await.unwrap();
    let closing = tokio::spawn(async move { io.close().await });
    assert_eq!(client.closed().await, (1001, "the server stops".to_owned()));
    assert_eq!(poller.poll().await, "1");
    assert_eq!(within(raw.recv()).await.unwrap(), None);
    assert_eq!(raw.close_frame().unwrap().code.get(), 1001);
    within(closing).await.unwrap();
}
