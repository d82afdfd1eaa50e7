//! Peers that read slowly: budgets, policies, feeding and flushing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use futures_sink::Sink;
use rialto_ws::proto::OpCode;
use rialto_ws::{CloseFrame, Message, Options, SlowPeer};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use support::{PATIENCE, pair, poll_once, server};
use tokio::time::timeout;

fn budget(policy: SlowPeer) -> Options {
    Options::default().send_budget(1000).slow_peer(policy)
}

#[tokio::test]
async fn a_policy_to_drop_counts_and_loses_only_what_had_no_room() {
    let (socket, mut peer) = server(&budget(SlowPeer::Drop), 64);
    for n in 0..20u8 {
        socket.send(vec![n; 300]).await.unwrap();
    }
    // 64 bytes are in the pipe; a message is taken while fewer than 1000 bytes wait.
    assert_eq!(socket.dropped(), 16);
    assert!(socket.try_send("x").unwrap_err().is_full(), "who tries decides by himself");
    assert_eq!(socket.dropped(), 16);
    for n in 0..4u8 {
        assert_eq!(peer.read().await, Some((OpCode::Binary, vec![n; 300])));
    }
    timeout(PATIENCE, socket.flush()).await.unwrap().unwrap();
    socket.send("again").await.unwrap();
    assert_eq!(peer.read().await, Some((OpCode::Text, b"again".to_vec())));
    assert_eq!(socket.dropped(), 16);
}

#[tokio::test]
async fn a_policy_to_close_delivers_what_was_queued_and_then_says_why() {
    let (socket, mut peer) = server(&budget(SlowPeer::close()), 64);
    for n in 0..4u8 {
        socket.send(vec![n; 300]).await.unwrap();
    }
    assert!(socket.send("too much").await.unwrap_err().is_full());
    assert_eq!(socket.dropped(), 1);
    assert!(socket.send("later").await.unwrap_err().is_closed());
    for n in 0..4u8 {
        assert_eq!(peer.read().await, Some((OpCode::Binary, vec![n; 300])));
    }
    let close = peer.read().await;
    assert_eq!(close, Some((OpCode::Close, b"\x03\xf0reading too slowly".to_vec())));
}

#[tokio::test]
async fn a_slow_peer_that_does_not_answer_its_close_frame_is_cut_off() {
    let policy = SlowPeer::Close(CloseFrame::new(4008, "slow"));
    let options = budget(policy).close_timeout(Duration::from_millis(50));
    let (mut socket, peer) = server(&options, 64);
    let sender = socket.sender();
    let receiving = tokio::spawn(async move { socket.recv().await });
    while sender.send(vec![0; 300]).await.is_ok() {}
    let ended = timeout(PATIENCE, receiving).await.expect("receiving ends").unwrap();
    assert!(ended.unwrap_err().is_closed());
    assert_eq!(sender.buffered(), 0, "what waited was given up");
    drop(peer);
}

#[tokio::test]
async fn what_is_fed_leaves_together_with_or_without_a_flush() {
    let (socket, mut peer) = server(&Options::default(), 1 << 16);
    for text in ["a", "b", "c"] {
        socket.feed(text).await.unwrap();
    }
    assert_eq!(socket.buffered(), 9, "feeding makes no system call");
    socket.flush().await.unwrap();
    assert_eq!(socket.buffered(), 0);
    assert_eq!(peer.arrived().await, b"\x81\x01a\x81\x01b\x81\x01c");
    socket.feed("d").await.unwrap();
    assert_eq!(peer.read().await, Some((OpCode::Text, b"d".to_vec())), "no flush is needed");
    socket.feed("e").await.unwrap();
    socket.send("f").await.unwrap();
    assert_eq!(socket.buffered(), 0, "what is sent takes along what was fed");
    assert_eq!(peer.arrived().await, b"\x81\x01e\x81\x01f");
}

#[tokio::test]
async fn a_flush_waits_until_everything_has_been_taken() {
    let (socket, mut peer) = server(&Options::default(), 64);
    socket.feed(vec![1u8; 500]).await.unwrap();
    assert!(poll_once(socket.flush()).await.is_none());
    tokio::task::yield_now().await;
    assert!(poll_once(socket.flush()).await.is_none(), "the pipe is full");
    let flushing = tokio::spawn({
        let sender = socket.sender();
        async move { sender.flush().await }
    });
    assert_eq!(peer.read().await, Some((OpCode::Binary, vec![1; 500])));
    timeout(PATIENCE, flushing).await.unwrap().unwrap().unwrap();
    assert_eq!(socket.buffered(), 0);
}

#[tokio::test]
async fn a_flush_fails_when_the_connection_is_cut() {
    let (socket, peer) = server(&Options::default(), 64);
    socket.feed(vec![1u8; 500]).await.unwrap();
    assert!(poll_once(socket.flush()).await.is_none());
    socket.sender().abort();
    assert!(socket.flush().await.unwrap_err().is_closed());
    drop(peer);
}

#[tokio::test]
async fn a_sink_takes_what_it_was_ready_for() {
    let (mut socket, mut peer) = pair(&budget(SlowPeer::Drop), 64);
    let mut sender = socket.sender();
    poll_fn(|cx| Pin::new(&mut sender).poll_ready(cx)).await.unwrap();
    // Somebody else uses the budget up in between.
    while socket.try_send(vec![9u8; 400]).is_ok() {}
    Pin::new(&mut sender).start_send(Message::from("promised")).unwrap();
    let ready = poll_once(poll_fn(|cx| Pin::new(&mut sender).poll_ready(cx))).await;
    assert!(ready.is_none(), "a sink waits whatever the policy");
    let closing = tokio::spawn(async move {
        poll_fn(|cx| Pin::new(&mut sender).poll_close(cx)).await.unwrap();
    });
    let mut last = None;
    while let Some(message) = peer.recv().await.unwrap() {
        last = Some(message);
    }
    assert_eq!(last, Some(Message::from("promised")));
    assert_eq!(peer.close_frame().unwrap().code.get(), 1000);
    closing.await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), None);
}
