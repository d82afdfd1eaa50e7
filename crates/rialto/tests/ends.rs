//! `docs/ends.md` says what the code says: no sentence more, none less.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{CloseReason, Events, Options, Server};
use rialto_protocol::engine::HandshakeError;
use std::collections::BTreeSet;
use std::time::Duration;
use support::{Client, Poller, http, start};

fn read(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the tables below a heading, cell by cell.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(&format!("# {heading}\n")).expect(heading);
    let section = rest.split("\n#").next().unwrap();
    let table = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    table.map(cells).collect()
}

fn column(page: &str, heading: &str, index: usize) -> BTreeSet<String> {
    rows(page, heading).into_iter().map(|row| row[index].clone()).collect()
}

/// The strings of the arms of `as_str` in a source of ours.
fn sentences(source: &str) -> BTreeSet<String> {
    let arms = source.lines().filter_map(|line| line.trim().strip_prefix("Self::"));
    let strings = arms.filter_map(|arm| arm.split_once("=> \"")?.1.strip_suffix("\","));
    strings.map(str::to_owned).collect()
}

/// The arguments of each call of a function in the list of ends.
fn listed(call: &str, arguments: usize) -> BTreeSet<Vec<String>> {
    let source = read("crates/rialto/src/ends.rs");
    let head = format!("= {call}(");
    let calls = source.lines().filter_map(|line| line.split_once(&head)?.1.strip_suffix(");"));
    let split = |call: &str| -> Vec<String> {
        let cells = call.splitn(arguments, ", ");
        cells.map(|cell| cell.trim_matches('"').to_owned()).collect()
    };
    calls.map(split).collect()
}

#[test]
fn the_page_lists_what_the_code_says() {
    let page = read("docs/ends.md");
    let take = |heading: &str, cells: usize| -> BTreeSet<Vec<String>> {
        rows(&page, heading).into_iter().map(|row| row[..cells].to_vec()).collect()
    };

    let mut ends = listed("end", 2);
    assert!(ends.remove(&vec!["1000".to_owned(), String::new()]), "an echo says nothing");
    assert_eq!(take("Close frames", 2), ends);

    let mut requests = listed("request", 3);
    for error in [
        HandshakeError::TransportUnknown,
        HandshakeError::SessionUnknown,
        HandshakeError::BadMethod,
        HandshakeError::BadRequest,
        HandshakeError::Forbidden,
        HandshakeError::UnsupportedVersion,
    ] {
        let numbers = [error.status().to_string(), error.code().to_string()];
        requests.insert([numbers.as_slice(), &[error.message().to_owned()]].concat());
    }
    assert_eq!(take("HTTP answers of the engine", 3), requests);

    let mut rules = sentences(&read("crates/rialto-protocol/src/engine/violation.rs"));
    rules.extend(sentences(&read("crates/rialto-protocol/src/socketio/error.rs")));
    assert!(rules.len() > 25);
    assert_eq!(column(&page, "Broken rules of Engine.IO and Socket.IO", 0), rules);
    let rules = sentences(&read("crates/rialto-ws/src/proto/violation.rs"));
    assert!(rules.len() > 15);
    assert_eq!(column(&page, "Broken rules of WebSocket", 1), rules);

    let reasons = CloseReason::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(column(&page, "What the program sees", 0), reasons);
    let sources =
        ["connection", "handler"].map(|name| format!("crates/rialto/src/socketio/{name}.rs"));
    let source: String = sources.iter().map(|path| read(path)).collect();
    for message in column(&page, "`connect_error`", 0) {
        assert!(source.contains(&format!("\"{message}\"")), "{message}");
    }
}

#[tokio::test]
async fn refusals_and_ends_say_their_sentence_on_the_wire() {
    let options = Options::default()
        .max_payload(1_000)
        .body_timeout(Duration::from_millis(100))
        .connect_timeout(Duration::from_millis(300));
    let events = Events::new()
        .on("kick", async |socket, ()| {
            socket.disconnect(true);
            Ok(())
        })
        .on("drop", async |socket, ()| {
            socket.close_connection();
            Ok(())
        })
        .on("panic", async |_, ()| panic!("on purpose"));
    let (address, _) = start(Server::new(events).options(options)).await;

    let poller = Poller::join(address).await;
    let (status, body) = http(address, "POST", &poller.target, &"x".repeat(1_001)).await;
    assert_eq!((status, &*body), (413, r#"{"code":6,"message":"Payload too large"}"#));
    let poller = Poller::join(address).await;
    let (status, body) = http(address, "POST", &poller.target, "4\u{1e}").await;
    assert_eq!((status, &*body), (400, r#"{"code":3,"message":"empty Engine.IO packet"}"#));
    let gone = "/socket.io/?EIO=4&transport=polling&sid=gone";
    let (status, body) = http(address, "GET", gone, "").await;
    assert_eq!((status, &*body), (400, r#"{"code":1,"message":"Session ID unknown"}"#));

    for (packet, code, text) in [
        ("2[\"kick\"]", 1000, "the server closed this connection"),
        ("2[\"drop\"]", 1000, "the server closed this connection"),
        ("2[\"panic\"]", 1011, "a handler failed"),
        ("0", 1002, "a namespace that was joined already"),
        ("2/other,[\"x\"]", 1002, "a packet for a namespace that was not joined"),
        ("4{}", 1002, "a packet that only servers send"),
        ("2[", 1002, "the payload is not valid JSON"),
    ] {
        let mut client = Client::join(address).await;
        client.send(packet).await;
        assert_eq!(client.closed().await, (code, text.to_owned()), "{packet}");
    }
    let mut idle = Client::open(address).await;
    assert_eq!(idle.closed().await, (1008, "no namespace was joined in time".to_owned()));
    let mut large = Client::join(address).await;
    large.send(&"x".repeat(1_001)).await;
    assert_eq!(large.closed().await.0, 1009);
}
