//! Where Socket.IO is: paths of every form, alone and as a part of an axum application.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::axum::{Router, routing::get};
use rialto::{Events, Options, Server, ws};
use std::net::SocketAddr;
use support::{http, start, within};

fn server(path: &str) -> Server {
    let events = Events::new().on_ack("echo", async |_, n: u64| Ok(n));
    Server::new(events).options(Options::default().path(path)).route("/own", get(async || "own"))
}

async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { rialto::axum::serve(listener, app).await });
    address
}

/// Socket.IO is at this path, with and without its slash, by both transports, and its client.
async fn assert_served(address: SocketAddr, path: &str) {
    let bare = path.trim_end_matches('/');
    let slashed = format!("{bare}/");
    let without = if bare.is_empty() { "/" } else { bare };
    for target in [without, &slashed] {
        let poll = format!("{target}?EIO=4&transport=polling");
        let (status, body) = http(address, "GET", &poll, "").await;
        assert!(status == 200 && body.starts_with("0{"), "{target}: {status} {body}");
        let session = format!("{poll}&sid={}", body.split('"').nth(3).unwrap());
        assert_eq!(http(address, "POST", &session, "40").await, (200, "ok".to_owned()));
        assert!(http(address, "GET", &session, "").await.1.starts_with("40{"), "{target}");

        let url = format!("ws://{address}{target}?EIO=4&transport=websocket");
        let mut socket = within(ws::connect(&url)).await.unwrap();
        for (send, expected) in [("40", "0{"), ("420[\"echo\",7]", "40{"), ("3", "430[7]")] {
            socket.send(send).await.unwrap();
            let message = within(socket.recv()).await.unwrap().unwrap().to_string();
            assert!(message.starts_with(expected), "{target}: {message}");
        }
    }
    let (status, body) = http(address, "GET", &format!("{slashed}socket.io.js"), "").await;
    assert!(status == 200 && body.len() > 10_000, "{path}: {status}");
    let (status, _) = http(address, "GET", &format!("{slashed}?EIO=4&transport=x"), "").await;
    assert_eq!(status, 400, "{path}");
}

#[tokio::test]
async fn by_itself() {
    for path in ["/socket.io", "/", "", "live", "/live/", "/a/b"] {
        let (address, _) = start(server(path)).await;
        let path = format!("/{}", path.trim_matches('/'));
        assert_served(address, &path).await;
        assert_eq!(http(address, "GET", "/own", "").await, (200, "own".to_owned()), "{path}");
        assert_eq!(http(address, "GET", "/nothing", "").await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn as_a_part_of_an_axum_application() {
    for path in ["/socket.io", "/", "live/"] {
        let there = format!("/{}", path.trim_matches('/'));
        let pages = || Router::new().route("/page", get(async || "page"));
        for prefix in ["", "/app"] {
            let router = server(path).into_router();
            let app = match prefix {
                "" => pages().merge(router),
                // axum's `nest` leaves `/app/` out.
                prefix if there == "/" => pages().nest_service(prefix, router),
                prefix => pages().nest(prefix, router),
            };
            let address = serve(app).await;
            assert_served(address, &format!("{prefix}{there}")).await;
            let own = http(address, "GET", &format!("{prefix}/own"), "").await;
            assert_eq!(own, (200, "own".to_owned()), "{path} {prefix}");
            assert_eq!(http(address, "GET", "/page", "").await, (200, "page".to_owned()));
            let nothing = format!("{prefix}/nothing");
            assert_eq!(http(address, "GET", &nothing, "").await.0, 404, "{path} {prefix}");
        }
    }
}

/// At `/` there may be a page beside Socket.IO.
#[tokio::test]
async fn a_page_at_the_same_path() {
    let server = || server("/").route("/", get(async || "home"));
    let (alone, _) = start(server()).await;
    for address in [alone, serve(server().into_router()).await] {
        assert_served(address, "/").await;
        assert_eq!(http(address, "GET", "/", "").await, (200, "home".to_owned()));
        assert_eq!(http(address, "GET", "/?q=transport", "").await, (200, "home".to_owned()));
    }
}
