//! Heartbeats and deadlines, with time as a value: paused, it jumps from timer to timer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use futures_sink::Sink;
use rialto_ws::proto::OpCode;
use rialto_ws::{Connect, Error, Heartbeat, Message, Options, Result, Role, WebSocket};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use support::{PATIENCE, Peer, open, poll_once, server};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};

const PIPE: usize = 1 << 16;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A heartbeat and nothing else.
fn heartbeat(interval: u64, timeout: u64) -> Options {
    let heartbeat = Heartbeat::new(seconds(interval), seconds(timeout));
    Options::default().heartbeat(heartbeat).stall_timeout(None)
}

/// Receives until the end; returns the error, if there is one, and how long it took.
async fn end_of(mut socket: WebSocket) -> (Option<Error>, Duration) {
    let start = Instant::now();
    loop {
        match timeout(seconds(100_000), socket.recv()).await.expect("an end") {
            Ok(Some(_)) => {}
            Ok(None) => return (None, start.elapsed()),
            Err(error) => return (Some(error), start.elapsed()),
        }
    }
}

/// Answers `count` pings, and returns the times between them.
async fn pong(peer: &mut Peer, count: usize) -> Vec<Duration> {
    let mut gaps = Vec::new();
    let mut last = Instant::now();
    for _ in 0..count {
        let (opcode, payload) = timeout(seconds(1000), peer.next()).await.unwrap().unwrap();
        assert_eq!((opcode, payload.len()), (OpCode::Ping, 0));
        gaps.push(last.elapsed());
        last = Instant::now();
        peer.send(true, OpCode::Pong, b"").await;
    }
    gaps
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_pongs_is_pinged_once_per_interval_and_lives() {
    let (socket, mut peer) = server(&heartbeat(30, 20), PIPE);
    let ending = tokio::spawn(end_of(socket));
    let gaps = pong(&mut peer, 100).await;
    assert!(gaps.iter().skip(1).all(|gap| (15..=30).contains(&gap.as_secs())), "{gaps:?}");
    assert!(!ending.is_finished());
    drop(peer);
    assert!(ending.await.unwrap().0.unwrap().is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_found_in_time_at_either_end() {
    for role in [Role::Server, Role::Client] {
        let (socket, mut peer) = open(role, &heartbeat(30, 20), PIPE);
        let sender = socket.sender();
        let (error, after) = end_of(socket).await;
        let error = error.expect("an error");
        assert!(error.is_timeout(), "{error}");
        assert_eq!(error.close_code().get(), 1006);
        assert!((35..=60).contains(&after.as_secs()), "{after:?}");
        assert!(sender.try_send("late").unwrap_err().is_closed());
        assert_eq!(peer.read().await, Some((OpCode::Ping, Vec::new())));
        assert_eq!(peer.read().await, None, "no Close frame for the dead");
    }
}

#[tokio::test(start_paused = true)]
async fn the_defaults_find_a_dead_peer_within_a_minute() {
    let (socket, _peer) = server(&Options::default(), PIPE);
    let (error, after) = end_of(socket).await;
    assert!(error.unwrap().is_timeout());
    assert!((35..=60).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_heartbeat_silence_lasts_for_ever() {
    let (mut socket, mut peer) = server(&heartbeat(30, 20).heartbeat(None), PIPE);
    assert!(timeout(seconds(1_000_000), socket.recv()).await.is_err());
    assert_eq!(peer.arrived().await, b"");
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life_and_spares_the_ping() {
    let (socket, mut peer) = server(&heartbeat(30, 20), PIPE);
    let ending = tokio::spawn(end_of(socket));
    // One message of 100 bytes, a byte at a time: it is complete after a quarter of an hour.
    let bytes = support::frame(Role::Client, true, OpCode::Binary, &[7; 100]);
    for byte in bytes {
        sleep(seconds(9)).await;
        peer.send_raw(&[byte]).await;
    }
    assert_eq!(peer.arrived().await, b"", "nobody was pinged");
    assert!(!ending.is_finished());
    // What is not a pong answers a ping as well.
    assert_eq!(peer.next().await, Some((OpCode::Ping, Vec::new())));
    sleep(seconds(18)).await;
    peer.text("busy").await;
    assert_eq!(peer.next().await, Some((OpCode::Ping, Vec::new())));
    assert!(!ending.is_finished());
    ending.abort();
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_receive_does_not_lose_a_living_peer() {
    let (mut socket, mut peer) = server(&heartbeat(30, 20), PIPE);
    // A call that waited and was dropped is not a reader either.
    assert!(timeout(seconds(1), socket.recv()).await.is_err());
    sleep(seconds(20)).await;
    peer.text("while you were busy").await;
    sleep(seconds(100_000)).await;
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("while you were busy")));
    socket.send("and we go on").await.unwrap();
    assert_eq!(peer.read().await, Some((OpCode::Ping, Vec::new())));
    assert_eq!(peer.read().await, Some((OpCode::Text, b"and we go on".to_vec())));
    // With nothing to be found, the one look that is owed is enough.
    let (error, after) = end_of(socket).await;
    assert!(error.unwrap().is_timeout());
    assert!(after.as_secs() <= 60, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_messages_is_closed_with_1000() {
    let options = heartbeat(60, 200).idle_timeout(seconds(100));
    let (socket, mut peer) = server(&options, PIPE);
    let sender = socket.sender();
    let start = Instant::now();
    let ending = tokio::spawn(end_of(socket));
    // Messages of either direction count, pongs do not.
    sleep(seconds(90)).await;
    sender.send("news").await.unwrap();
    let mut pings = 0;
    while let Some((opcode, payload)) = peer.next().await {
        match opcode {
            OpCode::Ping => {
                pings += 1;
                peer.send(true, OpCode::Pong, b"").await;
            }
            OpCode::Text => assert_eq!(payload, b"news"),
            other => {
                assert_eq!((other, &payload[..2]), (OpCode::Close, &b"\x03\xe8"[..]));
                break;
            }
        }
    }
    let after = start.elapsed().as_secs();
    assert!((190..=225).contains(&after), "{after} s, {pings} pings");
    assert!(pings >= 2, "{pings}");
    peer.send(true, OpCode::Close, b"\x03\xe8").await;
    assert!(ending.await.unwrap().0.is_none(), "a close in order");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_idle_close_is_cut_off() {
    let options = heartbeat(30, 20).heartbeat(None).idle_timeout(seconds(100));
    let (socket, mut peer) = server(&options, PIPE);
    let (error, after) = end_of(socket).await;
    assert!(error.unwrap().is_timeout());
    assert!((100..=160).contains(&after.as_secs()), "{after:?}");
    assert_eq!(peer.closed_with().await, 1000);
    assert_eq!(peer.read().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_close_by_the_sending_half_has_a_deadline_too() {
    let options = Options::default().close_timeout(seconds(7));
    let (socket, mut peer) = server(&options, PIPE);
    let sender = socket.sender();
    let ending = tokio::spawn(end_of(socket));
    sleep(seconds(1)).await;
    sender.close(4000, "enough");
    assert_eq!(peer.closed_with().await, 4000);
    let (error, after) = ending.await.unwrap();
    assert!(error.unwrap().is_timeout());
    assert_eq!(after.as_secs(), 8);
}

/// A peer that hears no end of us within the time is rid of us after it, reader or not.
#[tokio::test(start_paused = true)]
async fn a_dropped_close_of_a_socket_that_is_kept_has_a_deadline() {
    let options = Options::default().close_timeout(seconds(7));
    let (mut socket, mut peer) = server(&options, PIPE);
    assert!(poll_once(socket.close(4000, "enough")).await.is_none());
    assert_eq!(peer.closed_with().await, 4000);
    let start = Instant::now();
    assert_eq!(peer.next().await, None, "the stream ends");
    assert_eq!(start.elapsed().as_secs(), 7);
    assert!(socket.recv().await.unwrap_err().is_timeout());
    assert!(socket.recv().await.unwrap().is_none());

    // By way of the sink as well.
    let (mut socket, mut peer) = server(&options, PIPE);
    poll_fn(|cx| Pin::new(&mut socket).poll_close(cx)).await.unwrap();
    assert_eq!(peer.closed_with().await, 1000);
    let start = Instant::now();
    assert_eq!(peer.next().await, None, "the stream ends");
    assert_eq!(start.elapsed().as_secs(), 7);
    drop(socket);
}

#[tokio::test(start_paused = true)]
async fn each_close_has_a_deadline_of_its_own() {
    let options = Options::default().close_timeout(seconds(7));
    let start = Instant::now();
    let mut endings = Vec::new();
    let mut peers = Vec::new();
    for second in 0..5 {
        let (socket, mut peer) = server(&options, PIPE);
        let sender = socket.sender();
        let ending = tokio::spawn(end_of(socket));
        tokio::task::yield_now().await;
        sender.close(4000, "enough");
        // Every other peer answers.
        if second % 2 == 1 {
            peer.send(true, OpCode::Close, b"").await;
        }
        endings.push((start.elapsed(), ending));
        peers.push(peer);
        sleep(seconds(1)).await;
    }
    for (index, (begun, ending)) in endings.into_iter().enumerate() {
        let (error, after) = ending.await.unwrap();
        if index % 2 == 1 {
            assert!(error.is_none(), "{error:?}");
        } else {
            assert!(error.unwrap().is_timeout());
            assert_eq!(after.as_secs(), 7, "begun after {begun:?}");
        }
    }
    // And later ones, when all is over.
    sleep(seconds(60)).await;
    let (socket, _peer) = server(&options, PIPE);
    socket.sender().close(4000, "enough");
    let (error, after) = end_of(socket).await;
    assert!(error.unwrap().is_timeout());
    assert_eq!(after.as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_nobody_answers_fails_whichever_deadline_tells() {
    let options = Options::default().close_timeout(seconds(7));
    for _ in 0..20 {
        let (mut socket, mut peer) = server(&options, PIPE);
        let start = Instant::now();
        assert!(socket.close(4000, "enough").await.unwrap_err().is_timeout());
        assert_eq!(start.elapsed().as_secs(), 7);
        assert_eq!(peer.closed_with().await, 4000);
    }
    let never = Options::default().close_timeout(Duration::MAX);
    let (mut socket, mut peer) = server(&never, PIPE);
    peer.send(true, OpCode::Close, b"").await;
    peer.shutdown().await;
    socket.close(4000, "a time that no clock reaches").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_abort_wakes_who_receives_elsewhere() {
    let (socket, mut peer) = server(&Options::default(), PIPE);
    let sender = socket.sender();
    let ending = tokio::spawn(end_of(socket));
    sleep(seconds(1)).await;
    sender.abort();
    let (error, after) = ending.await.unwrap();
    assert!(error.unwrap().is_closed());
    assert_eq!(after.as_secs(), 1);
    assert_eq!(peer.read().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_cut_off_and_a_slow_one_is_not() {
    let options = heartbeat(30, 20).heartbeat(None).stall_timeout(seconds(60));
    let (socket, mut peer) = server(&options, 1000);
    let sender = socket.sender();
    sender.try_send(vec![1; 20_000]).unwrap();
    let ending = tokio::spawn(end_of(socket));
    for _ in 0..15 {
        sleep(seconds(50)).await;
        assert_eq!(peer.arrived().await.len(), 1000);
    }
    assert!(!ending.is_finished());
    let waiting = tokio::spawn(async move { sender.flush().await });
    let start = Instant::now();
    let (error, _) = ending.await.unwrap();
    assert!(error.unwrap().is_timeout());
    let after = start.elapsed().as_secs();
    assert!((59..=91).contains(&after), "{after} s");
    assert!(waiting.await.unwrap().unwrap_err().is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_cannot_see_the_ping_yet_is_alive() {
    let (socket, mut peer) = server(&heartbeat(30, 20), 1000);
    socket.try_send(vec![1; 20_000]).unwrap();
    let ending = tokio::spawn(end_of(socket));
    for _ in 0..19 {
        sleep(seconds(18)).await;
        assert!(!peer.arrived().await.is_empty());
        assert!(!ending.is_finished(), "what it takes is a sign of life");
    }
    ending.abort();
}

#[tokio::test(start_paused = true)]
async fn thousands_of_connections_share_one_sweeper() {
    let start = Instant::now();
    let pairs: Vec<_> = (0..3000).map(|_| server(&heartbeat(30, 20), 256)).collect();
    let (mut dead, mut peers) = (Vec::new(), Vec::new());
    let mut alive = Vec::new();
    for (index, (socket, mut peer)) in pairs.into_iter().enumerate() {
        let ending = tokio::spawn(end_of(socket));
        if index % 3 == 0 {
            alive.push(ending);
            tokio::spawn(async move { pong(&mut peer, 20).await });
        } else {
            dead.push(ending);
            peers.push(peer);
        }
    }
    for ending in dead {
        assert!(ending.await.unwrap().0.unwrap().is_timeout());
    }
    assert!(start.elapsed() <= seconds(60));
    assert!(alive.iter().all(|ending| !ending.is_finished()));
}

/// A server over TCP with these options; each connection reports how it ended.
async fn listen(options: Options) -> (String, tokio::sync::mpsc::UnboundedReceiver<Option<Error>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = move |socket: WebSocket| {
        let sender = sender.clone();
        async move {
            let (error, _) = end_of(socket).await;
            let _ = sender.send(error);
            Result::<()>::Ok(())
        }
    };
    tokio::spawn(rialto_ws::serve_on(listener, options, handler));
    (url, receiver)
}

fn short(interval: u64, timeout: u64) -> Options {
    let milliseconds = Duration::from_millis;
    Options::default().heartbeat(Heartbeat::new(milliseconds(interval), milliseconds(timeout)))
}

#[tokio::test]
async fn over_tcp_a_dead_client_is_reset_and_a_living_one_stays() {
    let (url, mut ends) = listen(short(100, 2000)).await;
    let quiet = Options::default().heartbeat(None);
    let mut living = Connect::new(url.clone()).options(quiet.clone()).connect().await.unwrap();
    // Nobody receives at this end: the kernel takes the ping, and no pong comes.
    let mut dead = Connect::new(url).options(quiet).connect().await.unwrap();
    let pongs = tokio::spawn(async move {
        let waited = timeout(seconds(4), living.recv()).await;
        assert!(waited.is_err(), "{waited:?}");
        living
    });
    let end = timeout(PATIENCE, ends.recv()).await.unwrap().unwrap();
    assert!(end.unwrap().is_timeout());
    let error = timeout(PATIENCE, dead.recv()).await.unwrap().unwrap_err();
    assert!(error.is_io() || error.is_closed(), "{error}");
    let mut living = pongs.await.unwrap();
    assert!(ends.try_recv().is_err());
    living.close(1000, "").await.unwrap();
    assert!(timeout(PATIENCE, ends.recv()).await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn over_tcp_what_waits_to_be_read_is_a_sign_of_life() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let client = tokio::spawn(async move {
        let socket = Connect::new(url).options(Options::default().heartbeat(None)).connect().await;
        let socket = socket.unwrap();
        socket.send("read me").await.unwrap();
        socket
    });
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = rialto_ws::accept_with(stream, &short(20, 20)).await.unwrap();
    let client = client.await.unwrap();
    // Far beyond the deadline, the handler is still busy with something else.
    sleep(Duration::from_millis(500)).await;
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("read me")));
    let error = timeout(PATIENCE, socket.recv()).await.unwrap().unwrap_err();
    assert!(error.is_timeout());
    drop(client);
}

#[tokio::test]
async fn over_tcp_an_abort_and_a_dead_peer_are_seen_without_a_waker() {
    let (url, mut ends) = listen(short(20, 50)).await;
    let quiet = Options::default().heartbeat(None);
    let client = Connect::new(url).options(quiet).connect().await.unwrap();
    // Only the sending half is used: the server finds out by itself.
    let end = timeout(PATIENCE, ends.recv()).await.unwrap().unwrap();
    assert!(end.unwrap().is_timeout());
    let (sender, mut receiver) = client.split();
    let ending = tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
    sender.abort();
    timeout(PATIENCE, ending).await.unwrap().unwrap();
}
