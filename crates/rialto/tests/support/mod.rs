//! A Socket.IO client made by hand, and a polling one, for tests of the server.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

pub mod log;

use rialto::ws::{self, Message, WebSocket};
use rialto::{Io, Listen, Server};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Every wait ends after this time.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Fails the test if the future takes too long.
pub async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("in time")
}

/// Starts a server on a free port; on so many workers as `RIALTO_TEST_WORKERS` says, if it says so.
pub async fn start(server: Server) -> (SocketAddr, Io) {
    let workers = std::env::var("RIALTO_TEST_WORKERS").ok().and_then(|n| n.parse().ok());
    let server = match workers {
        Some(workers) => server.workers(workers),
        None => server,
    };
    let listen: Listen = server.bind("127.0.0.1:0").await.unwrap();
    let (address, io) = (listen.address(), listen.io());
    tokio::spawn(listen.run());
    (address, io)
}

/// A client on a WebSocket.
pub struct Client {
    pub socket: WebSocket,
}

impl Client {
    /// Opens an Engine.IO session without joining a namespace.
    pub async fn open(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut socket = within(ws::connect(&url)).await.unwrap();
        let open = within(socket.recv()).await.unwrap().unwrap();
        assert!(open.to_string().starts_with("0{"), "{open}");
        Self { socket }
    }

    /// Joins the main namespace.
    pub async fn join(address: SocketAddr) -> Self {
        let mut client = Self::open(address).await;
        client.send("0").await;
        assert!(client.recv().await.starts_with("0{\"sid\""));
        client
    }

    /// Sends a Socket.IO packet.
    pub async fn send(&mut self, packet: &str) {
        self.socket.send(format!("4{packet}")).await.unwrap();
    }

    /// The next Socket.IO packet; heartbeats are answered on the way.
    pub async fn recv(&mut self) -> String {
        self.next().await.expect("a packet")
    }

    /// The next packet, or `None` once the server has closed the connection.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            match within(self.socket.recv()).await {
                Ok(Some(Message::Text(text))) if text == "2" => {
                    self.socket.send("3").await.ok()?;
                }
                Ok(Some(message)) => return Some(message.to_string().split_off(1)),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Sends an event and returns its ack.
    pub async fn ask(&mut self, id: u64, event: &str) -> String {
        self.send(&format!("2{id}{event}")).await;
        self.recv().await
    }

    /// The code and reason of the server's Close frame.
    pub async fn closed(&mut self) -> (u16, String) {
        while self.next().await.is_some() {}
        let frame = self.socket.close_frame().expect("a Close frame");
        (frame.code.get(), frame.reason.to_string())
    }
}

/// One HTTP/1.1 exchange on a connection of its own, with further header lines: the whole answer.
pub async fn exchange(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &str,
) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// [`exchange`], taken apart: status and body.
pub async fn http(address: SocketAddr, method: &str, target: &str, body: &str) -> (u16, String) {
    let answer = exchange(address, method, target, "", body).await;
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, body)
}

/// A client on long-polling.
pub struct Poller {
    address: SocketAddr,
    pub target: String,
}

impl Poller {
    /// Opens a session and joins the main namespace.
    pub async fn join(address: SocketAddr) -> Self {
        let base = "/socket.io/?EIO=4&transport=polling";
        let (status, body) = http(address, "GET", base, "").await;
        assert_eq!(status, 200, "{body}");
        let sid = body.split('"').nth(3).expect("a session id").to_owned();
        let mut poller = Self { address, target: format!("{base}&sid={sid}") };
        poller.post("40").await;
        assert!(poller.poll().await.starts_with("40{\"sid\""));
        poller
    }

    /// The same with Engine.IO 3, where the main namespace is joined unasked.
    pub async fn join_revision3(address: SocketAddr) -> Self {
        let base = "/socket.io/?EIO=3&transport=polling";
        let (status, body) = http(address, "GET", base, "").await;
        assert_eq!(status, 200, "{body}");
        let sid = body.split('"').nth(3).expect("a session id").to_owned();
        let mut poller = Self { address, target: format!("{base}&sid={sid}") };
        assert_eq!(poller.poll().await, "2:40");
        poller
    }

    pub async fn post(&mut self, body: &str) {
        let (status, answer) = http(self.address, "POST", &self.target, body).await;
        assert_eq!((status, answer.as_str()), (200, "ok"));
    }

    pub async fn poll(&mut self) -> String {
        let (status, body) = http(self.address, "GET", &self.target, "").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// The same session on a WebSocket, ready to be probed.
    pub async fn websocket(&self) -> WebSocket {
        let target = self.target.replace("transport=polling", "transport=websocket");
        within(ws::connect(&format!("ws://{}{target}", self.address))).await.unwrap()
    }
}
