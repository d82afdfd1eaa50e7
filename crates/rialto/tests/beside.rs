//! What stands beside the sockets: CORS, static files, namespaces by name, broadcasts in a loop.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Cors, Events, Handshake, Options, Refused, Server, Socket, guard};
use serde::Deserialize;
use support::{Client, Poller, exchange, start};

const POLL: &str = "/socket.io/?EIO=4&transport=polling";

async fn answer_to(options: Options, method: &str, origin: &str) -> String {
    let (address, _) = start(Server::default().options(options)).await;
    exchange(address, method, POLL, &format!("Origin: {origin}\r\n"), "").await
}

#[tokio::test]
async fn pages_on_loopback_can_read_the_answers_of_servers_on_loopback() {
    for origin in ["http://localhost:8080", "http://127.0.0.1:8080"] {
        let allowed = format!("access-control-allow-origin: {origin}\r\n");
        for options in
            [Options::default(), Options::default().cors(Cors::new(["https://a.example"]))]
        {
            let answer = answer_to(options.clone(), "GET", origin).await;
            assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(&allowed), "{answer}");
            assert!(answer.contains("vary: Origin\r\n"), "{answer}");
            let answer = answer_to(options, "OPTIONS", origin).await;
            assert!(answer.starts_with("HTTP/1.1 204 ") && answer.contains(&allowed), "{answer}");
        }
    }
}

#[tokio::test]
async fn foreign_pages_are_refused_and_named_in_no_header() {
    let options = Options::default().cors(Cors::new(["https://a.example/"]).credentials(true));
    for origin in ["https://b.example", "https://a.example.evil", "null"] {
        let answer = answer_to(options.clone(), "GET", origin).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    }
    let answer = answer_to(options, "GET", "https://a.example").await;
    assert!(answer.contains("access-control-allow-origin: https://a.example\r\n"), "{answer}");
    assert!(answer.contains("access-control-allow-credentials: true\r\n"), "{answer}");
}

/// With its own name in the answer, any page could use its visitors' cookies.
#[tokio::test]
async fn all_origins_together_are_never_named_one_by_one() {
    let options = Options::default().cors(Cors::new(["*"]).credentials(true));
    for method in ["GET", "OPTIONS"] {
        let answer = answer_to(options.clone(), method, "https://b.example").await;
        assert!(answer.contains("access-control-allow-origin: *\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn static_text_says_its_encoding_and_is_asked_for_again() {
    let folder = std::env::temp_dir().join(format!("rialto-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("index.html"), "<h1>Grüße</h1>").unwrap();
    std::fs::write(folder.join(".env"), "secret").unwrap();
    let (address, _) = start(Server::default().files(&folder)).await;
    let page = exchange(address, "GET", "/", "", "").await;
    assert!(page.contains("content-type: text/html; charset=utf-8\r\n"), "{page}");
    assert!(page.contains("cache-control: public, max-age=0\r\n"), "{page}");
    assert!(page.ends_with("<h1>Grüße</h1>"), "{page}");
    for path in ["/.env", "/%2eenv", "/nope", "/../Cargo.toml"] {
        let answer = exchange(address, "GET", path, "", "").await;
        assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("not found\n"), "{answer}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn namespaces_are_found_with_and_without_their_slash() {
    let mut server = Server::default().namespace("chat", Events::new());
    let io = server.io();
    assert_eq!(io.of("chat").unwrap().namespace(), "/chat");
    assert_eq!(io.of("/chat").unwrap().namespace(), "/chat");
    assert!(io.of("/").is_some() && io.of("other").is_none());
}

#[tokio::test]
async fn a_login_that_does_not_decode_tells_nothing_of_the_server() {
    #[derive(Deserialize)]
    struct Login {
        secret_field: String,
    }
    async fn login(handshake: Handshake) -> Result<String, Refused> {
        Ok(handshake.auth::<Login>()?.secret_field)
    }
    let (address, _) = start(Server::new(guard(login, Events::new()))).await;
    let mut client = Client::open(address).await;
    client.send("0{\"secret_field\":5}").await;
    let answer = client.recv().await;
    assert!(
        answer.starts_with("4{\"message\":\"invalid auth\",\"data\":{\"code\":11,"),
        "{answer}"
    );
    assert!(!answer.contains("secret_field"), "{answer}");
}

#[tokio::test]
async fn a_loop_of_broadcasts_lets_polling_clients_fetch_them() {
    let events = Events::new().on("burst", async |socket: Socket, count: u64| {
        for n in 0..count {
            socket.io().emit("n", (n, "x".repeat(300))).await?;
        }
        Ok(())
    });
    let (address, io) = start(Server::new(events)).await;
    let mut poller = Poller::join(address).await;
    let count = 10_000;
    poller.post(&format!("42[\"burst\",{count}]")).await;
    let mut received = 0;
    while received < count {
        let body = poller.poll().await;
        for packet in body.split('\u{1e}') {
            assert!(packet.starts_with(&format!("42[\"n\",{received},")), "{packet:.60}");
            received += 1;
        }
    }
    // Handed out before it is awaited, as everything that is emitted.
    drop(io.emit("last", ()));
    assert_eq!(poller.poll().await, "42[\"last\"]");
}

#[tokio::test]
async fn nothing_is_left_of_a_server_that_is_dropped() {
    let kept = std::sync::Arc::new(());
    let server = Server::default().engine("/engine", |_| async { Ok(()) }).state(kept.clone());
    let router = server.into_router();
    assert_eq!(std::sync::Arc::strong_count(&kept), 2);
    drop(router);
    assert_eq!(std::sync::Arc::strong_count(&kept), 1);
}
