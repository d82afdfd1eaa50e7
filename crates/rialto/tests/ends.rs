//! `docs/ends.md` says what the code says: no sentence more, none less.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{CloseReason, Events, Handshake, Options, Refused, Server, guard};
use rialto_protocol::engine::HandshakeError;
use std::collections::BTreeSet;
use std::time::Duration;
use support::{Client, Poller, http, start, within};

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
    // One that is too long for its line stands in braces below.
    let source = source.replace("=> {\n", "=> ").replace("\"\n            }\n", "\",\n");
    let arms = source.lines().filter_map(|line| line.trim().strip_prefix("Self::"));
    let strings = arms.filter_map(|arm| {
        arm.split_once("=> ")?.1.trim_start().strip_prefix('"')?.strip_suffix("\",")
    });
    strings.map(str::to_owned).collect()
}

/// The arguments of each call of a function in the list of ends.
fn listed(call: &str, arguments: usize) -> BTreeSet<Vec<String>> {
    let source = read("crates/rialto/src/ends.rs");
    let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let head = format!("= {call}(");
    let calls = source.split(&head).skip(1).map(|rest| rest.split_once(");").unwrap().0);
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
    let seen = listed("seen", 2);
    assert!(seen.iter().all(|cells| ["1005", "1006"].contains(&&*cells[0])), "no frame has these");
    assert_eq!(take("What the log says of a peer that is gone", 2), seen);

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
    let mut refusals = listed("join", 3);
    assert!(refusals.len() >= 4);
    refusals.insert(["", "Invalid namespace", ""].map(str::to_owned).to_vec());
    assert_eq!(take("`connect_error`", 3), refusals);
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

/// What is refused by the server itself: code and sentence for clients of today, an object with
/// code and message for those of Socket.IO 2, and for both what the reference has as it has it.
#[tokio::test]
async fn refused_joins_say_why() {
    let asks = guard(async |request: Handshake| Ok(request.auth::<u64>()?), Events::new());
    let fails = guard(
        async |_: Handshake| Err::<(), Refused>(rialto::Error::from("no database").into()),
        Events::new(),
    );
    let own = guard(async |_: Handshake| Err::<(), _>(Refused::new("no").data(&7)), Events::new());
    let server = Server::new(Events::new())
        .namespace("/asks", asks)
        .namespace("/fails", fails)
        .namespace("/own", own)
        .namespace("/full", Events::new())
        .options(Options::default().max_namespaces(2).allow_eio3(true));
    let (address, _) = start(server).await;

    let auth = r#"{"code":11,"text":"auth is not what the login of this namespace asks for"}"#;
    let login = r#"{"code":12,"text":"the login could not decide; the server's log says why"}"#;
    let full = r#"{"code":10,"text":"this connection is in as many namespaces as it may join"}"#;
    let mut client = Client::open(address).await;
    for (namespace, answer) in [
        ("/none", r#"{"message":"Invalid namespace"}"#.to_owned()),
        ("/own", r#"{"message":"no","data":7}"#.to_owned()),
        ("/asks", format!(r#"{{"message":"invalid auth","data":{auth}}}"#)),
        ("/fails", format!(r#"{{"message":"login failed","data":{login}}}"#)),
    ] {
        client.send(&format!("0{namespace},")).await;
        assert_eq!(client.recv().await, format!("4{namespace},{answer}"));
    }
    for namespace in ["/", "/full"] {
        client.send(&format!("0{namespace},")).await;
        assert!(client.recv().await.starts_with('0'));
    }
    client.send("0/own,").await;
    let answer = format!(r#"{{"message":"Too many namespaces","data":{full}}}"#);
    assert_eq!(client.recv().await, format!("4/own,{answer}"));

    let url = format!("ws://{address}/socket.io/?EIO=3&transport=websocket");
    let mut old = Client { socket: within(rialto::ws::connect(&url)).await.unwrap() };
    assert!(old.recv().await.starts_with('{'), "the open packet");
    assert_eq!(old.recv().await, "0", "the main namespace is joined unasked");
    for (namespace, answer) in [
        ("/none", r#"{"message":"Invalid namespace"}"#),
        ("/own", "7"),
        ("/asks", r#"{"code":11,"message":"invalid auth"}"#),
        ("/fails", r#"{"code":12,"message":"login failed"}"#),
        ("/full", ""),
        ("/own", r#"{"code":10,"message":"Too many namespaces"}"#),
    ] {
        old.send(&format!("0{namespace}")).await;
        let joined = answer.is_empty();
        let answer = if joined { "0/full,".into() } else { format!("4{namespace},{answer}") };
        assert_eq!(old.recv().await, answer);
    }
}

/// As in Node: `forced server close` is what the connection ends with, not what its sockets see.
#[tokio::test]
async fn sockets_of_a_connection_that_the_server_ends_have_one_reason() {
    let (left, mut reasons) = tokio::sync::mpsc::unbounded_channel();
    let table = || {
        let left = left.clone();
        let kick = async |socket: rialto::Socket, ()| {
            socket.disconnect(true);
            Ok(())
        };
        Events::new().on("kick", kick).on_disconnect(move |socket| {
            let _open = left.send(socket.disconnect_reason());
            async {}
        })
    };
    let (address, io) = start(Server::new(table()).namespace("/b", table())).await;
    let mut client = Client::join(address).await;
    client.send("0/b,").await;
    assert!(client.recv().await.starts_with("0/b,"));
    client.send("2[\"kick\"]").await;
    for _ in 0..2 {
        let reason = within(reasons.recv()).await.unwrap();
        assert_eq!(reason, Some(CloseReason::ServerNamespaceDisconnect));
    }
    assert_eq!(client.closed().await, (1000, "the server closed this connection".to_owned()));
    assert_eq!(io.stats().closed, [(CloseReason::ForcedServerClose, 1)].into());
}
