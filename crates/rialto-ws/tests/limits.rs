//! Every bound on what a peer sends: just reached it holds, exceeded by one it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto_ws::proto::OpCode::{self, Binary, Close, Continuation, Ping, Pong, Text};
use rialto_ws::{Connect, Limits, Options, Role, WebSocket};
use support::{PATIENCE, frame, open};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::timeout;

/// Both ends receive alike.
const ROLES: [Role; 2] = [Role::Server, Role::Client];

type Frame = (bool, OpCode, Vec<u8>);

/// What an end with these limits makes of the frames: the length of the message, or a close code.
async fn receive(role: Role, limits: Limits, frames: &[Frame]) -> Result<usize, u16> {
    let (mut socket, mut peer) = open(role, &Options::default().limits(limits), 1 << 16);
    let receiving = tokio::spawn(async move {
        let result = timeout(PATIENCE, socket.recv()).await.expect("an outcome in time");
        result.map(|message| message.unwrap().len()).map_err(|error| error.close_code().get())
    });
    for (fin, opcode, payload) in frames {
        peer.send(*fin, *opcode, payload).await;
    }
    let received = receiving.await.unwrap();
    if let Err(code) = received {
        assert_eq!(peer.closed_with().await, code, "what it says is what the peer is told");
    }
    received
}

fn whole(opcode: OpCode, length: usize) -> Vec<Frame> {
    vec![(true, opcode, vec![b'x'; length])]
}

/// A message in `count` fragments behind the first, each of `length` bytes.
fn fragmented(first: usize, count: usize, length: usize) -> Vec<Frame> {
    let mut frames = vec![(false, Binary, vec![b'x'; first])];
    frames.extend(vec![(false, Continuation, vec![b'x'; length]); count - 1]);
    frames.push((true, Continuation, vec![b'x'; length]));
    frames
}

#[tokio::test]
async fn bytes_of_a_message_in_one_frame_or_many() {
    for role in ROLES {
        // Small, at the lengths' second form, and so large that it is read onto the message.
        for max in [10, 126, 100_000] {
            let limits = Limits::default().max_message(max);
            for opcode in [Text, Binary] {
                assert_eq!(receive(role, limits, &whole(opcode, max)).await, Ok(max));
                assert_eq!(receive(role, limits, &whole(opcode, max + 1)).await, Err(1009));
            }
            let halves = |last| {
                vec![
                    (false, Text, vec![b'x'; max / 2]),
                    (false, Continuation, Vec::new()),
                    (true, Continuation, vec![b'x'; last]),
                ]
            };
            assert_eq!(receive(role, limits, &halves(max - max / 2)).await, Ok(max));
            assert_eq!(receive(role, limits, &halves(max - max / 2 + 1)).await, Err(1009));
        }
    }
}

#[tokio::test]
async fn the_default_for_a_message_is_16_mib() {
    let max = 16 << 20;
    assert_eq!(receive(Role::Server, Limits::default(), &whole(Binary, max)).await, Ok(max));
    assert_eq!(receive(Role::Server, Limits::default(), &whole(Binary, max + 1)).await, Err(1009));
}

#[tokio::test]
async fn bytes_of_a_frame() {
    for role in ROLES {
        for max in [10, 100_000] {
            let limits = Limits::default().max_frame(max);
            assert_eq!(receive(role, limits, &whole(Binary, max)).await, Ok(max));
            assert_eq!(receive(role, limits, &whole(Text, max + 1)).await, Err(1009));
            // It bounds each frame, not their sum.
            assert_eq!(receive(role, limits, &fragmented(max, 3, max)).await, Ok(4 * max));
            assert_eq!(receive(role, limits, &fragmented(1, 1, max + 1)).await, Err(1009));
        }
    }
}

#[tokio::test]
async fn a_frame_limit_leaves_control_frames_alone() {
    let limits = Limits::default().max_frame(1);
    let (mut socket, mut peer) = open(Role::Server, &Options::default().limits(limits), 1 << 16);
    let receiving = tokio::spawn(async move { socket.recv().await });
    peer.send(true, Ping, &[b'p'; 125]).await;
    assert_eq!(peer.read().await, Some((Pong, vec![b'p'; 125])));
    peer.send(true, Close, b"\x03\xe8done").await;
    assert_eq!(peer.closed_with().await, 1000);
    assert!(receiving.await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn small_fragments_are_counted_and_larger_ones_are_not() {
    let limits = Limits::default().max_small_fragments(5);
    for role in ROLES {
        for length in [0, 1, 31] {
            let ended = receive(role, limits, &fragmented(40, 5, length)).await;
            assert_eq!(ended, Ok(40 + 5 * length));
            let ended = receive(role, limits, &fragmented(40, 6, length)).await;
            assert_eq!(ended, Err(1008), "six of {length} bytes");
        }
        assert_eq!(receive(role, limits, &fragmented(0, 100, 32)).await, Ok(3200));
    }
}

#[tokio::test]
async fn the_default_for_small_fragments_passes_what_autobahn_sends() {
    let limits = Limits::default();
    let small = 16_384;
    let ended = receive(Role::Server, limits, &fragmented(0, small, 31)).await;
    assert_eq!(ended, Ok(31 * small));
    let ended = receive(Role::Server, limits, &fragmented(0, small + 1, 0)).await;
    assert_eq!(ended, Err(1008));
    let ended = receive(Role::Server, limits, &fragmented(64, 65_535, 64)).await;
    assert_eq!(ended, Ok(4 << 20));
}

/// A message's count starts anew with each message.
#[tokio::test]
async fn no_limit_adds_up_over_messages() {
    let limits = Limits::default().max_message(100).max_frame(50).max_small_fragments(3);
    let (mut socket, mut peer) = open(Role::Server, &Options::default().limits(limits), 1 << 16);
    for _ in 0..100 {
        for (fin, opcode, payload) in fragmented(50, 3, 16) {
            peer.send(fin, opcode, &payload).await;
        }
        let message = timeout(PATIENCE, socket.recv()).await.unwrap().unwrap().unwrap();
        assert_eq!(message.len(), 98);
    }
}

#[tokio::test]
async fn pongs_that_the_peer_does_not_read_take_no_memory() {
    const PINGS: usize = 50_000;
    // Two pipes, so that what we send stops long before what we receive.
    let (near_in, mut far_out) = duplex(1 << 20);
    let (far_in, near_out) = duplex(1024);
    let stream = tokio::io::join(near_in, near_out);
    let request = rialto_ws::Request::default();
    let options = Options::default();
    let mut socket = WebSocket::from_upgraded(stream, Role::Server, Vec::new(), request, &options);
    let sender = socket.sender();
    let receiving = tokio::spawn(async move { socket.recv().await });
    let mut most = 0;
    for number in 0..PINGS {
        let mut payload = [b'.'; 125];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        far_out.write_all(&frame(Role::Client, true, Ping, &payload)).await.unwrap();
        most = most.max(sender.buffered());
    }
    far_out.write_all(&frame(Role::Client, true, Text, b"end")).await.unwrap();
    let message = timeout(PATIENCE, receiving).await.unwrap().unwrap().unwrap().unwrap();
    assert_eq!(message.as_text(), Some("end"), "all pings have been read");
    // 6 MB of pongs were due: the queue holds at most what one read has brought.
    assert!(most < 256 << 10, "{most} bytes were queued");
    drop(far_in);
}

/// A request of exactly `bytes` bytes and `fields` header fields.
fn head(first_lines: &str, bytes: usize, fields: usize) -> String {
    let mut head = first_lines.to_owned();
    let have = first_lines.matches("\r\n").count() - 1;
    for _ in have..fields - 1 {
        head += "a: b\r\n";
    }
    let padding = bytes.checked_sub(head.len() + "X: \r\n\r\n".len()).expect("room");
    head + "X: " + &"x".repeat(padding) + "\r\n\r\n"
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The status that a request is answered with.
async fn status(options: &Options, request: &str) -> u16 {
    let (near, mut far) = duplex(1 << 16);
    let options = options.clone();
    let serving = tokio::spawn(async move {
        let accepted = rialto_ws::accept_with(near, &options).await;
        accepted.map(drop).map_err(|error| error.status().unwrap().as_u16())
    });
    far.write_all(request.as_bytes()).await.unwrap();
    far.shutdown().await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, far.read_to_end(&mut answer)).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    match serving.await.unwrap() {
        Ok(()) => assert_eq!(status, 101),
        Err(refused) => assert_eq!(status, refused),
    }
    status
}

#[tokio::test]
async fn bytes_and_fields_of_a_request() {
    let options = Options::default();
    assert_eq!(status(&options, &head(REQUEST, 16 << 10, 20)).await, 101);
    assert_eq!(status(&options, &head(REQUEST, (16 << 10) + 1, 20)).await, 431);
    assert_eq!(status(&options, &head(REQUEST, 4096, 100)).await, 101);
    assert_eq!(status(&options, &head(REQUEST, 4096, 101)).await, 431);
    let mut options = Options::default();
    options.max_head = 500;
    assert_eq!(status(&options, &head(REQUEST, 500, 8)).await, 101);
    assert_eq!(status(&options, &head(REQUEST, 501, 8)).await, 431);
}

#[tokio::test]
async fn a_request_without_an_end_is_refused_at_the_limit() {
    let (near, mut far) = duplex(64);
    let serving = tokio::spawn(async move { rialto_ws::accept(near).await });
    let mut sent = 0usize;
    // The pipe takes 64 bytes more than have been read.
    while sent < 1 << 20 && !serving.is_finished() {
        let piece = timeout(PATIENCE, far.write(&[b'x'; 64])).await.expect("it reads on or ends");
        let Ok(piece) = piece else { break };
        sent += piece;
        let mut answer = [0; 64];
        if let Ok(read) = far_try_read(&mut far, &mut answer) {
            assert!(read > 0);
            break;
        }
    }
    assert!((16 << 10..32 << 10).contains(&sent), "{sent} bytes were taken");
    drop(far);
    let refused = timeout(PATIENCE, serving).await.unwrap().unwrap();
    assert!(refused.is_err());
}

/// What is there to read, without waiting.
fn far_try_read(far: &mut tokio::io::DuplexStream, into: &mut [u8]) -> std::io::Result<usize> {
    use std::task::{Context, Poll, Waker};
    use tokio::io::{AsyncRead, ReadBuf};
    let mut buf = ReadBuf::new(into);
    let mut cx = Context::from_waker(Waker::noop());
    match std::pin::Pin::new(far).poll_read(&mut cx, &mut buf) {
        Poll::Ready(result) => result.map(|()| buf.filled().len()),
        Poll::Pending => Err(std::io::ErrorKind::WouldBlock.into()),
    }
}

#[tokio::test]
async fn bytes_and_fields_of_an_answer() {
    let opens = async |max_head: usize, bytes: usize, fields: usize| {
        let (near, mut far) = duplex(1 << 16);
        let mut options = Options::default();
        options.max_head = max_head;
        let connect = Connect::new("ws://x/").options(options);
        let connecting = tokio::spawn(async move { connect.over(near).await.map(drop) });
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            timeout(PATIENCE, far.read_buf(&mut request)).await.unwrap().unwrap();
        }
        let request = String::from_utf8(request).unwrap();
        let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next();
        let accept = rialto_ws::proto::handshake::accept_key(key.unwrap());
        let lines = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n"
        );
        far.write_all(head(&lines, bytes, fields).as_bytes()).await.unwrap();
        timeout(PATIENCE, connecting).await.unwrap().unwrap().is_ok()
    };
    assert!(opens(16 << 10, 16 << 10, 20).await);
    assert!(!opens(16 << 10, (16 << 10) + 1, 20).await);
    assert!(opens(16 << 10, 4096, 100).await);
    assert!(!opens(16 << 10, 4096, 101).await);
    assert!(opens(500, 500, 5).await);
    assert!(!opens(500, 501, 5).await);
}
