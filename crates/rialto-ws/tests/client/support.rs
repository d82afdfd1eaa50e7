//! Servers to connect to.
#![allow(dead_code, reason = "without TLS a part is idle")]

use rialto_ws::{Options, Result, WebSocket};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Every wait in these tests ends after this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it ends in time")
}

/// Returns messages; says its path, user agent and authorization first.
pub(crate) async fn echo(mut socket: WebSocket) -> Result<()> {
    let request = socket.request();
    let field = |name| request.header(name).unwrap_or("-").to_owned();
    let said = format!("{} {} {}", request.target(), field("host"), field("authorization"));
    socket.send(said).await?;
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port on which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    listen().await.1
}

/// A server that is [`echo`].
pub(crate) async fn echo_server() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(rialto_ws::serve_on(listener, Options::default(), echo));
    address
}

/// What [`echo`] says first; then checks that it echoes.
pub(crate) async fn greeting(socket: &mut WebSocket) -> String {
    let said = within(socket.recv()).await.unwrap().unwrap();
    socket.send("hello").await.unwrap();
    let back = within(socket.recv()).await.unwrap().unwrap();
    assert_eq!(back.as_text(), Some("hello"));
    said.as_text().unwrap().to_owned()
}

/// Reads to the empty line.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the client sends a whole head"));
    }
    String::from_utf8(head).unwrap()
}

/// A server that gives its answers in turn (the last one for ever), and keeps the requests.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) async fn start<A: Into<String>>(answers: impl IntoIterator<Item = A>) -> Self {
        let answers: Vec<String> = answers.into_iter().map(Into::into).collect();
        let (listener, address) = listen().await;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let head = read_head(&mut stream).await;
                let mut kept = kept.lock().await;
                let answer = answers[kept.len().min(answers.len() - 1)].clone();
                kept.push(head);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, requests }
    }

    pub(crate) async fn requests(&self) -> Vec<String> {
        self.requests.lock().await.clone()
    }
}

/// An answer without a body.
pub(crate) fn answer(status: &str, fields: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n{fields}\r\n")
}
