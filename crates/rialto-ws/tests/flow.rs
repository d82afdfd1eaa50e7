//! When bytes leave, who waits, and how a connection ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::OpCode;
use rialto_ws::{Message, MessageRef, Options, Role, WebSocket, turn};
use std::time::Duration;
use support::{PATIENCE, frame, server};
use tokio::time::{sleep, timeout};

/// Runs a handler as `serve` does.
fn serve<F>(socket: WebSocket, handler: impl FnOnce(WebSocket) -> F + Send + 'static)
where
    F: Future<Output = rialto_ws::Result<()>> + Send + 'static,
{
    tokio::spawn(rialto_ws::run(socket, handler));
}

/// Two messages in one read; the handler answers the first and then sleeps.
async fn reply_before_sleep(turned: bool) -> Vec<u8> {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 16);
    let bytes = [
        frame(Role::Client, true, OpCode::Text, b"one"),
        frame(Role::Client, true, OpCode::Text, b"two"),
    ];
    peer.send_raw(&bytes.concat()).await;
    let handler = async move {
        let message = socket.recv().await.unwrap().unwrap();
        socket.send(message).await.unwrap();
        sleep(PATIENCE).await;
        drop(socket);
    };
    if turned {
        tokio::spawn(turn::Turned::new(handler));
    } else {
        tokio::spawn(handler);
    }
    peer.arrived().await
}

#[tokio::test]
async fn a_reply_leaves_when_the_task_waits_for_something_else() {
    assert_eq!(reply_before_sleep(true).await, b"\x81\x03one");
    assert_eq!(reply_before_sleep(false).await, b"\x81\x03one");
}

#[tokio::test]
async fn what_one_turn_sends_arrives_together_and_in_order() {
    let (socket, mut peer) = server(&Options::default(), 1 << 16);
    {
        let _turn = turn::enter();
        for text in ["a", "b", "c"] {
            socket.try_send(text).unwrap();
        }
        assert_eq!(socket.buffered(), 9, "nothing leaves before the turn ends");
    }
    assert_eq!(peer.arrived().await, b"\x81\x01a\x81\x01b\x81\x01c");
    assert_eq!(socket.buffered(), 0);
}

#[tokio::test]
async fn sending_waits_within_the_budget_and_sends_nothing_when_dropped() {
    let (socket, mut peer) = server(&Options::default().send_budget(1000), 64);
    let large = vec![7u8; 600];
    socket.send(large.clone()).await.unwrap();
    socket.send("reaches the budget ".repeat(30)).await.unwrap();
    assert!(socket.try_send("x").unwrap_err().is_full());
    let waits = timeout(Duration::from_millis(20), socket.send("dropped")).await;
    assert!(waits.is_err(), "a message over the budget waits");
    assert_eq!(peer.read().await, Some((OpCode::Binary, large.clone())));
    timeout(PATIENCE, socket.send("next")).await.unwrap().unwrap();
    assert_eq!(peer.read().await.unwrap().1.len(), 19 * 30);
    assert_eq!(peer.read().await, Some((OpCode::Text, b"next".to_vec())));
}

#[tokio::test]
async fn a_sender_that_waits_is_woken_when_the_peer_reads() {
    let (socket, mut peer) = server(&Options::default().send_budget(1000), 64);
    let sender = socket.sender();
    let sending = tokio::spawn(async move {
        for n in 0..200u8 {
            sender.send(vec![n; 300]).await.unwrap();
        }
    });
    for n in 0..200u8 {
        assert_eq!(peer.read().await, Some((OpCode::Binary, vec![n; 300])));
    }
    timeout(PATIENCE, sending).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reserve_beyond_the_budget_is_bounded_in_order_and_there_again() {
    let (socket, mut peer) = server(&Options::default().send_budget(1000), 64);
    let sender = socket.sender();
    let beyond = |text| sender.try_send_beyond(MessageRef::Text(text), 10);
    for _ in 0..3 {
        // With room it is a message like others.
        beyond("first").unwrap();
        sender.try_send(vec![7; 1200]).unwrap();
        assert!(sender.try_send("x").unwrap_err().is_full());
        for text in ["12345", "67890"] {
            beyond(text).unwrap();
        }
        assert!(beyond("x").unwrap_err().is_full());
        for expected in [&b"first"[..], &[7; 1200], b"12345", b"67890"] {
            assert_eq!(peer.read().await.unwrap().1, expected);
        }
        timeout(PATIENCE, sender.flush()).await.unwrap().unwrap();
    }
    sender.close(1000, "");
    assert!(beyond("late").unwrap_err().is_closed());
}

#[tokio::test]
async fn receiving_in_select_loses_no_message() {
    let (mut socket, mut peer) = server(&Options::default(), 256);
    let count = 2000u32;
    let feeding = tokio::spawn(async move {
        for n in 0..count {
            peer.send(true, OpCode::Binary, &n.to_be_bytes()).await;
        }
        peer
    });
    let mut next = 0;
    while next < count {
        // The timer is always ready first: the call to `recv` is dropped again and again.
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            message = socket.recv() => {
                assert_eq!(message.unwrap(), Some(Message::from(&next.to_be_bytes())));
                next += 1;
            }
        }
    }
    drop(feeding.await.unwrap());
}

#[tokio::test]
async fn unread_pongs_cost_no_memory() {
    let (mut socket, mut peer) = server(&Options::default(), 512);
    let reading = tokio::spawn(async move {
        let _ = timeout(Duration::from_secs(2), socket.recv()).await;
        socket
    });
    for n in 0..20_000u32 {
        peer.send(true, OpCode::Ping, &n.to_be_bytes()).await;
    }
    // All pongs that the pipe took, in order, and at the end the newest.
    let mut last = None;
    let mut count = 0;
    while last != Some(19_999) {
        let (opcode, payload) = peer.read().await.expect("the newest pong");
        assert_eq!(opcode, OpCode::Pong);
        let number = u32::from_be_bytes(payload.try_into().unwrap());
        assert!(last.is_none_or(|last| number > last));
        last = Some(number);
        count += 1;
    }
    assert!(count < 20_000, "{count} pongs were kept for a peer that does not read");
    reading.abort();
}

#[tokio::test]
async fn close_waits_for_the_peers_answer() {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 16);
    let closing = tokio::spawn(async move { socket.close(4001, "enough").await });
    assert_eq!(peer.read().await, Some((OpCode::Close, b"\x0f\xa1enough".to_vec())));
    peer.send(true, OpCode::Text, b"on its way").await;
    sleep(Duration::from_millis(20)).await;
    assert!(!closing.is_finished());
    peer.send(true, OpCode::Close, b"\x0f\xa1").await;
    assert!(peer.read().await.is_none());
    drop(peer);
    timeout(PATIENCE, closing).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_answer_a_close_frame_is_cut_off() {
    let options = Options::default().close_timeout(Duration::from_millis(50));
    let (mut socket, peer) = server(&options, 1 << 16);
    let error = timeout(PATIENCE, socket.close(1000, "")).await.unwrap().unwrap_err();
    assert!(error.is_timeout());
    assert!(socket.send("x").await.unwrap_err().is_closed());
    drop(peer);
}

#[tokio::test]
async fn the_handlers_outcome_chooses_the_close_code() {
    let close_code = async |outcome: fn() -> rialto_ws::Result<()>| {
        let (socket, mut peer) = server(&Options::default(), 1 << 16);
        serve(socket, move |_socket| async move { outcome() });
        peer.closed_with().await
    };
    assert_eq!(close_code(|| Ok(())).await, 1000);
    assert_eq!(close_code(|| Err(std::io::Error::other("failed").into())).await, 1011);
    assert_eq!(close_code(|| panic!("a handler that panics")).await, 1011);
}

#[tokio::test]
async fn dropping_the_socket_closes_with_1000() {
    let (socket, mut peer) = server(&Options::default(), 1 << 16);
    let sender = socket.sender();
    drop(socket);
    assert_eq!(peer.closed_with().await, 1000);
    assert!(sender.send("late").await.unwrap_err().is_closed());
    peer.send(true, OpCode::Close, b"\x03\xe8").await;
    assert!(peer.read().await.is_none());
}

#[tokio::test]
async fn halves_work_in_two_tasks_and_close_together() {
    let (socket, mut peer) = server(&Options::default(), 1 << 16);
    let (sender, mut receiver) = socket.split();
    let receiving = tokio::spawn(async move {
        let first = receiver.recv().await.unwrap();
        (first, receiver.recv().await.unwrap(), receiver.close_frame().cloned())
    });
    sender.send("out").await.unwrap();
    assert_eq!(peer.read().await, Some((OpCode::Text, b"out".to_vec())));
    peer.text("in").await;
    sender.close(1001, "going");
    assert_eq!(peer.closed_with().await, 1001);
    peer.send(true, OpCode::Close, b"\x03\xe9").await;
    let (first, second, frame) = timeout(PATIENCE, receiving).await.unwrap().unwrap();
    assert_eq!((first, second), (Some(Message::from("in")), None));
    assert_eq!(frame.unwrap().code.get(), 1001);
    assert!(sender.send("late").await.unwrap_err().is_closed());
}

#[tokio::test]
async fn an_end_without_a_close_frame_is_an_error_and_then_nothing() {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 16);
    peer.text("last").await;
    peer.shutdown().await;
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("last")));
    let error = socket.recv().await.unwrap_err();
    assert!(error.is_closed() && error.close_code().get() == 1006);
    assert_eq!(socket.recv().await.unwrap(), None);
}
