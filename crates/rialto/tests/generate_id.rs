//! Session ids of the application's own making: used everywhere, refused where they cannot be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{EngineSocket, Events, Handshake, Options, Server, Transport, ws};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::log::Log;
use support::{Poller, exchange, http, start, within};

const POLL: &str = "/socket.io/?EIO=4&transport=polling";
const LAST: &str = r#"{"code":9,"message":"Session ID not usable"}"#;

#[tokio::test]
async fn ids_are_used_for_the_session_and_its_cookie() {
    let next = AtomicUsize::new(0);
    let events = Events::new()
        .on_ack("transport", async |socket, ()| Ok(socket.transport() == Transport::Polling));
    let options = Options::default().cookie(true).generate_id(move |request| {
        let node = request.query("node").unwrap_or_default();
        format!("node{node}-{:020}", next.fetch_add(1, Ordering::Relaxed))
    });
    let raw = async |socket: EngineSocket| socket.send(socket.id()).await;
    let server = Server::new(events).options(options).engine("/raw", raw);
    let (address, io) = start(server).await;
    let answer = exchange(address, "GET", &format!("{POLL}&node=7"), "", "").await;
    assert!(answer.contains("0{\"sid\":\"node7-00000000000000000000\""), "{answer}");
    assert!(answer.contains("set-cookie: io=node7-00000000000000000000;"), "{answer}");
    let mut poller = Poller::join(address).await;
    assert!(poller.target.ends_with("sid=node-00000000000000000001"));
    poller.post("421[\"transport\"]").await;
    assert_eq!(poller.poll().await, "431[true]");
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut socket = within(ws::connect(&url)).await.unwrap();
    let open = within(socket.recv()).await.unwrap().unwrap().to_string();
    assert!(open.starts_with("0{\"sid\":\"node-00000000000000000002\""), "{open}");
    assert_eq!(io.stats().connections, 3);
    let url = format!("ws://{address}/raw/?EIO=4&transport=websocket");
    let mut socket = within(ws::connect(&url)).await.unwrap();
    for expected in ["0{\"sid\":\"node-00000000000000000003\"", "4node-00000000000000000003"] {
        let message = within(socket.recv()).await.unwrap().unwrap().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[tokio::test]
async fn ids_that_are_taken_or_of_another_form_are_refused() {
    let options = Options::default()
        .generate_id(|request| request.query("id").unwrap_or_default().replace('~', "/"));
    let (log, _logging) = Log::here();
    let (address, io) = start(Server::default().options(options)).await;
    let id = "abcdefghijklmnopqrstuvwxyz";
    let (status, _) = http(address, "GET", &format!("{POLL}&id={id}"), "").await;
    assert_eq!(status, 200);
    for (refused, why) in [
        (id, "the id of a session that is open"),
        ("", "an id of 0 characters: it has to have 20 to 64 characters"),
        ("short", "an id of 5 characters: it has to have 20 to 64 characters"),
        ("abcdefghijklmnop~qrstuvwxyz", "an id with the character '/': it has to"),
    ] {
        let target = format!("{POLL}&id={refused}");
        assert_eq!(http(address, "GET", &target, "").await, (500, LAST.to_owned()), "{refused}");
        let target = target.replace("polling", "websocket");
        let error = within(ws::connect(&format!("ws://{address}{target}"))).await.unwrap_err();
        assert!(error.to_string().contains("500"), "{error}");
        let lines = log.take("ERROR");
        assert!(lines.len() == 2 && lines.iter().all(|line| line.contains(why)), "{lines:?}");
    }
    assert_eq!(io.stats().connections, 1);
    let poll = http(address, "POST", &format!("{POLL}&sid={id}"), "40").await;
    assert_eq!(poll, (200, "ok".to_owned()), "the first session is as it was");
}

#[tokio::test]
async fn ids_may_take_their_time_and_no_longer() {
    let options = Options::default().connect_timeout(Duration::from_millis(300)).generate_id_async(
        async |request: Handshake| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if request.query("slow").is_some() {
                std::future::pending::<()>().await;
            }
            format!("later-{:0>20}", request.query("id").unwrap_or_default())
        },
    );
    let (log, _logging) = Log::here();
    let (address, _) = start(Server::default().options(options)).await;
    let (status, body) = http(address, "GET", &format!("{POLL}&id=7"), "").await;
    assert!(status == 200 && body.contains(r#""sid":"later-00000000000000000007""#), "{body}");
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket&id=8");
    let mut socket = within(ws::connect(&url)).await.unwrap();
    let open = within(socket.recv()).await.unwrap().unwrap().to_string();
    assert!(open.contains(r#""sid":"later-00000000000000000008""#), "{open}");
    let taken = http(address, "GET", &format!("{POLL}&id=8"), "").await;
    assert_eq!(taken, (500, LAST.to_owned()));
    assert_eq!(http(address, "GET", &format!("{POLL}&slow=1"), "").await, (500, LAST.to_owned()));
    log.expect(&["WARN `generate_id` took longer than `connect_timeout`"]).await;
}

/// What a client sends as an id is told apart: a session that is over, and what never was one.
#[tokio::test]
async fn an_id_of_another_form_is_explained_in_the_log() {
    let (log, _logging) = Log::here();
    let (address, _) = start(Server::default()).await;
    let unknown = (400, r#"{"code":1,"message":"Session ID unknown"}"#.to_owned());
    for (sid, why) in [
        ("abc", "a session id of 3 characters: it has to have 20 to 64 characters of"),
        ("abcdefghijklmnopqrs%2F", "a session id with the character '/': it has to have"),
        ("abcdefghijklmnopqrst", ""),
    ] {
        assert_eq!(http(address, "GET", &format!("{POLL}&sid={sid}"), "").await, unknown);
        let lines = log.take("a client has sent");
        assert_eq!(lines.len(), usize::from(!why.is_empty()), "{lines:?}");
        assert!(lines.iter().all(|line| line.contains(why)), "{lines:?}");
    }
}
