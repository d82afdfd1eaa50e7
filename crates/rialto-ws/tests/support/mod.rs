//! A peer made by hand: writes raw bytes, reads frames back.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use rialto_ws::proto::{Header, OpCode, apply_mask};
use rialto_ws::{Options, Role, WebSocket};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Every wait in these tests ends after this time.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The far end of a connection.
pub struct Peer {
    stream: DuplexStream,
    role: Role,
}

/// A server's end over a pipe of `capacity` bytes, and the client at its far end.
pub fn server(options: &Options, capacity: usize) -> (WebSocket, Peer) {
    open(Role::Server, options, capacity)
}

/// An end of the given role, and the opposite one at its far end.
pub fn open(role: Role, options: &Options, capacity: usize) -> (WebSocket, Peer) {
    let (near, far) = tokio::io::duplex(capacity);
    let request = rialto_ws::Request::default();
    let socket = WebSocket::from_upgraded(near, role, Vec::new(), request, options);
    let other = if role == Role::Server { Role::Client } else { Role::Server };
    (socket, Peer { stream: far, role: other })
}

/// Both ends of a connection over a pipe of `capacity` bytes: the server's and the client's.
pub fn pair(options: &Options, capacity: usize) -> (WebSocket, WebSocket) {
    let (near, far) = tokio::io::duplex(capacity);
    let open = |stream, role| {
        WebSocket::from_upgraded(stream, role, Vec::new(), rialto_ws::Request::default(), options)
    };
    (open(near, Role::Server), open(far, Role::Client))
}

/// Polls a future once and drops it: the outcome, if it was ready.
pub async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

/// Makes a future again and again, polling each once, until one is ready.
pub async fn until_ready<F: Future>(mut make: impl FnMut() -> F) -> F::Output {
    tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(output) = poll_once(make()).await {
                return output;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("ready in time")
}

/// A frame as this role sends it.
pub fn frame(role: Role, fin: bool, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mask = (role == Role::Client).then_some([0x11, 0x22, 0x33, 0x44]);
    let mut header = [0; Header::MAX];
    let length = payload.len() as u64;
    let size = Header { fin, rsv: 0, opcode, mask, length }.write(&mut header);
    let mut out = header[..size].to_vec();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        apply_mask(&mut out[size..], key, 0);
    }
    out
}

impl Peer {
    pub async fn send(&mut self, fin: bool, opcode: OpCode, payload: &[u8]) {
        let bytes = frame(self.role, fin, opcode, payload);
        self.send_raw(&bytes).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.send(true, OpCode::Text, text.as_bytes()).await;
    }

    /// Writes bytes; a connection that is closed by now is no failure of the test.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        let written = tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await;
        let _ = written.expect("the connection takes bytes in time");
    }

    /// The next frame; `None` at the end of the stream.
    pub async fn read(&mut self) -> Option<(OpCode, Vec<u8>)> {
        tokio::time::timeout(PATIENCE, self.read_frame()).await.expect("a frame in time")
    }

    /// The next frame, whenever it comes: for tests that pause time.
    pub async fn next(&mut self) -> Option<(OpCode, Vec<u8>)> {
        self.read_frame().await
    }

    async fn read_frame(&mut self) -> Option<(OpCode, Vec<u8>)> {
        let mut head = Vec::new();
        let header = loop {
            if let Some((header, _)) = Header::parse(&head).expect("a valid header") {
                break header;
            }
            head.push(self.stream.read_u8().await.ok()?);
        };
        assert_eq!(header.mask.is_some(), self.role == Role::Server, "only clients mask");
        let mut payload = vec![0; usize::try_from(header.length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        if let Some(key) = header.mask {
            apply_mask(&mut payload, key, 0);
        }
        Some((header.opcode, payload))
    }

    /// The code of the Close frame that has to come next, and then the end of the stream.
    pub async fn closed_with(&mut self) -> u16 {
        let (opcode, payload) = self.read().await.expect("a Close frame before the end");
        assert_eq!(opcode, OpCode::Close, "{payload:?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }

    /// Bytes that have arrived within a short time.
    pub async fn arrived(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 1 << 16];
        let read = self.stream.read(&mut bytes);
        let count = tokio::time::timeout(Duration::from_millis(50), read).await;
        bytes.truncate(count.map_or(0, |read| read.unwrap_or(0)));
        bytes
    }

    pub async fn shutdown(&mut self) {
        self.stream.shutdown().await.unwrap();
    }
}
