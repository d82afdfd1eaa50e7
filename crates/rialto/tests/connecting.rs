//! What a connection costs before it is a session: how its answers leave, and its deadlines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Events, Options, Server};
use std::net::SocketAddr;
use std::time::Duration;
use support::{start, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// No test waits for it.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(2);

async fn server(options: Options) -> SocketAddr {
    start(Server::new(Events::new()).options(options)).await.0
}

async fn handshake(address: SocketAddr, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// What one read brings: of what was written at once, all of it.
async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 << 16);
    within(stream.read_buf(&mut bytes)).await.unwrap();
    bytes
}

fn split(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a whole head") + 4;
    (String::from_utf8_lossy(&answer[..end]).into_owned(), &answer[end..])
}

#[tokio::test]
async fn the_answer_to_a_handshake_leaves_with_the_open_packet() {
    let address = server(Options::default()).await;
    let mut stream = handshake(address, "/socket.io/?EIO=4&transport=websocket").await;
    let answer = read(&mut stream).await;
    let (head, frame) = split(&answer);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(frame[0], 0x81, "a text frame");
    assert_eq!(usize::from(frame[1]), frame.len() - 2, "a whole frame");
    assert!(frame[2..].starts_with(b"0{\"sid\""), "{frame:?}");
}

#[tokio::test]
async fn the_answer_leaves_alone_where_nothing_is_sent() {
    let address = server(Options::default()).await;
    let open = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(open.as_bytes()).await.unwrap();
    let answer = String::from_utf8(read(&mut stream).await).unwrap();
    let sid = answer.split("sid\":\"").nth(1).unwrap().split('"').next().unwrap();
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
    let mut probe = handshake(address, &target).await;
    let answer = read(&mut probe).await;
    let (head, rest) = split(&answer);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(rest.is_empty(), "{rest:?}");
    // `2probe`, masked with zeros.
    probe.write_all(b"\x81\x86\0\0\0\x002probe").await.unwrap();
    assert_eq!(read(&mut probe).await, b"\x81\x063probe");
}

#[tokio::test]
async fn the_answer_to_a_raw_websocket_leaves_with_its_first_message() {
    let greet = async |socket: rialto::ws::WebSocket| socket.send("hello").await;
    let server = Server::new(Events::new()).websocket("/raw", greet);
    let mut stream = handshake(start(server).await.0, "/raw").await;
    let mut answer = Vec::new();
    // The handler ends with the greeting: a Close frame follows.
    while !answer.ends_with(b"\x88\x02\x03\xe8") {
        let more = read(&mut stream).await;
        assert!(!more.is_empty(), "{answer:?}");
        answer.extend(more);
    }
    let (head, frames) = split(&answer);
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(frames.starts_with(b"\x81\x05hello"), "{frames:?}");
}

const REQUEST: &[u8] = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn a_head_that_trickles_in_has_its_own_time_after_a_rest() {
    let options = Options::default().header_timeout(SHORT).keep_alive_timeout(LONG);
    let mut stream = TcpStream::connect(server(options).await).await.unwrap();
    for _ in 0..2 {
        stream.write_all(REQUEST).await.unwrap();
        assert!(read(&mut stream).await.starts_with(b"HTTP/1.1 404 "));
    }
    stream.write_all(b"GET /").await.unwrap();
    assert_eq!(read(&mut stream).await, b"", "closed");
}

#[tokio::test]
async fn a_connection_that_rests_ends_and_a_slow_head_does_not() {
    let options = Options::default().header_timeout(LONG).keep_alive_timeout(SHORT);
    let address = server(options).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(REQUEST).await.unwrap();
    assert!(read(&mut slow).await.starts_with(b"HTTP/1.1 404 "));
    let (begin, end) = REQUEST.split_at(5);
    slow.write_all(begin).await.unwrap();
    let mut rests = TcpStream::connect(address).await.unwrap();
    rests.write_all(REQUEST).await.unwrap();
    assert!(read(&mut rests).await.starts_with(b"HTTP/1.1 404 "));
    assert_eq!(read(&mut rests).await, b"", "closed");
    sleep(SHORT / 4).await;
    slow.write_all(end).await.unwrap();
    assert!(read(&mut slow).await.starts_with(b"HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_connection_that_rests_ends_after_a_request_with_a_body_too() {
    let options = Options::default().header_timeout(SHORT / 4).keep_alive_timeout(SHORT);
    let mut stream = TcpStream::connect(server(options).await).await.unwrap();
    let request = "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read(&mut stream).await.starts_with(b"HTTP/1.1 404 "));
    }
    assert_eq!(read(&mut stream).await, b"", "closed");
}

#[tokio::test]
async fn a_connection_that_rests_ends_after_a_long_answer_too() {
    let options = Options::default()
        .header_timeout(SHORT / 4)
        .keep_alive_timeout(SHORT / 2)
        .ping_interval(SHORT);
    let address = server(options).await;
    let mut poller = support::Poller::join(address).await;
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", poller.target);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = String::from_utf8(read(&mut stream).await).unwrap();
    assert!(answer.ends_with("\r\n\r\n2"), "the ping, after longer than any deadline: {answer}");
    assert_eq!(read(&mut stream).await, b"", "closed");
    poller.post("3").await;
}

/// A client that reads slowly is at work; it does not rest.
#[tokio::test]
async fn a_long_answer_outlasts_the_time_for_resting_connections() {
    const SIZE: usize = 24 << 20;
    let large = async || vec![b'x'; SIZE];
    let options = Options::default().keep_alive_timeout(Duration::from_millis(200));
    let server = Server::new(Events::new()).options(options);
    let (address, _) = start(server.route("/large", rialto::axum::routing::get(large))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /large HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut total, mut buffer) = (0, vec![0; 1 << 20]);
    while total < SIZE {
        // 24 times: thrice the time that a connection may rest.
        tokio::time::sleep(Duration::from_millis(25)).await;
        let wanted = (1 << 20).min(SIZE - total);
        within(stream.read_exact(&mut buffer[..wanted])).await.unwrap();
        total += wanted;
    }
}
