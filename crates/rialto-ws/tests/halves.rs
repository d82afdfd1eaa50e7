//! Two halves in two tasks: how they end, in each order and from each side.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::OpCode;
use rialto_ws::{Message, Options, WebSocket};
use std::time::Duration;
use support::{PATIENCE, pair, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Both ends over TCP.
async fn tcp() -> (WebSocket, WebSocket) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client =
        tokio::spawn(async move { rialto_ws::connect(&format!("ws://{address}/")).await.unwrap() });
    let (stream, _): (TcpStream, _) = listener.accept().await.unwrap();
    let server = rialto_ws::accept(stream).await.unwrap();
    (server, client.await.unwrap())
}

#[tokio::test]
async fn without_senders_the_receiver_goes_on() {
    let (socket, mut peer) = pair(&Options::default(), 1 << 16);
    let (sender, mut receiver) = socket.split();
    drop(sender);
    peer.send("still there?").await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), Some(Message::from("still there?")));
    drop(receiver);
    assert_eq!(peer.recv().await.unwrap(), None);
    assert_eq!(peer.close_frame().unwrap().code.get(), 1000);
}

#[tokio::test]
async fn without_the_receiver_senders_fail_and_the_peer_hears_1000() {
    let (socket, mut peer) = pair(&Options::default(), 1 << 16);
    let (sender, receiver) = socket.split();
    sender.send("last").await.unwrap();
    drop(receiver);
    assert!(sender.send("late").await.unwrap_err().is_closed());
    assert!(!sender.is_open());
    assert_eq!(peer.recv().await.unwrap(), Some(Message::from("last")));
    assert_eq!(peer.recv().await.unwrap(), None);
    assert_eq!(peer.close_frame().unwrap().code.get(), 1000);
    drop(sender);
}

#[tokio::test]
async fn the_receiver_can_close_too() {
    let (socket, mut peer) = pair(&Options::default(), 1 << 16);
    let (sender, mut receiver) = socket.split();
    let closing = tokio::spawn(async move { receiver.close(4000, "enough").await });
    assert_eq!(peer.recv().await.unwrap(), None);
    assert_eq!(peer.close_frame().unwrap().reason, "enough");
    drop(peer);
    timeout(PATIENCE, closing).await.unwrap().unwrap().unwrap();
    assert!(sender.try_send("late").unwrap_err().is_closed());
}

#[tokio::test]
async fn a_peers_close_reaches_both_halves() {
    let (socket, peer) = tcp().await;
    let (sender, mut receiver) = socket.split();
    peer.sender().close(4001, "bye");
    assert_eq!(receiver.recv().await.unwrap(), None);
    assert_eq!(receiver.close_frame().unwrap().code.get(), 4001);
    assert!(sender.send("late").await.unwrap_err().is_closed());
    drop(peer);
}

#[tokio::test]
async fn a_violation_reaches_both_halves() {
    let (socket, mut peer) = server(&Options::default(), 1 << 16);
    let (sender, mut receiver) = socket.split();
    peer.send(true, OpCode::Text, b"\xff").await;
    assert!(receiver.recv().await.unwrap_err().is_violation());
    assert!(sender.send("late").await.unwrap_err().is_closed());
    assert_eq!(receiver.recv().await.unwrap(), None);
    assert_eq!(peer.closed_with().await, 1007);
}

/// The receiver waits, the peer is silent, the sender cuts.
async fn cut_ends_the_wait(socket: WebSocket, peer: WebSocket) {
    let (sender, mut receiver) = socket.split();
    let receiving = tokio::spawn(async move {
        let first = receiver.recv().await;
        (first, receiver.recv().await)
    });
    tokio::task::yield_now().await;
    sender.abort();
    let (first, second) = timeout(PATIENCE, receiving).await.expect("it is woken").unwrap();
    assert_eq!(first.unwrap_err().close_code().get(), 1006);
    assert_eq!(second.unwrap(), None);
    assert!(sender.send("late").await.unwrap_err().is_closed());
    drop(peer);
}

#[tokio::test]
async fn cutting_the_connection_ends_a_wait_of_the_receiver() {
    let (socket, peer) = tcp().await;
    cut_ends_the_wait(socket, peer).await;
    let (socket, peer) = pair(&Options::default(), 64);
    cut_ends_the_wait(socket, peer).await;
}

#[tokio::test]
async fn what_had_arrived_before_a_cut_is_still_received() {
    let (mut socket, peer) = pair(&Options::default(), 1 << 16);
    peer.send("before").await.unwrap();
    socket.sender().abort();
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("before")));
    assert!(socket.recv().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn a_close_that_is_never_answered_ends_the_receiver_in_time() {
    let options = Options::default().close_timeout(Duration::from_millis(50));
    let (socket, mut peer) = server(&options, 1 << 16);
    let (sender, mut receiver) = socket.split();
    let receiving = tokio::spawn(async move { receiver.recv().await });
    sender.close(1001, "going");
    let ended = timeout(PATIENCE, receiving).await.expect("in time").unwrap();
    assert!(ended.unwrap_err().is_closed());
    assert_eq!(peer.closed_with().await, 1001);
    assert!(peer.read().await.is_none());
}

#[tokio::test]
async fn the_end_of_the_stream_reaches_both_halves() {
    let (socket, mut peer) = tcp().await;
    let (sender, mut receiver) = socket.split();
    peer.abort();
    drop(peer);
    assert!(timeout(PATIENCE, receiver.recv()).await.unwrap().is_err());
    assert!(sender.send("late").await.unwrap_err().is_closed());
    assert_eq!(receiver.recv().await.unwrap(), None);
}

#[tokio::test]
async fn halves_that_rejoin_are_the_connection_again() {
    let (socket, mut peer) = pair(&Options::default(), 1 << 16);
    let (sender, receiver) = socket.split();
    drop(sender);
    let socket = receiver.into_inner();
    socket.send("whole").await.unwrap();
    assert_eq!(peer.recv().await.unwrap(), Some(Message::from("whole")));
}

#[tokio::test]
async fn what_precedes_leaves_with_the_first_frame_before_it() {
    let (mut client, stream) = tokio::io::duplex(1 << 16);
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let socket = rialto_ws::accept(stream).await.unwrap();
    let mut answer = vec![0; 1 << 16];
    let length = client.read(&mut answer).await.unwrap();
    assert!(answer[..length].ends_with(b"\r\n\r\n"));
    {
        let _turn = rialto_ws::turn::enter();
        socket.precede(b"");
        socket.precede(b"first");
        socket.try_send("x").unwrap();
    }
    let length = timeout(PATIENCE, client.read(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer[..length], b"first\x81\x01x");
}
