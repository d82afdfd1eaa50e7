//! What newcomers get wrong when they put a server together: each has its sentence, in the log, in
//! an error or in a panic that names their line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::axum::routing::get;
use rialto::{ConnectionStateRecovery, Cors, Events, Options, Server};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;
use support::log::Log;
use support::{Client, start};

/// The warnings of a server that is put together and bound.
async fn warnings(server: impl FnOnce() -> Server) -> Vec<String> {
    let (log, _logging) = Log::here();
    let _listen = server().bind("127.0.0.1:0").await.unwrap();
    log.take("WARN")
}

async fn of_options(options: Options) -> Vec<String> {
    warnings(|| Server::new(Events::new()).options(options)).await
}

#[track_caller]
fn one(lines: &[String], words: &[&str]) {
    let fits = |line: &&String| words.iter().all(|word| line.contains(word));
    assert!(lines.len() == 1 && lines.iter().any(|line| fits(&line)), "{words:?} in {lines:#?}");
}

#[tokio::test]
async fn what_is_right_is_not_warned_of() {
    let events = Events::new().on("say", async |_, _: String| Ok(())).on_connect(async |_| Ok(()));
    let cors = Cors::new(["https://a.example", "https://*.b.example", "null"]).credentials(true);
    let options = Options::default()
        .cors(cors)
        .connection_state_recovery(ConnectionStateRecovery::default())
        .drain_timeout(Duration::ZERO)
        .stall_timeout(None);
    let server = || Server::new(events).namespace("a", Events::new()).options(options);
    assert_eq!(warnings(server).await, Vec::<String>::new());
    let server = || Server::default().namespace("/", Events::new());
    assert_eq!(warnings(server).await, Vec::<String>::new());
}

#[tokio::test]
async fn names_that_no_client_sends() {
    for (name, remedy) in [
        ("connect", "on_connect"),
        ("connection", "on_connect"),
        ("disconnect", "on_disconnect"),
        ("disconnecting", "on_disconnect"),
        ("connect_error", "guard"),
        ("newListener", "choose another"),
    ] {
        let plain = || Server::new(Events::new().on(name, async |_, ()| Ok(())));
        one(&warnings(plain).await, &[name, remedy]);
        let once = || Server::new(Events::new().once(name, async |_, ()| Ok(())));
        one(&warnings(once).await, &[name, remedy]);
        let ack = || Server::new(Events::new().on_ack(name, async |_, ()| Ok(1)));
        one(&warnings(ack).await, &[name, remedy]);
    }
    let between = || {
        let mut server = Server::default();
        server.io().on_server_side("new_namespace", async |_, ()| Ok(()));
        server
    };
    one(&warnings(between).await, &["new_namespace", "choose another"]);
}

#[tokio::test]
async fn origins_that_no_page_has() {
    for (origin, remedy) in [
        ("example.com", "write \"https://example.com\""),
        ("https://example.com/app", "it has no path"),
        ("http://localhost:*", "Cors::matching"),
    ] {
        let cors = Cors::new(["https://right.example", origin]);
        one(&of_options(Options::default().cors(cors)).await, &[origin, remedy]);
    }
    let all = Cors::new(["*"]).credentials(true);
    one(&of_options(Options::default().cors(all)).await, &["`*` with credentials"]);
}

#[tokio::test]
async fn options_that_serve_nobody_are_errors() {
    let none = Duration::ZERO;
    for (name, options) in [
        ("ping_interval", Options::default().ping_interval(none)),
        ("ping_timeout", Options::default().ping_timeout(none)),
        ("connect_timeout", Options::default().connect_timeout(none)),
        ("header_timeout", Options::default().header_timeout(none)),
        ("body_timeout", Options::default().body_timeout(none)),
        ("keep_alive_timeout", Options::default().keep_alive_timeout(none)),
        ("stall_timeout", Options::default().stall_timeout(Some(none))),
        ("max_payload", Options::default().max_payload(0)),
        ("send_budget", Options::default().send_budget(0)),
        ("max_running_handlers", Options::default().max_running_handlers(0)),
        ("max_namespaces", Options::default().max_namespaces(0)),
    ] {
        let (log, _logging) = Log::here();
        let server = || Server::default().options(options.clone());
        let error = server().bind("127.0.0.1:0").await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("`Options::{name}` is zero: ")), "{error}");
        assert!(error.ends_with("set it above zero, or leave it out for the default"), "{error}");
        // A router has no errors to give.
        drop(server().into_router());
        let lines = log.take("ERROR");
        assert!(lines.len() == 1 && lines[0].contains(name), "{lines:?}");
    }
}

#[tokio::test]
async fn options_that_are_odd_are_warnings() {
    let none = Duration::ZERO;
    let recovery = ConnectionStateRecovery::default;
    let recovers = |recovery| Options::default().connection_state_recovery(recovery);
    for (name, options) in [
        ("Options::transports", Options::default().transports([])),
        ("Options::upgrade_timeout", Options::default().upgrade_timeout(none)),
        ("Options::ack_timeout", Options::default().ack_timeout(none)),
        ("Options::max_pending_acks", Options::default().max_pending_acks(0)),
        ("max_disconnection_duration", recovers(recovery().max_disconnection_duration(none))),
        ("max_sessions", recovers(recovery().max_sessions(0))),
        ("max_bytes", recovers(recovery().max_bytes(0))),
    ] {
        one(&of_options(options).await, &[name]);
    }
}

#[tokio::test]
async fn of_two_handlers_of_a_namespace_the_last_one_serves_it() {
    let says = |text: &'static str| {
        Events::new().on_connect(async move |socket| socket.emit(text, ()).await)
    };
    for name in ["/", "/chat"] {
        let (log, _logging) = Log::here();
        let server = Server::new(says("first"))
            .namespace("/chat", says("first"))
            .namespace(name, says("second"));
        one(&log.take("WARN"), &[name, "the last one serves it"]);
        let (address, _) = start(server).await;
        let mut client = Client::open(address).await;
        let (join, head) = if name == "/" { ("0", "2") } else { ("0/chat,", "2/chat,") };
        client.send(join).await;
        assert!(client.recv().await.starts_with(join));
        assert_eq!(client.recv().await, format!(r#"{head}["second"]"#));
    }
}

type Build = fn() -> Server;

/// A server that is configured.
fn built() -> Server {
    let mut server = Server::default();
    server.io();
    server
}

fn empty() -> Events {
    Events::new()
}

/// Where the last panic was, in this process: this is the one test here that panics.
static PLACE: Mutex<Option<(String, u32)>> = Mutex::new(None);

#[test]
fn panics_name_the_line_of_the_program() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let place = info.location().map(|place| (place.file().to_owned(), place.line()));
        *PLACE.lock().unwrap() = place;
    }));
    let cases: Vec<(&str, u32, Build)> = vec![
        ("options", line!(), || built().options(Options::default())),
        ("namespace", line!(), || built().namespace("/a", empty())),
        ("matching", line!(), || built().namespace_matching(|_| true, empty())),
        ("parsed", line!(), || built().namespace_parsed(|_| Some(1), empty())),
        ("late", line!(), || built().namespace_pattern::<u8>("/{a}", empty())),
        ("pattern", line!(), || Server::default().namespace_pattern::<u8>("/{", empty())),
        ("new", line!(), || built().on_new_namespace(|_| {})),
        ("state", line!(), || built().state(1)),
        ("adapter", line!(), || built().adapter(|_| rialto::adapter::Memory::new())),
        ("route", line!(), || Server::default().route("no slash", get(async || ""))),
        ("same", line!(), || twice().route("/a", get(async || ""))),
        ("router", line!(), || twice().router(routes())),
    ];
    for (name, line, case) in cases {
        let caught = catch_unwind(AssertUnwindSafe(|| drop(case())));
        assert!(caught.is_err(), "{name}");
        let place = PLACE.lock().unwrap().take();
        assert_eq!(place, Some((file!().to_owned(), line)), "{name}");
    }
}

fn routes() -> rialto::axum::Router {
    rialto::axum::Router::new().route("/a", get(async || ""))
}

fn twice() -> Server {
    Server::default().router(routes())
}

/// As the raw servers take them.
#[tokio::test]
async fn addresses_in_two_parts() {
    let ip = std::net::IpAddr::from([127, 0, 0, 1]);
    let server = || Server::new(Events::new());
    let bound = [
        server().bind(("127.0.0.1", 0)).await.unwrap(),
        server().bind(("localhost".to_owned(), 0)).await.unwrap(),
        server().bind((ip, 0)).await.unwrap(),
    ];
    assert!(bound.iter().all(|listen| listen.address().ip().is_loopback()));
    let taken = bound[0].address().port();
    for (error, name) in [
        (server().bind(("127.0.0.1", taken)).await.unwrap_err(), "127.0.0.1"),
        (server().bind(("127.0.0.1".to_owned(), taken)).await.unwrap_err(), "127.0.0.1"),
        (server().bind(("no such host", taken)).await.unwrap_err(), "no such host"),
    ] {
        let named = format!("cannot listen on {name}:{taken}: ");
        assert!(error.to_string().starts_with(&named), "{error}");
    }
}

#[tokio::test]
async fn a_handler_that_does_not_end_is_named_when_the_server_stops() {
    let (log, _logging) = Log::here();
    let events = Events::new().on_ack("begin", async |socket, ()| {
        socket.emit("begun", ()).await?;
        std::future::pending::<rialto::Result>().await
    });
    let options = Options::default().drain_timeout(Duration::from_millis(50));
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    assert_eq!(client.ask(1, r#"["begin"]"#).await, r#"2["begun"]"#);
    io.close().await;
    assert_eq!(client.closed().await.0, 1001);
    one(&log.take("WARN"), &["handlers of theirs still run", "left=1"]);
}
