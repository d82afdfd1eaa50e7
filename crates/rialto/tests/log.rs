//! Each refusal and each end has its line in the log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Denied, Events, Handshake, Options, Refused, Server, guard, ws};
use std::time::Duration;
use support::log::Log;
use support::{Client, Poller, http, start, within};

fn server() -> Server {
    let login = async |_: Handshake| Err::<(), _>(Refused::new("members only"));
    let events = Events::new()
        .on("leave me", async |socket, ()| {
            socket.disconnect(false);
            Ok(())
        })
        .on("panic", async |_, ()| panic!("on purpose"));
    let options = Options::default().max_payload(1_000).allow_request(|request| {
        match request.query("deny") {
            Some(_) => Err(Denied::new("full").code(77)),
            None => Ok(()),
        }
    });
    Server::new(events).namespace("/members", guard(login, Events::new())).options(options)
}

#[tokio::test]
async fn each_refusal_and_each_end_has_one_line() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let (address, _) = start(server()).await;
    let poll = "/socket.io/?EIO=4&transport=polling";

    // Requests, by either transport, and by whom they are refused.
    http(address, "GET", &format!("{poll}&sid=gone"), "").await;
    log.expect(&["request refused: Session ID unknown", "status=400", "code=1"]).await;
    http(address, "GET", &format!("{poll}&deny=1"), "").await;
    log.expect(&["request denied: \"full\"", "status=403"]).await;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    assert!(within(ws::connect(&format!("{url}&deny=1"))).await.is_err());
    log.expect(&["upgrade refused: \"full\"", "status=400"]).await;
    let foreign = ws::Connect::new(&url).header("origin", "https://other.example").connect();
    assert!(within(foreign).await.is_err());
    log.expect(&["this origin may not use this server"]).await;
    let poller = Poller::join(address).await;
    http(address, "POST", &poller.target, &"x".repeat(1_001)).await;
    log.expect(&["request refused: Payload too large", "status=413", "code=6"]).await;
    http(address, "POST", &poller.target, "9").await;
    log.expect(&["request refused: unknown Engine.IO packet type", "code=3"]).await;

    // Namespaces.
    let mut client = Client::join(address).await;
    client.send("0/members,").await;
    log.expect(&["a client may not join: members only", "namespace=\"/members\""]).await;
    client.send("0/nothing,").await;
    log.expect(&["a client may not join: Invalid namespace", "namespace=\"/nothing\""]).await;
    client.send("2[\"leave me\"]").await;
    log.expect(&["a client has left", "namespace=\"/\"", "server namespace disconnect"]).await;

    // Sessions.
    drop(client);
    log.expect(&["session ended", "transport close"]).await;
    for (packet, reason, end) in [
        ("2[\"panic\"]", "forced close", "code=1011"),
        ("2[", "parse error", "the payload is not valid JSON"),
    ] {
        let mut client = Client::join(address).await;
        client.send(packet).await;
        log.expect(&["session ended", reason, end]).await;
    }
    let moment = Duration::from_millis(50);
    let (address, _) =
        start(Server::default().options(Options::default().connect_timeout(moment))).await;
    let _idle = Client::open(address).await;
    log.expect(&["session ended", "forced close", "no namespace was joined in time"]).await;
    let options = Options::default().ping_interval(moment).ping_timeout(moment);
    let (address, _) = start(Server::default().options(options)).await;
    let _silent = Client::open(address).await;
    log.expect(&["session ended", "ping timeout", "code=1008"]).await;
}

#[tokio::test]
async fn a_panic_is_told_with_its_words() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let (address, _) = start(server()).await;
    let mut client = Client::join(address).await;
    client.send("2[\"panic\"]").await;
    log.expect(&["a handler panicked", "on purpose"]).await;
}

#[tokio::test]
async fn it_is_said_once_that_the_events_of_a_client_wait() {
    let (log, _kept) = Log::here();
    let events = Events::new().on("hang", async |_, ()| std::future::pending().await);
    let options = Options::default().max_running_handlers(3);
    let address = start(Server::new(events).options(options)).await.0;
    let client = Client::join(address).await;
    for _ in 0..10 {
        client.socket.send("42[\"hang\"]").await.unwrap();
    }
    log.expect(&["WARN", "an event waits for suspended handlers", "handlers=3"]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(log.take("an event waits").is_empty());
}
