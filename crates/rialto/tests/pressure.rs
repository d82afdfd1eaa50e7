//! Peers that do not read: what waits for them is bounded, the policy shows, others do not notice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{CloseReason, Events, Io, Options, Server, SlowPeer, Socket};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Client, Poller, start, within};

const BUDGET: usize = 1_000_000;
const SIZE: usize = 100_000;
const COUNT: usize = 2_000;

/// A server that floods who asks for it, and answers with what came of the last event.
async fn serve(options: Options) -> (SocketAddr, Io) {
    let events = Events::new().on_ack("echo", async |_: Socket, n: u64| Ok(n)).on(
        "flood",
        async |socket: Socket, ()| {
            let payload = "x".repeat(SIZE);
            for n in 0..COUNT {
                socket.emit("big", (n, &payload)).await?;
            }
            socket.emit("end", ()).await
        },
    );
    let options = options.send_budget(BUDGET).ping_interval(Duration::from_secs(60));
    start(Server::new(events).options(options)).await
}

/// Microseconds of each of many round trips of a client, in order of size.
async fn round_trips(client: &mut Client) -> Vec<u128> {
    let mut times = Vec::new();
    for n in 0..100 {
        let start = Instant::now();
        assert_eq!(client.ask(n, &format!("[\"echo\",{n}]")).await, format!("3{n}[{n}]"));
        times.push(start.elapsed().as_micros());
    }
    times.sort_unstable();
    times
}

/// Fails unless round trips are as long as they were before. Other programs may slow down one
/// series of them, or two; what slows them down here slows down all.
async fn assert_unhurried(client: &mut Client, before: &[u128], what: &str) {
    let mut medians = Vec::new();
    for _ in 0..8 {
        let during = round_trips(client).await;
        medians.push(during[during.len() / 2]);
        if medians.last() <= Some(&(before[before.len() / 2] * 2 + 500)) {
            return;
        }
    }
    panic!("{what}: {medians:?} us after {before:?}");
}

/// Resident bytes of this process, where the system tells.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? * 1024)
}

/// Waits until the condition holds.
async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_megabytes_for_one_who_does_not_read_stay_within_the_budget() {
    for policy in [SlowPeer::Wait, SlowPeer::Drop, SlowPeer::Close] {
        let (address, io) = serve(Options::default().slow_peer(policy)).await;
        let mut calm = Client::join(address).await;
        let before = round_trips(&mut calm).await;
        let memory = resident();
        let mut stuck = Client::join(address).await;
        stuck.send("2[\"flood\"]").await;
        until(|| io.stats().buffered > 0 || io.stats().closed_slow > 0).await;
        assert_unhurried(&mut calm, &before, &format!("{policy:?}")).await;
        let buffered = io.stats().buffered;
        assert!(buffered <= BUDGET + 2 * SIZE, "{policy:?}: {buffered} bytes wait");
        if let (Some(before), Some(now)) = (memory, resident()) {
            let grown = now.saturating_sub(before);
            assert!(grown < 60_000_000, "{policy:?}: {grown} bytes more");
        }
        judge(policy, &io, stuck).await;
    }
}

/// What the policy has done, seen from both sides.
async fn judge(policy: SlowPeer, io: &Io, mut stuck: Client) {
    match policy {
        SlowPeer::Wait => {
            for n in 0..COUNT {
                assert!(stuck.recv().await.starts_with(&format!("2[\"big\",{n},")));
            }
            assert_eq!(stuck.recv().await, "2[\"end\"]");
            assert_eq!((io.stats().dropped, io.stats().closed_slow), (0, 0));
        }
        SlowPeer::Drop => {
            until(|| io.stats().dropped > COUNT as u64 / 2).await;
            assert!(stuck.recv().await.starts_with("2[\"big\",0,"));
            assert_eq!(io.count(), 2, "nobody was closed");
        }
        _ => {
            assert_eq!(stuck.closed().await, (1013, "this client reads too slowly".to_owned()));
            until(|| io.count() == 1).await;
            let stats = io.stats();
            assert_eq!((stats.closed_slow, stats.connections), (1, 1));
            assert_eq!(stats.closed[&CloseReason::TransportError], 1);
        }
    }
}

#[tokio::test]
async fn a_broadcast_follows_the_policy_and_volatile_goes_first() {
    for policy in [SlowPeer::Wait, SlowPeer::Drop, SlowPeer::Close] {
        let (address, io) = serve(Options::default().slow_peer(policy)).await;
        let stuck = Client::join(address).await;
        let payload = "x".repeat(SIZE);
        while io.stats().buffered == 0 {
            io.emit("big", &payload).await.unwrap();
            tokio::task::yield_now().await;
        }
        io.volatile().emit("volatile", ()).await.unwrap();
        assert_eq!(io.stats().dropped_volatile, 1);
        for _ in 0..100 {
            io.emit("big", &payload).await.unwrap();
        }
        let closes = policy != SlowPeer::Drop;
        assert_eq!(io.stats().closed_slow, u64::from(closes), "{policy:?}");
        assert_eq!(io.stats().dropped > 50, !closes);
        drop(stuck);
    }
}

#[tokio::test]
async fn who_takes_nothing_for_too_long_is_cut_off_and_its_emit_ends() {
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let events = Events::new().on("flood", move |socket: Socket, ()| {
        let ended = ended.clone();
        async move {
            let payload = "x".repeat(SIZE);
            let error = loop {
                if let Err(error) = socket.emit("big", &payload).await {
                    break error;
                }
            };
            ended.send((error.is_disconnected(), socket.disconnect_reason())).unwrap();
            Ok(())
        }
    });
    let options = Options::default().stall_timeout(Some(Duration::from_millis(200)));
    let options = options.ping_interval(Duration::from_millis(100)).allow_eio3(true);
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut stuck = Client::join(address).await;
    stuck.send("2[\"flood\"]").await;
    let chatty = async {
        // It sends, so no heartbeat would ever end it.
        while stuck.socket.send("3").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (end, ()) = tokio::join!(within(ends.recv()), within(chatty));
    assert!(end.unwrap().0);
    until(|| io.stats().connections == 0).await;

    let mut poller = Poller::join(address).await;
    poller.post("42[\"flood\"]").await;
    assert!(within(ends.recv()).await.unwrap().0);
    until(|| io.stats().connections == 0).await;
    assert_eq!(io.stats().closed[&CloseReason::TransportError], 1);
    assert_eq!((io.stats().buffered, io.stats().closed_slow), (0, 1));

    // Here the client pings: the server has no clock of its own to go by.
    let mut poller = Poller::join_revision3(address).await;
    poller.post("11:42[\"flood\"]").await;
    assert!(within(ends.recv()).await.unwrap().0);
    until(|| io.stats().connections == 0).await;
    assert_eq!((io.stats().buffered, io.stats().closed_slow), (0, 2));
}

/// A handler that waits for room costs nothing until there is some.
#[tokio::test]
async fn an_emit_that_waits_for_polls_is_not_asked_again_and_again() {
    let polls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&polls);
    let events = Events::new().on("flood", move |socket: Socket, ()| {
        let count = Arc::clone(&count);
        let mut flood = Box::pin(async move {
            let payload = "x".repeat(SIZE);
            loop {
                socket.emit("big", &payload).await?;
            }
        });
        poll_fn(move |cx| {
            count.fetch_add(1, Ordering::Relaxed);
            flood.as_mut().poll(cx)
        })
    });
    let options = Options::default().send_budget(BUDGET).allow_eio3(true);
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut pollers = [Poller::join(address).await, Poller::join_revision3(address).await];
    for (poller, flood) in pollers.iter_mut().zip(["42[\"flood\"]", "11:42[\"flood\"]"]) {
        let buffered = io.stats().buffered;
        poller.post(flood).await;
        until(|| io.stats().buffered >= buffered + BUDGET).await;
        let before = polls.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = polls.load(Ordering::Relaxed) - before;
        assert!(asked < 10, "asked {asked} times in a tenth of a second");
        let full = io.stats().buffered;
        poller.poll().await;
        until(|| io.stats().buffered == full && polls.load(Ordering::Relaxed) > before).await;
    }
}

#[tokio::test]
async fn all_slow_peers_together_stay_below_the_ceiling() {
    const CEILING: usize = 1_000_000;
    let options = Options::default().max_buffered(CEILING).slow_peer(SlowPeer::Drop);
    let options = options.allow_eio3(true);
    let (address, io) = serve(options).await;
    let mut stuck = Vec::new();
    for _ in 0..8 {
        stuck.push(Client::join(address).await);
    }
    let pollers = [Poller::join(address).await, Poller::join_revision3(address).await];
    let mut calm = Client::join(address).await;
    let payload = "x".repeat(SIZE / 10);
    for n in 0..2_000 {
        io.emit("n", (n, &payload)).await.unwrap();
        assert!(calm.recv().await.starts_with(&format!("2[\"n\",{n},")), "a calm one misses none");
    }
    let buffered = io.stats().buffered;
    assert!((CEILING..CEILING + 10 * SIZE).contains(&buffered), "{buffered}");
    drop((stuck, calm));
    // What waits for the polls of those that are left is within their own budgets.
    until(|| io.count() == 2 && io.stats().buffered <= 2 * (BUDGET + SIZE)).await;
    let before = io.stats().buffered;
    for mut poller in pollers {
        assert!(poller.poll().await.contains("42[\"n\","), "what waited is still theirs");
    }
    assert!(io.stats().buffered < before);
}

/// A server with little room, which fills that of who asks for it; the second namespace is there to
/// be joined meanwhile.
async fn cramped() -> (SocketAddr, Io) {
    let fill = async |socket: Socket, ()| {
        let payload = "x".repeat(SIZE);
        for n in 0..COUNT / 10 {
            socket.emit("big", (n, &payload)).await?;
        }
        Ok(())
    };
    let options = Options::default().send_budget(SIZE).ping_timeout(Duration::from_secs(60));
    let options = options.ping_interval(Duration::from_millis(300));
    let server = Server::new(Events::new().on("fill", fill)).namespace("/chat", Events::new());
    start(server.options(options)).await
}

#[tokio::test]
async fn a_slow_client_gets_its_heartbeat_and_joins_what_it_asks_for() {
    let (address, io) = cramped().await;
    let mut slow = Client::join(address).await;
    slow.send("2[\"fill\"]").await;
    until(|| io.stats().buffered >= SIZE).await;
    slow.send("0/chat,").await;
    // Long enough for a ping to be due, which finds no room either.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let (mut beats, mut joined) = (0, 0);
    while beats == 0 || joined == 0 {
        let message = within(slow.socket.recv()).await.unwrap().expect("a message").to_string();
        beats += u32::from(message == "2");
        joined += u32::from(message.starts_with("40/chat,{"));
    }
}

#[tokio::test]
async fn a_slow_client_on_polling_gets_the_same() {
    let (address, io) = cramped().await;
    let mut slow = Poller::join(address).await;
    slow.post("42[\"fill\"]").await;
    until(|| io.stats().buffered >= SIZE).await;
    slow.post("40/chat,").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let (mut beats, mut joined) = (0, 0);
    while beats == 0 || joined == 0 {
        let body = slow.poll().await;
        beats += body.split('\x1e').filter(|packet| *packet == "2").count();
        joined += body.split('\x1e').filter(|packet| packet.starts_with("40/chat,{")).count();
    }
}

/// Clients that send more than the server may keep, and take none of the answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_events_of_those_who_do_not_read_are_not_piled_up() {
    const LARGE: usize = 900_000;
    let events = Events::new()
        .on("echo", async |socket: Socket, text: String| socket.emit("echo", text).await);
    let (address, _io) = start(Server::new(events)).await;
    let event = format!("42[\"echo\",\"{}\"]", "x".repeat(LARGE));
    let memory = resident();
    let sent = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for _ in 0..6 {
        let (client, event, sent) = (Client::join(address).await, event.clone(), Arc::clone(&sent));
        clients.push(tokio::spawn(async move {
            for _ in 0..100 {
                client.socket.send(event.as_str()).await.unwrap();
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    // Until nothing more is taken.
    let mut before = usize::MAX;
    while before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(before < 6 * 50, "{before} events were taken");
    if let (Some(earlier), Some(now)) = (memory, resident()) {
        let grown = now.saturating_sub(earlier);
        assert!(grown < 6 * 16 * LARGE, "{grown} bytes more");
    }
    clients.iter().for_each(|client| client.abort());
}

#[tokio::test]
async fn a_larger_max_payload_is_more_room_between_two_polls() {
    let (address, io) =
        start(Server::new(Events::new()).options(Options::default().max_payload(10_000_000))).await;
    let mut poller = Poller::join(address).await;
    let image = "x".repeat(3_000_000);
    for _ in 0..6 {
        io.emit("image", &image).await.unwrap();
    }
    let mut arrived = 0;
    while arrived < 6 {
        arrived += poller.poll().await.matches("42[\"image\",").count();
    }
}
