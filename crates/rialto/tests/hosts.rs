//! Requests for a host that the server is not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::axum::{Router, routing::get};
use rialto::{Events, Options, Server, ws};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use support::{start, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
const FORBIDDEN: &str = r#"{"code":4,"message":"this host is not served here"}"#;

/// A request with this line for `Host`, or none: the beginning of the answer.
async fn ask(address: SocketAddr, method: &str, target: &str, host: &str, more: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} {target} HTTP/1.1\r\n{host}{more}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    // To the end of the head and, of a refusal, of its body.
    let fits = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer);
        text.contains("\r\n\r\n") && (!text.contains(" 403 ") || text.ends_with('}'))
    };
    while !fits(&answer) {
        let count = within(stream.read(&mut piece)).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

async fn serve(options: Options) -> SocketAddr {
    let server = Server::new(Events::new())
        .websocket("/raw", async |_: ws::WebSocket| Ok::<(), ws::Error>(()))
        .engine("/engine", async |_| Ok(()))
        .options(options);
    start(server).await.0
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused_on_every_transport() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let options = Options::default().allowed_hosts(["app.example", "localhost"]);
    let options = options.on_connection_error(move |error| {
        listener.lock().unwrap().push((error.code, error.context.to_owned()));
    });
    let address = serve(options).await;
    // The page and the host that it asks for are of one origin, as the browser sees it.
    let foreign = "Host: evil.example\r\nOrigin: http://evil.example\r\n";
    for (method, target, more) in [
        ("GET", POLLING, ""),
        ("POST", &format!("{POLLING}&sid=none"), "Content-Length: 0\r\n"),
        ("GET", WEBSOCKET, UPGRADE),
        ("GET", "/engine?EIO=4&transport=polling", ""),
        ("GET", "/raw", UPGRADE),
    ] {
        for host in [foreign, "Host: app.example.evil.example:80\r\n"] {
            let answer = ask(address, method, target, host, more).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{target}: {answer}");
            assert!(answer.ends_with(FORBIDDEN), "{target}: {answer}");
        }
        let own = "Host: app.example:3000\r\nOrigin: http://app.example:3000\r\n";
        let answer = ask(address, method, target, own, more).await;
        assert!(!answer.starts_with("HTTP/1.1 403 "), "{target}: {answer}");
    }
    let told = told.lock().unwrap();
    let refusals = told.iter().filter(|told| **told == (4, "this host is not served here".into()));
    // All but those of the raw WebSocket, which is no part of the engine.
    assert_eq!(refusals.count(), 8);
}

#[tokio::test]
async fn without_a_list_any_host_is_served() {
    let address = serve(Options::default()).await;
    for (target, more) in [(POLLING, ""), (WEBSOCKET, UPGRADE), ("/raw", UPGRADE)] {
        let answer = ask(address, "GET", target, "Host: whatever.example\r\n", more).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 101 "));
    }
}

fn with_pages(path: &str) -> Server {
    let options = Options::default().path(path).allowed_hosts(["app.example"]);
    Server::new(Events::new())
        .options(options)
        .route("/rooms", get(async || "rooms"))
        .files(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

const FOREIGN: &str = "Host: evil.example\r\n";
const OWN: &str = "Host: app.example\r\n";

async fn status(address: SocketAddr, target: &str, host: &str) -> String {
    let answer = ask(address, "GET", target, host, "").await;
    assert_eq!(answer.contains(" 403 "), answer.ends_with(FORBIDDEN), "{target}: {answer}");
    answer.split(' ').nth(1).unwrap().to_owned()
}

/// A page under another name reads what answers it: every path of the port.
#[tokio::test]
async fn routes_files_and_the_browser_client_are_for_the_listed_hosts_too() {
    for path in ["/socket.io", "/"] {
        let (address, _) = start(with_pages(path)).await;
        let bundle = format!("{}/socket.io.js", path.trim_end_matches('/'));
        for (target, served) in
            [("/rooms", "200"), ("/lib.rs", "200"), (&bundle, "200"), ("/nothing", "404")]
        {
            assert_eq!(status(address, target, FOREIGN).await, "403", "{target}");
            assert_eq!(status(address, target, OWN).await, served, "{target}");
        }
    }
}

#[tokio::test]
async fn inside_an_application_the_list_is_for_what_is_the_server_s() {
    let app = Router::new().route("/health", get(async || "ok"));
    let app = app.merge(with_pages("/socket.io").into_router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { rialto::axum::serve(listener, app).await });
    for host in [FOREIGN, OWN] {
        assert_eq!(status(address, "/health", host).await, "200");
    }
    for target in ["/rooms", "/lib.rs", "/socket.io/socket.io.js", POLLING] {
        assert_eq!(status(address, target, FOREIGN).await, "403", "{target}");
        assert_eq!(status(address, target, OWN).await, "200", "{target}");
    }
}
