//! Handshakes by hand, and an echo handler.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use rialto_ws::{Result, WebSocket};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Every wait in these tests ends after this time.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A handshake for `/x`, up to the empty line.
pub const HEAD: &str = "GET /x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The answer to it, up to further fields.
pub const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

pub async fn echo(mut socket: WebSocket) -> Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

/// Opens a connection by hand; returns the head of the answer.
pub async fn open(address: SocketAddr, extra: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = shake(&mut stream, extra).await;
    (stream, head)
}

/// Sends a handshake with further fields; returns the head of the answer.
pub async fn shake<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, extra: &str) -> String {
    stream.write_all(format!("{HEAD}{extra}\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time");
        head.push(byte.unwrap_or_else(|error| panic!("{error} after {head:?}")));
    }
    String::from_utf8(head).unwrap()
}

/// All that comes until the stream ends.
pub async fn rest<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("an end in time");
    all
}

/// Sends a short text and waits until it has come back.
pub async fn round_trip<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    stream.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
    let mut back = [0; 4];
    timeout(PATIENCE, stream.read_exact(&mut back)).await.expect("an echo in time").unwrap();
    assert_eq!(&back, b"\x81\x02hi");
}

/// A Close frame as a client sends it.
pub fn close_frame(code: u16) -> Vec<u8> {
    let [high, low] = code.to_be_bytes();
    vec![0x88, 0x82, 0, 0, 0, 0, high, low]
}
