//! Messages in pieces: received as they arrive, sent in fragments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::OpCode;
use rialto_ws::{Kind, Message, Options, Role, WebSocket};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{PATIENCE, open, pair, poll_once, server, until_ready};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

fn small() -> Options {
    Options::default().max_message(1000).send_budget(10_000)
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

/// Receives a message to its end.
async fn collect(socket: &mut WebSocket, limit: u64) -> (Kind, Vec<u8>) {
    let message = timeout(PATIENCE, socket.recv_stream()).await.unwrap().unwrap();
    let mut message = message.expect("a message").limit(limit);
    let mut payload = Vec::new();
    while let Some(chunk) = timeout(PATIENCE, message.chunk()).await.unwrap().unwrap() {
        assert!(!chunk.is_empty());
        payload.extend_from_slice(&chunk);
    }
    assert_eq!(message.chunk().await.unwrap(), None);
    (message.kind(), payload)
}

#[tokio::test]
async fn a_message_far_over_the_limit_passes_where_the_user_allows_it() {
    let (mut socket, peer) = pair(&small(), 1 << 14);
    let payload = bytes(3_000_000);
    let sent = payload.clone();
    let sending = tokio::spawn(async move {
        peer.send(sent.clone()).await.unwrap();
        peer.send("between").await.unwrap();
        peer.send(sent).await.unwrap();
        peer
    });
    assert_eq!(collect(&mut socket, 3_000_000).await, (Kind::Binary, payload.clone()));
    assert_eq!(socket.recv().await.unwrap(), Some(Message::from("between")));
    let mut read = Vec::new();
    let mut message = socket.recv_stream().await.unwrap().unwrap().limit(u64::MAX);
    message.read_to_end(&mut read).await.unwrap();
    assert!(read == payload);
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn without_a_limit_of_its_own_the_connections_holds() {
    let (mut socket, mut peer) = server(&small(), 1 << 14);
    peer.send(true, OpCode::Binary, &bytes(1000)).await;
    peer.send(false, OpCode::Binary, &bytes(600)).await;
    assert_eq!(collect_all(&mut socket).await.unwrap(), bytes(1000));
    peer.send(true, OpCode::Continuation, &bytes(401)).await;
    let error = collect_all(&mut socket).await.unwrap_err();
    assert_eq!(error.close_code().get(), 1009);
    assert_eq!(peer.closed_with().await, 1009);
    assert_eq!(socket.recv().await.unwrap(), None);
}

async fn collect_all(socket: &mut WebSocket) -> rialto_ws::Result<Vec<u8>> {
    let mut message = socket.recv_stream().await?.expect("a message");
    let mut payload = Vec::new();
    while let Some(chunk) = message.chunk().await? {
        payload.extend_from_slice(&chunk);
    }
    Ok(payload)
}

#[tokio::test]
async fn pieces_come_before_the_message_is_whole_and_pings_are_answered_between() {
    let (mut socket, mut peer) = server(&small(), 1 << 14);
    peer.send(false, OpCode::Text, "Grü".as_bytes()).await;
    let mut message = socket.recv_stream().await.unwrap().unwrap();
    assert_eq!(message.kind(), Kind::Text);
    assert_eq!(message.chunk().await.unwrap().unwrap(), "Grü".as_bytes());
    assert!(poll_once(message.chunk()).await.is_none());
    peer.send(true, OpCode::Ping, b"alive?").await;
    assert!(poll_once(message.chunk()).await.is_none());
    assert_eq!(peer.read().await, Some((OpCode::Pong, b"alive?".to_vec())));
    peer.send(true, OpCode::Continuation, "ße".as_bytes()).await;
    assert_eq!(message.chunk().await.unwrap().unwrap(), "ße".as_bytes());
    assert_eq!(message.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn a_reader_dropped_anywhere_discards_the_rest_and_no_more() {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 18);
    for taken in 0..4 {
        let next = format!("after {taken}");
        for part in 0..3 {
            let opcode = if part == 0 { OpCode::Binary } else { OpCode::Continuation };
            peer.send(part == 2, opcode, &bytes(5000)).await;
            peer.send(true, OpCode::Ping, b"p").await;
        }
        peer.text(&next).await;
        let mut message = socket.recv_stream().await.unwrap().unwrap();
        let mut some = vec![0; taken * 3000];
        message.read_exact(&mut some).await.unwrap();
        drop(message);
        assert_eq!(socket.recv().await.unwrap(), Some(Message::from(next)));
        for _ in 0..3 {
            assert_eq!(peer.read().await.unwrap().0, OpCode::Pong);
        }
    }
    // And by another stream.
    peer.send(false, OpCode::Binary, b"given up").await;
    drop(socket.recv_stream().await.unwrap().unwrap());
    peer.send(true, OpCode::Continuation, b"rest").await;
    peer.text("next").await;
    assert_eq!(collect(&mut socket, 100).await, (Kind::Text, b"next".to_vec()));
}

#[tokio::test]
async fn what_a_dropped_recv_had_gathered_is_the_first_piece() {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 18);
    peer.send(false, OpCode::Text, b"gathered ").await;
    assert!(poll_once(socket.recv()).await.is_none());
    let mut message = socket.recv_stream().await.unwrap().unwrap();
    let mut start = [0; 4];
    message.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"gath");
    peer.send(true, OpCode::Continuation, b"and more").await;
    let mut rest = String::new();
    message.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "ered and more");
}

#[tokio::test]
async fn bad_text_ends_the_stream_with_1007_at_its_first_bad_byte() {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 14);
    peer.send(false, OpCode::Text, b"good").await;
    let mut message = socket.recv_stream().await.unwrap().unwrap();
    assert_eq!(message.chunk().await.unwrap().unwrap(), "good");
    peer.send(false, OpCode::Continuation, b"bad\xff").await;
    let error = message.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(message.chunk().await.unwrap(), None);
    assert_eq!(peer.closed_with().await, 1007);
}

#[tokio::test]
async fn a_message_cut_by_its_sender_is_an_error_and_never_an_end() {
    let (mut socket, mut peer) = server(&Options::default(), 1 << 14);
    peer.send(false, OpCode::Binary, b"half").await;
    peer.send(true, OpCode::Close, b"\x03\xe8").await;
    let mut message = socket.recv_stream().await.unwrap().unwrap();
    assert_eq!(message.chunk().await.unwrap().unwrap(), "half");
    assert!(message.chunk().await.unwrap_err().is_closed());
    assert!(socket.recv_stream().await.unwrap().is_none());

    let (mut socket, mut peer) = server(&Options::default(), 1 << 14);
    peer.send(false, OpCode::Binary, b"half").await;
    peer.shutdown().await;
    let mut message = socket.recv_stream().await.unwrap().unwrap();
    assert_eq!(message.chunk().await.unwrap().unwrap(), "half");
    assert_eq!(message.chunk().await.unwrap_err().close_code().get(), 1006);
}

#[tokio::test]
async fn fragments_stand_together_and_others_wait_behind_them() {
    for role in [Role::Server, Role::Client] {
        let (socket, mut peer) = open(role, &Options::default(), 1 << 18);
        let mut message = socket.message_writer(Kind::Binary).await.unwrap();
        socket.send("behind").await.unwrap();
        message.write(bytes(5000)).await.unwrap();
        socket.ping(b"between").unwrap();
        socket.try_send("too").unwrap();
        assert_eq!(socket.buffered(), if role == Role::Server { 13 } else { 21 });
        message.write("small").await.unwrap();
        message.flush().await.unwrap();
        message.write("end").await.unwrap();
        message.finish().await.unwrap();
        assert_eq!(peer.read().await, Some((OpCode::Binary, bytes(5000))));
        assert_eq!(peer.read().await, Some((OpCode::Ping, b"between".to_vec())));
        assert_eq!(peer.read().await, Some((OpCode::Continuation, b"small".to_vec())));
        assert_eq!(peer.read().await, Some((OpCode::Continuation, b"end".to_vec())));
        assert_eq!(peer.read().await, Some((OpCode::Text, b"behind".to_vec())));
        assert_eq!(peer.read().await, Some((OpCode::Text, b"too".to_vec())));
        assert_eq!(socket.buffered(), 0);
    }
}

#[tokio::test]
async fn a_small_message_leaves_in_one_frame() {
    let (socket, mut peer) = server(&Options::default(), 1 << 14);
    let mut message = socket.message_writer(Kind::Text).await.unwrap();
    for word in ["only ", "one ", "frame"] {
        message.write(word).await.unwrap();
    }
    message.shutdown().await.unwrap();
    assert!(message.write("late").await.unwrap_err().is_closed());
    drop(message);
    assert_eq!(peer.arrived().await, b"\x81\x0eonly one frame");
    socket.message_writer(Kind::Text).await.unwrap().finish().await.unwrap();
    assert_eq!(peer.arrived().await, b"\x81\x00");
}

#[tokio::test]
async fn writers_take_turns() {
    let (socket, mut peer) = server(&Options::default(), 1 << 14);
    let first = socket.message_writer(Kind::Binary).await.unwrap();
    assert!(poll_once(socket.message_writer(Kind::Text)).await.is_none());
    let second = tokio::spawn({
        let sender = socket.sender();
        async move {
            let mut message = sender.message_writer(Kind::Text).await.unwrap();
            message.write("second").await.unwrap();
            message.finish().await.unwrap();
        }
    });
    tokio::task::yield_now().await;
    first.finish().await.unwrap();
    timeout(PATIENCE, second).await.unwrap().unwrap();
    assert_eq!(peer.read().await, Some((OpCode::Binary, vec![])));
    assert_eq!(peer.read().await, Some((OpCode::Text, b"second".to_vec())));
}

#[tokio::test]
async fn a_writer_dropped_before_its_first_fragment_leaves_no_trace() {
    let (socket, mut peer) = server(&Options::default(), 1 << 14);
    let mut message = socket.message_writer(Kind::Text).await.unwrap();
    message.write("never sent").await.unwrap();
    socket.send("behind").await.unwrap();
    drop(message);
    assert_eq!(peer.read().await, Some((OpCode::Text, b"behind".to_vec())));
}

#[tokio::test]
async fn a_writer_dropped_in_the_middle_closes_with_1011() {
    let (socket, mut peer) = server(&Options::default(), 1 << 14);
    let mut message = socket.message_writer(Kind::Binary).await.unwrap();
    message.write(bytes(5000)).await.unwrap();
    socket.send("behind").await.unwrap();
    drop(message);
    assert!(socket.send("late").await.unwrap_err().is_closed());
    assert_eq!(socket.buffered(), 0);
    assert_eq!(peer.read().await, Some((OpCode::Binary, bytes(5000))));
    assert_eq!(peer.closed_with().await, 1011);
}

#[tokio::test]
async fn a_close_cuts_a_message_and_what_waits_behind_it() {
    let (socket, mut peer) = server(&Options::default(), 1 << 14);
    let mut message = socket.message_writer(Kind::Binary).await.unwrap();
    message.write(bytes(5000)).await.unwrap();
    socket.send("behind").await.unwrap();
    socket.sender().close(1001, "");
    assert_eq!(socket.buffered(), 0);
    assert!(message.write(bytes(5000)).await.unwrap_err().is_closed());
    assert!(message.finish().await.unwrap_err().is_closed());
    assert_eq!(peer.read().await, Some((OpCode::Binary, bytes(5000))));
    assert_eq!(peer.closed_with().await, 1001);
}

#[tokio::test]
async fn text_is_checked_before_it_is_written() {
    let (socket, mut peer) = server(&Options::default(), 1 << 14);
    let mut message = socket.message_writer(Kind::Text).await.unwrap();
    message.write(&b"Gr\xc3"[..]).await.unwrap();
    assert!(message.write(&b"\xff"[..]).await.unwrap_err().is_invalid());
    let error = message.write_all(b"\xff").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    message.write(&b"\xbc\xc3\x9fe"[..]).await.unwrap();
    message.finish().await.unwrap();
    assert_eq!(peer.read().await, Some((OpCode::Text, "Grüße".as_bytes().to_vec())));

    let mut message = socket.message_writer(Kind::Text).await.unwrap();
    message.write(&b"cut\xc3"[..]).await.unwrap();
    assert!(message.finish().await.unwrap_err().is_invalid());
    socket.send("goes on").await.unwrap();
    assert_eq!(peer.read().await, Some((OpCode::Text, b"goes on".to_vec())));
}

#[tokio::test]
async fn waiting_behind_a_message_wakes_nobody_in_vain() {
    let (socket, mut peer) = server(&small(), 1 << 16);
    let message = socket.message_writer(Kind::Binary).await.unwrap();
    while socket.try_send(vec![1; 3000]).is_ok() {}
    let polls = Arc::new(AtomicUsize::new(0));
    let mut waiting = Vec::new();
    for n in 0..4 {
        let (sender, polls) = (socket.sender(), polls.clone());
        waiting.push(tokio::spawn(async move {
            let mut sending = Box::pin(async {
                if n < 2 { sender.flush().await } else { sender.send("x").await }
            });
            poll_fn(|cx| {
                polls.fetch_add(1, Ordering::Relaxed);
                sending.as_mut().poll(cx)
            })
            .await
        }));
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(polls.load(Ordering::Relaxed), 4);
    message.finish().await.unwrap();
    for task in waiting {
        timeout(PATIENCE, task).await.unwrap().unwrap().unwrap();
    }
    assert_eq!(peer.read().await, Some((OpCode::Binary, vec![])));
    for _ in 0..4 {
        assert_eq!(peer.read().await.unwrap().1, [1; 3000]);
    }
}

#[tokio::test]
async fn a_budget_used_up_behind_a_message_does_not_hold_it_up() {
    let (socket, mut peer) = pair(&small(), 512);
    let mut message = socket.message_writer(Kind::Binary).await.unwrap();
    while socket.try_send(vec![1; 3000]).is_ok() {}
    let payload = bytes(200_000);
    let sent = payload.clone();
    let writing = tokio::spawn(async move {
        for part in sent.chunks(6000) {
            message.write(part.to_vec()).await.unwrap();
        }
        message.finish().await.unwrap();
    });
    assert!(collect(&mut peer, 200_000).await.1 == payload);
    timeout(PATIENCE, writing).await.unwrap().unwrap();
    for _ in 0..4 {
        assert_eq!(collect(&mut peer, 3000).await.1, [1; 3000]);
    }
    until_ready(|| socket.flush()).await.unwrap();
    assert_eq!(socket.buffered(), 0);
}

#[tokio::test]
async fn text_of_megabytes_goes_through_both_as_reader_and_writer() {
    let (socket, mut peer) = pair(&small(), 1 << 14);
    let text = "Grüße, 日本語, 🦀; ".repeat(100_000);
    let sent = text.clone();
    let writing = tokio::spawn(async move {
        let mut message = socket.message_writer(Kind::Text).await.unwrap();
        tokio::io::copy(&mut sent.as_bytes(), &mut message).await.unwrap();
        message.finish().await.unwrap();
        socket
    });
    let mut message = peer.recv_stream().await.unwrap().unwrap().limit(1 << 30);
    let mut read = String::new();
    message.read_to_string(&mut read).await.unwrap();
    assert!(read == text);
    drop(writing.await.unwrap());
}
