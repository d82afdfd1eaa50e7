//! Over TCP: both ends of ours, handshakes, large messages, deadlines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

use rialto_ws::{Connect, Message, Options, Result, WebSocket};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn echo(mut socket: WebSocket) -> Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

async fn start(options: Options) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(rialto_ws::serve_on(listener, options, echo));
    address.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_all_sizes_come_back_unchanged() {
    let address = start(Options::default()).await;
    let mut socket = rialto_ws::connect(&format!("ws://{address}/x")).await.unwrap();
    for size in [0, 1, 125, 126, 4095, 4096, 65_535, 65_536, 200_000, 1 << 20, 16 << 20] {
        let payload: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
        socket.send(payload.clone()).await.unwrap();
        let back = timeout(PATIENCE, socket.recv()).await.unwrap().unwrap().unwrap();
        assert!(back == Message::from(payload), "size {size}");
    }
    let text = "Grüße 日本語 🦀 ".repeat(20_000);
    socket.send(&text).await.unwrap();
    assert!(socket.recv().await.unwrap().unwrap().as_text() == Some(text.as_str()));
    socket.close(1000, "").await.unwrap();
    assert_eq!(socket.close_frame().unwrap().code.get(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_messages_keep_their_order() {
    let address = start(Options::default()).await;
    let socket = rialto_ws::connect(&format!("ws://{address}/")).await.unwrap();
    let (sender, mut receiver) = socket.split();
    let sending = tokio::spawn(async move {
        for n in 0..100_000u32 {
            sender.send(n.to_string()).await.unwrap();
        }
    });
    for n in 0..100_000u32 {
        let message = timeout(PATIENCE, receiver.recv()).await.unwrap().unwrap().unwrap();
        assert_eq!(message.as_text(), Some(n.to_string().as_str()));
    }
    sending.await.unwrap();
}

/// Sends a request as it is and returns all that comes back until the stream ends.
async fn request(address: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn requests_that_are_no_handshake_get_a_status_and_a_reason() {
    let address = start(Options::default()).await;
    let cases = [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "426"),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "400"),
    ];
    for (head, status) in cases {
        let answer = request(&address, head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head:?}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert!(body.len() > 5, "{answer}");
    }
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert!(request(&address, &long).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert!(request(&address, &many).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_client_learns_why_it_was_refused() {
    let address = start(Options::default()).await;
    let refused = Connect::new(format!("ws://{address}/")).header("origin", "http://evil.example");
    let error = refused.connect().await.unwrap_err();
    assert!(error.is_handshake());
    assert_eq!(error.status().unwrap().as_u16(), 403);
    for url in ["ftp://x", "ws://", "nonsense", "wss://"] {
        assert!(rialto_ws::connect(url).await.unwrap_err().is_url(), "{url}");
    }
}

#[tokio::test]
async fn the_best_common_subprotocol_is_chosen() {
    let address = start(Options::default().protocols(["v2", "v1"])).await;
    let connect = async |offer: &[&str]| {
        let options = Options::default().protocols(offer.iter().copied());
        let url = format!("ws://{address}/");
        let socket = Connect::new(url).options(options).connect().await.unwrap();
        socket.protocol().map(str::to_owned)
    };
    assert_eq!(connect(&["v1", "v2"]).await.as_deref(), Some("v2"));
    assert_eq!(connect(&["v1"]).await.as_deref(), Some("v1"));
    assert_eq!(connect(&[]).await, None);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_cut_off() {
    let options = Options::default().handshake_timeout(Duration::from_millis(100));
    let address = start(options).await;
    let answer = request(&address, "GET / HTTP/1.1\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(request(&address, "").await, "");
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_not_lost() {
    let address = start(Options::default()).await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let mut bytes = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec();
    bytes.extend(b"\x81\x82\0\0\0\0hi");
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x02hi") {
        let read = timeout(PATIENCE, stream.read_buf(&mut answer)).await.unwrap().unwrap();
        assert!(read > 0, "{answer:?}");
    }
}
