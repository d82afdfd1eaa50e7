//! Every public future is dropped before it is ready, again and again, and nothing is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use futures_core::Stream;
use futures_sink::Sink;
use rialto_ws::proto::OpCode;
use rialto_ws::{
    Group, Kind, Message, MessageReader, Options, Prepared, Receiver, Sender, WebSocket,
};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use support::{PATIENCE, frame, pair, poll_once, server, until_ready};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Messages in each of these tests.
const COUNT: u32 = 2000;

fn tight() -> Options {
    Options::default().send_budget(400)
}

fn numbered(n: u32) -> Message {
    // Some longer than the pipe, so that they arrive in pieces.
    let mut payload = n.to_be_bytes().to_vec();
    payload.resize(4 + (n as usize % 7) * 40, 7);
    payload.into()
}

/// Sends all numbers by a method that is dropped whenever it is not ready at once.
async fn sends_each_once<F: Future<Output = rialto_ws::Result<()>>>(
    send: impl Fn(Sender, Message) -> F,
) {
    let (socket, mut peer) = pair(&tight(), 64);
    let sender = socket.sender();
    let mut dropped = 0;
    let receiving = tokio::spawn(async move {
        for n in 0..COUNT {
            assert_eq!(peer.recv().await.unwrap(), Some(numbered(n)));
        }
        peer
    });
    for n in 0..COUNT {
        let tries = std::cell::Cell::new(0);
        let make = || {
            tries.set(tries.get() + 1);
            send(sender.clone(), numbered(n))
        };
        until_ready(make).await.unwrap();
        dropped += tries.get() - 1;
    }
    timeout(PATIENCE, receiving).await.unwrap().unwrap();
    assert!(dropped > 100, "{dropped} calls were dropped: too few to show anything");
}

#[tokio::test]
async fn send_feed_and_their_kind() {
    sends_each_once(async |sender: Sender, m: Message| sender.send(m).await).await;
    sends_each_once(async |sender: Sender, m: Message| sender.feed(m).await).await;
    sends_each_once(async |sender: Sender, m: Message| {
        sender.send_prepared(&Prepared::new(m)).await
    })
    .await;
    sends_each_once(async |sender: Sender, m: Message| sender.uncompressed().send(m).await).await;
    sends_each_once(async |sender: Sender, m: Message| sender.uncompressed().feed(m).await).await;
    sends_each_once(async |mut sender: Sender, m: Message| {
        poll_fn(|cx| Pin::new(&mut sender).poll_ready(cx)).await?;
        Pin::new(&mut sender).start_send(m)
    })
    .await;
    sends_each_once(async |sender: Sender, m: Message| {
        let mut writer = sender.message_writer(Kind::Binary).await?;
        writer.write(m.into_bytes()).await?;
        writer.finish().await
    })
    .await;
    sends_each_once(async |sender: Sender, m: Message| {
        let mut writer = sender.uncompressed().message_writer(Kind::Binary).await?;
        writer.write(m.into_bytes()).await?;
        writer.finish().await
    })
    .await;
    let (socket, _peer) = pair(&tight(), 64);
    while socket.try_send(vec![1; 300]).is_ok() {}
    assert!(poll_once(socket.send("x")).await.is_none());
    assert!(poll_once(socket.feed("x")).await.is_none());
    assert!(poll_once(socket.flush()).await.is_none());
}

/// Receives all numbers by a method that is dropped whenever it is not ready at once.
async fn receives_each_once<S>(
    open: impl FnOnce(WebSocket) -> S,
    mut recv: impl AsyncFnMut(&mut S) -> Option<Message>,
) {
    let (socket, peer) = pair(&Options::default(), 64);
    let mut socket = open(socket);
    let sending = tokio::spawn(async move {
        for n in 0..COUNT {
            peer.send(numbered(n)).await.unwrap();
        }
        peer
    });
    let mut dropped = 0;
    for n in 0..COUNT {
        let message = loop {
            match poll_once(recv(&mut socket)).await {
                Some(message) => break message,
                None => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            }
        };
        assert_eq!(message, Some(numbered(n)));
    }
    drop(sending.await.unwrap());
    assert!(dropped > 100, "{dropped} calls were dropped: too few to show anything");
}

#[tokio::test]
async fn recv_next_and_their_kind() {
    let next = async |socket: &mut WebSocket| {
        let next = poll_fn(|cx| Pin::new(&mut *socket).poll_next(cx)).await;
        next.transpose().unwrap()
    };
    receives_each_once(|s| s, async |socket: &mut WebSocket| socket.recv().await.unwrap()).await;
    receives_each_once(|s| s, next).await;
    let half = |socket: WebSocket| socket.split().1;
    receives_each_once(half, async |half: &mut Receiver| half.recv().await.unwrap()).await;
}

#[tokio::test]
async fn recv_stream_and_its_chunks() {
    let (mut socket, peer) = pair(&Options::default(), 64);
    let sending = tokio::spawn(async move {
        for n in 0..COUNT {
            peer.send(numbered(n)).await.unwrap();
        }
        peer
    });
    let mut dropped = 0;
    for n in 0..COUNT {
        let payload = loop {
            match poll_once(socket.recv_stream()).await {
                Some(begun) => break collect(begun.unwrap().unwrap(), &mut dropped).await,
                None => dropped += 1,
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(Message::from(payload), numbered(n));
    }
    drop(sending.await.unwrap());
    assert!(dropped > 100, "{dropped} calls were dropped: too few to show anything");
}

/// Reads a message by calls of three kinds, each dropped when it is not ready at once.
async fn collect(mut message: MessageReader<'_>, dropped: &mut u32) -> Vec<u8> {
    let mut payload = Vec::new();
    loop {
        let read = match *dropped % 3 {
            0 => poll_once(message.chunk()).await.map(|read| read.unwrap().unwrap_or_default()),
            1 => {
                let next = poll_once(poll_fn(|cx| Pin::new(&mut message).poll_next(cx))).await;
                next.map(|read| read.transpose().unwrap().unwrap_or_default())
            }
            _ => {
                let mut some = [0; 16];
                let read = poll_once(message.read(&mut some)).await;
                read.map(|read| some[..read.unwrap()].to_vec().into())
            }
        };
        match read {
            Some(bytes) if bytes.is_empty() => return payload,
            Some(bytes) => payload.extend_from_slice(&bytes),
            None => {
                *dropped += 1;
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn a_message_writers_calls() {
    let (socket, mut peer) = pair(&tight(), 64);
    let expected: Vec<u8> = (0..200u8).flat_map(|n| [n; 5000]).collect();
    let reading = tokio::spawn(async move { (peer.recv().await.unwrap(), peer) });
    let mut message = socket.message_writer(Kind::Binary).await.unwrap();
    let mut dropped = 0;
    for n in 0..200u8 {
        if n % 2 == 0 {
            while poll_once(message.write(vec![n; 5000])).await.map(Result::unwrap).is_none() {
                dropped += 1;
                tokio::task::yield_now().await;
            }
        } else {
            let mut rest = &[n; 5000][..];
            while !rest.is_empty() {
                match poll_once(AsyncWriteExt::write(&mut message, rest)).await {
                    Some(written) => rest = &rest[written.unwrap()..],
                    None => tokio::task::yield_now().await,
                }
            }
        }
        if n % 50 == 49 {
            while poll_once(message.flush()).await.map(Result::unwrap).is_none() {
                dropped += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    message.finish().await.unwrap();
    let (received, _peer) = timeout(PATIENCE, reading).await.unwrap().unwrap();
    assert!(received == Some(Message::from(expected)));
    assert!(dropped > 100, "{dropped} calls were dropped: too few to show anything");
}

#[tokio::test]
async fn finish_that_is_dropped_closes_the_connection() {
    let (socket, mut peer) = server(&tight(), 64);
    let mut message = socket.message_writer(Kind::Binary).await.unwrap();
    message.write(vec![1; 5000]).await.unwrap();
    assert!(poll_once(message.finish()).await.is_none());
    assert_eq!(peer.read().await.unwrap().1.len(), 5000);
    assert_eq!(peer.closed_with().await, 1011);
}

#[tokio::test]
async fn flush_and_close() {
    let (mut socket, mut peer) = server(&Options::default(), 64);
    socket.feed(vec![1u8; 1000]).await.unwrap();
    assert!(poll_once(socket.flush()).await.is_none());
    assert!(poll_once(socket.close(4001, "enough")).await.is_none());
    assert_eq!(peer.read().await, Some((OpCode::Binary, vec![1; 1000])), "it leaves all the same");
    assert_eq!(peer.closed_with().await, 4001, "the connection closes all the same");
    peer.send(true, OpCode::Close, b"\x0f\xa1").await;
    assert_eq!(timeout(PATIENCE, socket.recv()).await.unwrap().unwrap(), None);

    let (socket, mut peer) = server(&Options::default(), 64);
    let mut half = socket.split().1;
    assert!(poll_once(half.close(4002, "")).await.is_none());
    assert_eq!(peer.closed_with().await, 4002);
}

#[tokio::test]
async fn publish_wait_says_what_it_loses() {
    let group = Group::new();
    let (slow, mut slow_peer) = server(&tight(), 64);
    let (fast, mut peer) = server(&Options::default(), 1 << 16);
    let _members = [group.join(&slow), group.join(&fast)];
    group.publish(vec![0; 600]);
    assert!(poll_once(group.publish_wait("dropped")).await.is_none());
    assert_eq!(peer.read().await.unwrap().1.len(), 600);
    assert_eq!(peer.read().await, Some((OpCode::Text, b"dropped".to_vec())));
    assert_eq!(slow_peer.read().await.unwrap().1.len(), 600);
    assert_eq!(timeout(PATIENCE, group.publish_wait("next")).await.unwrap(), 2);
    assert_eq!(slow_peer.read().await, Some((OpCode::Text, b"next".to_vec())));
}

#[tokio::test]
async fn accept_and_connect_give_up_their_stream() {
    let (near, mut far) = tokio::io::duplex(1 << 10);
    far.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    assert!(poll_once(rialto_ws::accept(near)).await.is_none());
    assert_eq!(far.read(&mut [0; 8]).await.unwrap(), 0, "the stream has ended");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let connecting = tokio::spawn(async move { rialto_ws::connect(&url).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 64];
    stream.read_exact(&mut head).await.unwrap();
    connecting.abort();
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the stream ends");
    drop(ended);
    assert!(connecting.await.unwrap_err().is_cancelled());
}

async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

#[tokio::test]
async fn serve_stops_listening_and_leaves_connections_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(rialto_ws::serve_on(listener, Options::default(), echo));
    let mut socket = rialto_ws::connect(&format!("ws://{address}/")).await.unwrap();
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    assert!(TcpStream::connect(address).await.is_err());
    socket.send("still there?").await.unwrap();
    assert_eq!(socket.recv().await.unwrap(), Some("still there?".into()));
}

#[tokio::test]
async fn run_that_is_dropped_closes_with_1011() {
    let (socket, mut peer) = server(&Options::default(), 1 << 10);
    let running = rialto_ws::run(socket, echo);
    assert!(poll_once(running).await.is_none());
    assert_eq!(peer.closed_with().await, 1011);
}

/// The loop that everybody writes, a million times: whichever branch wins, no message is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_select_over_recv_and_a_timer_loses_nothing_in_a_million_messages() {
    const MILLION: u32 = 1_000_000;
    let (socket, mut stream) = tokio::io::duplex(1 << 14);
    let role = rialto_ws::Role::Server;
    let options = Options::default();
    let mut socket =
        WebSocket::from_upgraded(socket, role, Vec::new(), Default::default(), &options);
    let sending = tokio::spawn(async move {
        let mut batch = Vec::new();
        for n in 0..MILLION {
            batch.extend(frame(rialto_ws::Role::Client, true, OpCode::Binary, &n.to_be_bytes()));
            // Batches end at any place in a frame.
            if batch.len() > 3000 {
                stream.write_all(&batch[..2999]).await.unwrap();
                batch.drain(..2999);
            }
        }
        stream.write_all(&batch).await.unwrap();
        stream
    });
    let (mut next, mut ticks) = (0u32, 0u32);
    let mut timer = tokio::time::interval(Duration::from_micros(100));
    while next < MILLION {
        tokio::select! {
            _ = timer.tick() => ticks += 1,
            message = socket.recv() => {
                assert_eq!(message.unwrap().unwrap().as_bytes(), next.to_be_bytes());
                next += 1;
            }
        }
    }
    assert!(ticks > 0, "the timer never won");
    drop(sending.await.unwrap());
}
