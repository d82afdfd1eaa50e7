//! However a client goes, the log says in a sentence what was seen of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Bytes, Events, Options, Server};
use std::net::SocketAddr;
use std::time::Duration;
use support::log::Log;
use support::{Client, PATIENCE, Poller, http, start, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The one line of a session's end.
async fn ended(log: &Log, reason: &str, code: u16, words: &str) {
    let reason = format!("reason={reason:?}");
    let line = format!("session ended: {words}");
    let end = [&*line, &reason, &format!("code={code}")];
    log.expect(&end).await;
}

/// A WebSocket made by hand that is in the main namespace.
async fn raw(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    until(&mut stream, b"\"maxPayload\"").await;
    // `40`, masked with zeros.
    stream.write_all(b"\x81\x82\0\0\0\x0040").await.unwrap();
    until(&mut stream, b"40{").await;
    stream
}

async fn until(stream: &mut TcpStream, words: &[u8]) {
    let mut read = Vec::new();
    while !read.windows(words.len()).any(|window| window == words) {
        assert!(within(stream.read_buf(&mut read)).await.unwrap() > 0, "{read:?}");
    }
}

#[tokio::test]
async fn on_a_websocket() {
    let (log, _logging) = Log::here();
    let (address, _) = start(Server::new(Events::new())).await;

    let mut client = Client::join(address).await;
    client.socket.close(4001, "bye\n").await.unwrap();
    ended(&log, "transport close", 4001, r#"the peer closed the connection reason="#).await;
    let mut client = Client::join(address).await;
    client.socket.close(1000, "see you").await.unwrap();
    log.expect(&["session ended: the peer closed", "code=1000", r#"said="see you""#]).await;
    let mut stream = raw(address).await;
    stream.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    ended(&log, "transport close", 1005, "the peer closed the connection").await;
    let client = Client::join(address).await;
    client.socket.send("1").await.unwrap();
    ended(&log, "transport close", 1005, "the client said goodbye").await;

    drop(raw(address).await);
    ended(&log, "transport close", 1006, "the peer closed without a Close frame").await;
    let stream = raw(address).await;
    stream.set_zero_linger().unwrap();
    drop(stream);
    ended(&log, "transport close", 1006, "the connection failed").await;

    for (frame, code, words) in [
        (&b"\x81\x0240"[..], 1002, "frame from a client is not masked"),
        (b"\x83\x80\0\0\0\0", 1002, "reserved opcode"),
        (b"\x81\x81\0\0\0\0\xff", 1007, "text is not UTF-8"),
        (b"\x82\xff\0\0\0\0\0\xff\xff\xff\0\0\0\0", 1009, "message over the size limit"),
    ] {
        let mut stream = raw(address).await;
        stream.write_all(frame).await.unwrap();
        ended(&log, "transport error", code, words).await;
    }
    let client = Client::join(address).await;
    client.socket.send("9").await.unwrap();
    ended(&log, "parse error", 1002, "unknown Engine.IO packet type").await;
}

#[tokio::test]
async fn on_long_polling() {
    let (log, _logging) = Log::here();
    let (address, _) = start(Server::new(Events::new())).await;

    let mut poller = Poller::join(address).await;
    poller.post("1").await;
    ended(&log, "transport close", 1005, "the client said goodbye").await;
    let poller = Poller::join(address).await;
    assert_eq!(http(address, "POST", &poller.target, "9").await.0, 400);
    ended(&log, "parse error", 1002, "unknown Engine.IO packet type").await;

    let poller = Poller::join(address).await;
    let head = format!("GET {} HTTP/1.1\r\nHost: {address}\r\n\r\n", poller.target);
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(head.as_bytes()).await.unwrap();
    // Whichever comes second is refused, and the one that waits gets the close packet.
    let second = http(address, "GET", &poller.target, "").await;
    let text = "second poll while one is already waiting";
    assert!(second.1.contains(text) || second.1 == "1", "{second:?}");
    ended(&log, "transport error", 1002, text).await;

    let poller = Poller::join(address).await;
    let head = format!("GET {} HTTP/1.1\r\nHost: {address}\r\n\r\n", poller.target);
    let mut poll = TcpStream::connect(address).await.unwrap();
    poll.write_all(head.as_bytes()).await.unwrap();
    drop(poll);
    ended(&log, "transport error", 1006, "the client broke off its poll").await;

    let poller = Poller::join(address).await;
    let mut post = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 100\r\n\r\n4",
        poller.target
    );
    post.write_all(head.as_bytes()).await.unwrap();
    post.shutdown().await.unwrap();
    ended(&log, "transport error", 1006, "a POST of the client did not arrive whole").await;
}

#[tokio::test]
async fn of_those_who_take_nothing() {
    let (log, _logging) = Log::here();
    let events = Events::new().on("one", async |socket, ()| socket.emit("one", ()).await).on(
        "flood",
        async |socket, ()| {
            let block = Bytes::from(vec![0; 1 << 20]);
            for _ in 0..64 {
                drop(socket.emit("block", &block));
            }
            Ok(())
        },
    );
    let options = Options::default()
        .stall_timeout(Some(Duration::from_millis(200)))
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(PATIENCE * 3)
        .send_budget(1 << 30);
    let (address, _) = start(Server::new(events).options(options)).await;

    let mut poller = Poller::join(address).await;
    poller.post("42[\"one\"]").await;
    ended(&log, "transport error", 1006, "the client fetched nothing of what waited for it").await;
    let mut stream = raw(address).await;
    stream.write_all(b"\x81\x8b\0\0\0\x0042[\"flood\"]").await.unwrap();
    ended(&log, "transport close", 1006, "the peer took nothing of what waited for it").await;
}
