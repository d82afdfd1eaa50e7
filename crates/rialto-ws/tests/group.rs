//! Groups: who gets what, in which order, and what becomes of slow and closed members.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::OpCode;
use rialto_ws::{CloseFrame, Group, Message, Options, Prepared, Role, WebSocket, turn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use support::{PATIENCE, pair, server, until_ready};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::time::timeout;

fn text(bytes: &str) -> Option<(OpCode, Vec<u8>)> {
    Some((OpCode::Text, bytes.as_bytes().to_vec()))
}

#[tokio::test]
async fn members_get_what_is_published_while_they_are_members() {
    let group = Group::new();
    let (a, mut peer_a) = server(&Options::default(), 1 << 16);
    let (b, mut peer_b) = server(&Options::default(), 1 << 16);
    let member_a = group.join(&a);
    let member_b = group.join(b.sender());
    assert_eq!(group.len(), 2);
    assert_eq!(group.publish("all").sent, 2);
    assert_eq!(group.publish_except(&member_a, "not a").sent, 1);
    assert_eq!(group.publish_except(&b, Prepared::new("not b")).sent, 1);
    drop(member_b);
    assert_eq!(group.publish("a alone").sent, 1);
    assert!(member_a.sender().same_connection(&a.sender()));
    drop(member_a);
    assert!(group.is_empty());
    assert_eq!(group.publish("nobody").sent, 0);
    for expected in ["all", "not b", "a alone"] {
        assert_eq!(peer_a.read().await, text(expected));
    }
    for expected in ["all", "not a"] {
        assert_eq!(peer_b.read().await, text(expected));
    }
    a.send("end").await.unwrap();
    b.send("end").await.unwrap();
    assert_eq!((peer_a.read().await, peer_b.read().await), (text("end"), text("end")));
}

#[tokio::test]
async fn a_closed_connection_leaves_by_itself() {
    let group = Group::new();
    let (open, _peer) = server(&Options::default(), 1 << 16);
    group.join(&open).stay();
    let (closes, mut peer) = server(&Options::default(), 1 << 16);
    group.join(&closes).stay();
    assert_eq!((group.len(), group.iter().count()), (2, 2));
    drop(closes);
    assert_eq!(peer.closed_with().await, 1000, "a group keeps no connection open");
    assert_eq!(group.len(), 1);
    let delivery = group.publish("who is there?");
    assert_eq!((delivery.sent, delivery.dropped), (1, 0));
    assert_eq!(group.iter().count(), 1);
    let mut visited = 0;
    group.for_each(|sender| {
        assert!(sender.same_connection(&open.sender()));
        drop(group.join(sender));
        visited += 1;
    });
    assert_eq!(visited, 1, "members may come and go meanwhile");
}

#[tokio::test]
async fn a_slow_member_misses_messages_and_nobody_else_does() {
    let group = Group::new();
    let options = Options::default().send_budget(1000);
    let (slow, mut slow_peer) = server(&options, 64);
    let (fast, mut fast_peer) = server(&options, 1 << 16);
    let _members = [group.join(&slow), group.join(&fast)];
    let mut dropped = 0;
    for n in 0..20u8 {
        let delivery = group.publish(vec![n; 300]);
        assert_eq!(delivery.sent + delivery.dropped, 2);
        dropped += delivery.dropped as u64;
        assert_eq!(fast_peer.read().await, Some((OpCode::Binary, vec![n; 300])));
    }
    assert_eq!(dropped, 16);
    assert_eq!((group.dropped(), slow.dropped(), fast.dropped()), (16, 16, 0));
    for n in 0..4u8 {
        assert_eq!(slow_peer.read().await, Some((OpCode::Binary, vec![n; 300])));
    }
    until_ready(|| slow.flush()).await.unwrap();
    assert_eq!(group.publish("again").sent, 2);
    assert_eq!(slow_peer.read().await, text("again"));
}

#[tokio::test]
async fn a_group_can_close_slow_members() {
    let group = Group::closing_slow(CloseFrame::new(4008, "slow"));
    let (slow, mut peer) = server(&Options::default().send_budget(1000), 64);
    group.join(&slow).stay();
    for _ in 0..4 {
        assert_eq!(group.publish(vec![0; 300]).sent, 1);
    }
    assert_eq!(group.publish(vec![0; 300]).dropped, 1);
    assert_eq!(group.len(), 0);
    for _ in 0..4 {
        assert_eq!(peer.read().await.unwrap().0, OpCode::Binary);
    }
    assert_eq!(peer.closed_with().await, 4008);
}

#[tokio::test]
async fn a_publisher_can_wait_for_slow_members() {
    let group = Group::new();
    let (slow, mut peer) = server(&Options::default().send_budget(1000), 64);
    let (fast, mut fast_peer) = server(&Options::default(), 1 << 20);
    let _members = [group.join(&slow), group.join(&fast)];
    let publishing = tokio::spawn({
        let group = group.clone();
        async move {
            for n in 0..50u8 {
                assert_eq!(group.publish_wait(vec![n; 300]).await, 2);
            }
        }
    });
    for n in 0..50u8 {
        assert_eq!(peer.read().await, Some((OpCode::Binary, vec![n; 300])));
        assert_eq!(fast_peer.read().await, Some((OpCode::Binary, vec![n; 300])));
    }
    timeout(PATIENCE, publishing).await.unwrap().unwrap();
    assert_eq!(group.dropped(), 0);
}

#[tokio::test]
async fn closing_all_ends_also_those_that_do_not_answer() {
    let group = Group::new();
    let options = Options::default().close_timeout(Duration::from_millis(50));
    let (polite, mut peer) = pair(&options, 1 << 16);
    let (mut silent, mut silent_peer) = server(&options, 1 << 16);
    let members = [group.join(&polite), group.join(&silent)];
    assert_eq!(group.close_all(1001, "stopping"), 2);
    assert_eq!(group.close_all(1001, "again"), 0);
    assert_eq!(peer.recv().await.unwrap(), None);
    assert_eq!(peer.close_frame().unwrap().reason, "stopping");
    let ended = timeout(PATIENCE, silent.recv()).await.expect("in time");
    assert!(ended.unwrap_err().is_closed());
    assert_eq!(silent_peer.closed_with().await, 1001);
    assert!(group.is_empty());
    drop(members);
}

async fn chat(mut socket: WebSocket, room: Group) -> rialto_ws::Result<()> {
    let member = room.join(&socket);
    socket.send(format!("member {}", room.len())).await?;
    while let Some(message) = socket.recv().await? {
        room.publish_except(&member, message);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_of_ten_lines_works() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let room = Group::new();
    let served = room.clone();
    let handler = move |socket| chat(socket, served.clone());
    tokio::spawn(rialto_ws::serve_on(listener, Options::default(), handler));
    let mut clients = Vec::new();
    for n in 1..=10 {
        let mut client = rialto_ws::connect(&url).await.unwrap();
        let greeting = timeout(PATIENCE, client.recv()).await.unwrap().unwrap();
        assert_eq!(greeting, Some(Message::from(format!("member {n}"))));
        clients.push(client);
    }
    for n in 0..10 {
        clients[n].send(n.to_string()).await.unwrap();
        for other in (0..10).filter(|other| *other != n) {
            let heard = timeout(PATIENCE, clients[other].recv()).await.unwrap().unwrap();
            assert_eq!(heard, Some(Message::from(n.to_string())));
        }
    }
    drop(clients);
    let emptied = async {
        while !room.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, emptied).await.expect("whoever closes leaves");
}

/// Counts the writes that reach the stream.
struct Counting(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn publishes_of_one_turn_are_one_write_for_each_member() {
    let group = Group::new();
    let writes = Arc::new(AtomicUsize::new(0));
    let mut ends = Vec::new();
    for _ in 0..50 {
        let (near, far) = tokio::io::duplex(1 << 16);
        let open = |stream, role| {
            let request = rialto_ws::Request::default();
            WebSocket::from_upgraded(stream, role, Vec::new(), request, &Options::default())
        };
        let near = Counting(near, writes.clone());
        let request = rialto_ws::Request::default();
        let options = Options::default();
        let socket = WebSocket::from_upgraded(near, Role::Server, Vec::new(), request, &options);
        group.join(&socket).stay();
        ends.push((socket, open(far, Role::Client)));
    }
    {
        let _turn = turn::enter();
        for n in 0..10 {
            assert_eq!(group.publish(n.to_string()).sent, 50);
        }
        assert_eq!(writes.load(Ordering::Relaxed), 0);
    }
    assert_eq!(writes.load(Ordering::Relaxed), 50);
    for (_, peer) in &mut ends {
        for n in 0..10 {
            assert_eq!(peer.recv().await.unwrap(), Some(Message::from(n.to_string())));
        }
    }
}

/// What one publisher sends arrives in order and without holes at everybody who was there all the
/// time, while others publish, join and leave on other threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn publishers_on_many_threads_keep_their_own_order() {
    const MESSAGES: u32 = 500;
    let group = Group::new();
    let mut receiving = Vec::new();
    for _ in 0..20 {
        let (socket, mut peer) = pair(&Options::default(), 1 << 14);
        group.join(&socket).stay();
        receiving.push(tokio::spawn(async move {
            let mut next = [0u32; 3];
            while next.iter().any(|&next| next < MESSAGES) {
                let message = timeout(PATIENCE, peer.recv()).await.unwrap().unwrap().unwrap();
                let (publisher, number) = message.as_text().unwrap().split_once(' ').unwrap();
                let next = &mut next[publisher.parse::<usize>().unwrap()];
                assert_eq!(number.parse(), Ok(*next));
                *next += 1;
            }
            drop(socket);
        }));
    }
    let over = Arc::new(AtomicBool::new(false));
    let coming_and_going = tokio::spawn({
        let (group, over) = (group.clone(), over.clone());
        async move {
            let (socket, mut peer) = pair(&Options::default(), 1 << 14);
            let reading = tokio::spawn(async move { while let Ok(Some(_)) = peer.recv().await {} });
            while !over.load(Ordering::Relaxed) {
                let members: Vec<_> = (0..600).map(|_| group.join(&socket)).collect();
                tokio::task::yield_now().await;
                drop(members);
            }
            drop(socket);
            reading.await.unwrap();
        }
    });
    let publishing: Vec<_> = (0..3)
        .map(|publisher| {
            let group = group.clone();
            tokio::spawn(async move {
                for number in 0..MESSAGES {
                    group.publish(format!("{publisher} {number}"));
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in publishing.into_iter().chain(receiving) {
        task.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    timeout(PATIENCE, coming_and_going).await.unwrap().unwrap();
    assert!(group.is_empty());
}
