//! A panic in a function of the program that answers requests: a clear answer, an error in the log
//! that names the function, and everybody else goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::axum::extract::Request;
use rialto::axum::middleware::{self, Next};
use rialto::axum::response::Response;
use rialto::axum::routing::get;
use rialto::{Cors, Events, Handshake, Options, Server, ws};
use std::net::SocketAddr;
use support::log::Log;
use support::{Client, Poller, exchange, http, start, within};

const FAILED: &str = r#"{"code":10,"message":"The server failed"}"#;
const FOREIGN: &str = r#"{"code":4,"message":"this origin may not use this server"}"#;
const ID: &str = "abcdefghijklmnopqrst";

fn is_bad(handshake: &Handshake) -> bool {
    handshake.query("bad").is_some()
}

fn fail_if(bad: bool) {
    assert!(!bad, "on purpose");
}

fn events() -> Events {
    Events::new().on_ack("ping", async |_, ()| Ok("pong"))
}

fn with(options: Options) -> Server {
    Server::new(events()).options(options)
}

async fn layer(request: Request, next: Next) -> Response {
    fail_if(request.uri().query().is_some_and(|query| query.contains("bad=1")));
    next.run(request).await
}

/// A function that panics, where it stands, and what a client hears of it.
struct Case {
    name: &'static str,
    server: Server,
    /// Whether a page asks.
    origin: bool,
    /// Beside `bad=1`.
    query: &'static str,
    /// The status and the body of an answer, and the status of a refused upgrade.
    answer: (u16, &'static str, &'static str),
}

fn case(name: &'static str, options: Options) -> Case {
    Case { name, server: with(options), origin: false, query: "", answer: (500, FAILED, "500") }
}

fn cases() -> Vec<Case> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let id = move || {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{ID}{number}")
    };
    let id = std::sync::Arc::new(id);
    let again = id.clone();
    let foreign = |cors| Case {
        answer: (403, FOREIGN, "403"),
        origin: true,
        ..case("Cors::", Options::default().cors(cors))
    };
    let ask = async |_: Handshake| {
        tokio::task::yield_now().await;
        panic!("on purpose")
    };
    let mut by_hand = Cors::new(["https://app.example"]);
    by_hand.origins = ws::Origins::matching(|_| panic!("on purpose"));
    vec![
        case(
            "allow_request",
            Options::default().allow_request(|request| {
                fail_if(is_bad(request));
                Ok::<_, String>(())
            }),
        ),
        case(
            "allow_request",
            Options::default().allow_request_async(async |request: Handshake| {
                tokio::task::yield_now().await;
                fail_if(is_bad(&request));
                Ok::<_, String>(())
            }),
        ),
        case(
            "generate_id",
            Options::default().generate_id(move |request| {
                fail_if(is_bad(request));
                id()
            }),
        ),
        case(
            "generate_id",
            Options::default().generate_id_async(move |request| {
                let id = again.clone();
                async move {
                    tokio::task::yield_now().await;
                    fail_if(is_bad(&request));
                    id()
                }
            }),
        ),
        case(
            "headers",
            Options::default().headers(|_, request| {
                fail_if(request.uri.query().is_some_and(|query| query.contains("bad=1")));
            }),
        ),
        case(
            "initial_headers",
            Options::default().initial_headers(|_, request| {
                fail_if(request.uri.query().is_some_and(|query| query.contains("bad=1")));
            }),
        ),
        Case {
            server: Server::new(events()).engine_layer(middleware::from_fn(layer)),
            ..case("engine_layer", Options::default())
        },
        foreign(Cors::matching(|_| panic!("on purpose"))),
        foreign(Cors::new(["https://app.example"]).decide(ask)),
        // One that has no name of its own.
        Case { name: "a function", origin: true, ..case("", Options::default().cors(by_hand)) },
        Case {
            query: "&EIO=5",
            answer: (400, r#"{"code":5,"message":"Unsupported protocol version"}"#, "400"),
            ..case(
                "on_connection_error",
                Options::default().on_connection_error(|error| {
                    fail_if(is_bad(error.handshake));
                }),
            )
        },
    ]
}

/// Asks by either transport for what makes the function panic.
async fn provoke(address: SocketAddr, case: &Case, log: &Log) {
    let (status, body, upgrade) = case.answer;
    let version = if case.query.is_empty() { "EIO=4" } else { "" };
    let target = format!("/socket.io/?{version}&bad=1{}&transport=", case.query);
    let origin = if case.origin { "Origin: https://other.example\r\n" } else { "" };
    let answer = exchange(address, "GET", &format!("{target}polling"), origin, "").await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{}: {answer}", case.name);
    assert!(answer.ends_with(body), "{}: {answer}", case.name);
    told(log, case);
    let mut connect = ws::Connect::new(format!("ws://{address}{target}websocket"));
    if case.origin {
        connect = connect.header("origin", "https://other.example");
    }
    let error = within(connect.connect()).await.unwrap_err().to_string();
    assert!(error.contains(upgrade), "{}: {error}", case.name);
    told(log, case);
}

fn told(log: &Log, case: &Case) {
    let lines = log.take("panicked");
    assert!(!lines.is_empty(), "{}", case.name);
    for line in lines {
        let named = format!("ERROR `{}", case.name);
        assert!(line.starts_with(&named) && line.contains("on purpose"), "{line}");
    }
}

#[tokio::test]
async fn each_function_that_panics_has_an_answer_and_a_line_in_the_log() {
    for mut case in cases() {
        let (log, _logging) = Log::here();
        let server = std::mem::take(&mut case.server);
        let (address, io) = start(server).await;
        let mut poller = Poller::join(address).await;
        let mut client = Client::join(address).await;
        provoke(address, &case, &log).await;
        // Nobody else has noticed, and nothing is left of it.
        assert_eq!(client.ask(1, r#"["ping"]"#).await, r#"31["pong"]"#, "{}", case.name);
        poller.post(r#"422["ping"]"#).await;
        assert_eq!(poller.poll().await, r#"432["pong"]"#, "{}", case.name);
        Client::join(address).await.socket.close(1000, "").await.unwrap();
        let gone = async {
            while io.stats().connections != 2 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        within(gone).await;
    }
}

#[tokio::test]
async fn a_poll_whose_headers_panic_is_the_last_of_its_session() {
    let options = Options::default().headers(|_, request| {
        fail_if(request.uri.query().is_some_and(|query| query.contains("bad=1")));
    });
    let (log, _logging) = Log::here();
    let (address, _) = start(with(options)).await;
    let poller = Poller::join(address).await;
    let target = format!("{}&bad=1", poller.target);
    assert_eq!(http(address, "POST", &target, r#"42["ping"]"#).await, (500, FAILED.to_owned()));
    assert_eq!(log.take("panicked").len(), 1);
    let (status, body) = http(address, "GET", &poller.target, "").await;
    assert!(status == 400 || body == "1", "the session is over: {status} {body}");
}

/// These run in the session's task, as handlers do.
#[tokio::test]
async fn a_namespace_s_own_functions_end_the_connection_that_asked() {
    let (log, _logging) = Log::here();
    let server = with(Options::default())
        .namespace_matching(
            |name| {
                fail_if(name == "/bad");
                name.starts_with("/new")
            },
            Events::new(),
        )
        .on_new_namespace(|io| fail_if(io.namespace() == "/new-bad"));
    let (address, io) = start(server).await;
    let mut other = Client::join(address).await;
    for name in ["/bad", "/new-bad"] {
        let mut client = Client::open(address).await;
        client.send(&format!("0{name},")).await;
        assert_eq!(client.closed().await, (1011, "a handler failed".to_owned()), "{name}");
        log.expect(&["ERROR a handler panicked", "on purpose"]).await;
    }
    assert_eq!(other.ask(1, r#"["ping"]"#).await, r#"31["pong"]"#);
    other.send("0/new-one,").await;
    assert!(other.recv().await.starts_with("0/new-one,"));
    assert_eq!(io.stats().connections, 1);
}

#[tokio::test]
async fn a_route_that_panics_has_an_answer_and_its_connection_goes_on() {
    let (log, _logging) = Log::here();
    let later = get(async || -> String {
        tokio::task::yield_now().await;
        panic!("on purpose")
    });
    let server = with(Options::default())
        .route("/panic/{id}", get(async || -> String { panic!("on purpose") }))
        .route("/later", later)
        .route("/well", get(async || "well"));
    let (address, _) = start(server).await;
    for target in ["/panic/1", "/later"] {
        let (status, body) = http(address, "GET", &format!("{target}?token=secret"), "").await;
        assert_eq!((status, &*body), (500, FAILED), "{target}");
        let line = format!("ERROR a route panicked path=\"{target}\" panic=\"on purpose\"");
        assert_eq!(log.take("panicked"), [line]);
    }
    assert_eq!(http(address, "GET", "/well", "").await, (200, "well".to_owned()));
}
