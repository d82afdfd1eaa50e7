//! The options that concern HTTP: admission, header hooks, layers, compression, CORS, cookies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::axum::extract::{ConnectInfo, Request};
use rialto::axum::http::{HeaderValue, Method, StatusCode, header};
use rialto::axum::middleware::{Next, from_fn};
use rialto::axum::response::{IntoResponse, Response};
use rialto::ws;
use rialto::{Cookie, Cors, Denied, EngineSocket, Events, Handshake, HttpCompression};
use rialto::{Options, ServeClient, Server};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Client, Poller, exchange, start, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const POLL: &str = "/socket.io/?EIO=4&transport=polling";

/// The lines of a WebSocket handshake.
const UPGRADE: &str = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The answer to a WebSocket handshake that is refused, so that the connection ends.
async fn refused_upgrade(address: SocketAddr, query: &str) -> String {
    let target = format!("/socket.io/?EIO=4&transport=websocket{query}");
    // `exchange` says `Connection: close`; the handshake needs the other token beside it.
    exchange(address, "GET", &target, &format!("Connection: Upgrade\r\n{UPGRADE}"), "").await
}

fn header_lines<'a>(answer: &'a str, name: &'a str) -> Vec<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

#[tokio::test]
async fn admission_may_take_its_time_and_say_why_not() {
    let options = Options::default().allow_request_async(async |handshake: Handshake| {
        tokio::time::sleep(Duration::from_millis(10)).await;
        match handshake.query("ticket").as_deref() {
            Some("good") => Ok(()),
            Some("old") => Err(Denied::new("too old")
                .status(StatusCode::UNAUTHORIZED)
                .code(40)
                .data(&("renew", true))),
            _ => Err("no ticket".into()),
        }
    });
    let (address, _) = start(Server::default().options(options)).await;
    let answer = exchange(address, "GET", POLL, "", "").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.ends_with(r#"{"code":4,"message":"no ticket"}"#), "{answer}");
    let answer = exchange(address, "GET", &format!("{POLL}&ticket=old"), "", "").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let body = r#"{"code":40,"message":"too old","data":["renew",true]}"#;
    assert!(answer.ends_with(body), "{answer}");
    let answer = exchange(address, "GET", &format!("{POLL}&ticket=good"), "", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A refused upgrade is answered in the bare words, 403 as 400.
    let answer = refused_upgrade(address, "").await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("\r\nno ticket"), "{answer}");
    let answer = refused_upgrade(address, "&ticket=old").await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.ends_with("\r\ntoo old"), "{answer}");
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket&ticket=good");
    assert!(within(ws::connect(&url)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn admission_that_never_ends_is_a_refusal() {
    let options = Options::default()
        .connect_timeout(Duration::from_secs(5))
        .allow_request_async(async |_| std::future::pending::<Result<(), Denied>>().await);
    let (address, _) = start(Server::default().options(options)).await;
    let answer = exchange(address, "GET", POLL, "", "").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("admission took too long"), "{answer}");
}

#[tokio::test]
async fn hooks_add_fields_to_first_and_later_answers() {
    let options = Options::default()
        .cookie(Cookie::new("sid"))
        .initial_headers(|headers, request| {
            let mark = request.headers.get("x-mark").cloned();
            headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1; Max-Age=60"));
            headers.append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
            headers.insert("x-mark", mark.unwrap_or(HeaderValue::from_static("none")));
        })
        .headers(|headers, request| {
            let method = request.method.as_str().parse().unwrap();
            headers.insert("x-method", method);
        });
    let (address, _) = start(Server::default().options(options)).await;
    let first = exchange(address, "GET", POLL, "X-Mark: 7\r\n", "").await;
    let cookies = header_lines(&first, "set-cookie");
    assert!(cookies[0].starts_with("sid="), "{cookies:?}");
    assert_eq!(cookies[1..], ["a=1; Max-Age=60", "b=2"]);
    assert_eq!(header_lines(&first, "x-mark"), ["7"]);
    assert_eq!(header_lines(&first, "x-method"), ["GET"]);

    let mut poller = Poller::join(address).await;
    let post = exchange(address, "POST", &poller.target, "X-Mark: 7\r\n", "42[\"x\"]").await;
    assert_eq!(header_lines(&post, "x-method"), ["POST"]);
    assert!(header_lines(&post, "x-mark").is_empty() && !post.contains("set-cookie"), "{post}");
    poller.post("40/nothing,").await;
    let poll = exchange(address, "GET", &poller.target, "", "").await;
    assert_eq!(header_lines(&poll, "x-method"), ["GET"], "{poll}");

    let refused = exchange(address, "GET", "/socket.io/?EIO=4", "", "").await;
    assert!(header_lines(&refused, "x-method").is_empty(), "{refused}");
    let switched = switched(address).await;
    assert!(switched.starts_with("HTTP/1.1 101 "), "{switched}");
    assert_eq!(header_lines(&switched, "x-mark"), ["none"]);
    assert_eq!(header_lines(&switched, "x-method"), ["GET"]);
    assert_eq!(header_lines(&switched, "set-cookie"), ["a=1; Max-Age=60", "b=2"]);
}

/// The head of the answer to a WebSocket handshake.
async fn switched(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {address}\r\n\
         Connection: Upgrade\r\n{UPGRADE}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(within(stream.read_buf(&mut answer)).await.unwrap(), 0, "the connection ended");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// What a layer has seen.
#[derive(Clone, Default)]
struct Seen(Arc<AtomicUsize>);

async fn gate(seen: Seen, request: Request, next: Next) -> Response {
    seen.0.fetch_add(1, Ordering::Relaxed);
    assert!(request.extensions().get::<ConnectInfo<SocketAddr>>().is_some(), "who asks");
    if request.uri().query().unwrap_or_default().contains("stop=1") {
        return (StatusCode::TOO_MANY_REQUESTS, "later").into_response();
    }
    let mut reply = next.run(request).await;
    reply.headers_mut().insert("x-gate", HeaderValue::from_static("passed"));
    reply
}

#[tokio::test]
async fn layers_see_every_transport_and_may_answer_themselves() {
    let (seen, inner) = (Seen::default(), Seen::default());
    let (outer, below) = (seen.clone(), inner.clone());
    let server = Server::new(Events::new())
        .options(Options::default().cors(Cors::new(["https://a.example"])))
        .engine("/engine.io", async |socket: EngineSocket| {
            while socket.recv().await.is_some() {}
            Ok(())
        })
        .engine_layer(from_fn(move |request, next| gate(outer.clone(), request, next)))
        .engine_layer(from_fn(move |request: Request, next: Next| {
            below.0.fetch_add(1, Ordering::Relaxed);
            next.run(request)
        }));
    let (address, _) = start(server).await;
    let count = || (seen.0.load(Ordering::Relaxed), inner.0.load(Ordering::Relaxed));

    let poll = exchange(address, "GET", POLL, "Origin: https://a.example\r\n", "").await;
    assert!(poll.starts_with("HTTP/1.1 200 ") && poll.contains("x-gate: passed"), "{poll}");
    assert_eq!(count(), (1, 1));
    let stopped = format!("{POLL}&stop=1");
    let answer = exchange(address, "GET", &stopped, "Origin: https://a.example\r\n", "").await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.ends_with("later"), "{answer}");
    assert_eq!(header_lines(&answer, "access-control-allow-origin"), ["https://a.example"]);
    assert_eq!(count(), (2, 1));
    let answer = refused_upgrade(address, "&stop=1").await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    assert_eq!(count(), (3, 1));

    let mut client = Client::join(address).await;
    assert_eq!(count(), (4, 2));
    client.send("2[\"x\"]").await;
    let answer = exchange(address, "GET", "/engine.io/?EIO=4&transport=polling", "", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(count(), (5, 3));
    // What is no request of the engine passes them by.
    for target in ["/socket.io/socket.io.js", "/nothing"] {
        exchange(address, "GET", target, "", "").await;
    }
    let preflight = exchange(address, "OPTIONS", POLL, "Origin: https://a.example\r\n", "").await;
    assert!(preflight.starts_with("HTTP/1.1 204 "), "{preflight}");
    assert_eq!(count(), (5, 3));
}

#[tokio::test]
async fn an_upgrade_passes_through_layers() {
    let layer = from_fn(|request: Request, next: Next| next.run(request));
    let (address, _) = start(Server::default().engine_layer(layer)).await;
    let poller = Poller::join(address).await;
    let mut socket = poller.websocket().await;
    socket.send("2probe").await.unwrap();
    assert_eq!(within(socket.recv()).await.unwrap().unwrap(), "3probe".into());
}

#[tokio::test]
async fn answers_are_compressed_from_the_threshold_on() {
    let events = || Events::new().on_ack("text", async |_, length: usize| Ok("x".repeat(length)));
    let ask = async |options: Options, length: usize, accept: &str| {
        let (address, _) = start(Server::new(events()).options(options)).await;
        let mut poller = Poller::join(address).await;
        poller.post(&format!("421[\"text\",{length}]")).await;
        let accept = format!("Accept-Encoding: {accept}\r\n");
        exchange(address, "GET", &poller.target, &accept, "").await
    };
    // `431["…"]` adds 7 bytes.
    let short = ask(Options::default(), 1016, "gzip").await;
    assert!(short.ends_with(&format!("431[\"{}\"]", "x".repeat(1016))), "{short}");
    for (accept, expected) in [("gzip, deflate", "gzip"), ("deflate", "deflate")] {
        let long = ask(Options::default(), 1017, accept).await;
        assert_eq!(header_lines(&long, "content-encoding"), [expected]);
        assert!(header_lines(&long, "content-length")[0].parse::<usize>().unwrap() < 100);
    }
    let plain = ask(Options::default(), 5000, "identity").await;
    assert!(plain.contains("xxx") && header_lines(&plain, "content-encoding").is_empty());
    let off = ask(Options::default().http_compression(false), 5000, "gzip").await;
    assert!(off.contains("xxx") && header_lines(&off, "content-encoding").is_empty());
    let eager = HttpCompression::default().threshold(1);
    let eager = ask(Options::default().http_compression(eager), 1, "gzip").await;
    assert_eq!(header_lines(&eager, "content-encoding"), ["gzip"]);
}

#[tokio::test]
async fn bundles_are_compressed_and_known_again() {
    let (address, _) = start(Server::default()).await;
    let get = async |lines: &str| {
        exchange(address, "GET", "/socket.io/socket.io.min.js", lines, "").await
    };
    let plain = get("").await;
    let small = get("Accept-Encoding: gzip\r\n").await;
    assert_eq!(header_lines(&small, "content-encoding"), ["gzip"]);
    assert_eq!(header_lines(&small, "vary"), ["Accept-Encoding"]);
    assert_eq!(header_lines(&plain, "vary"), ["Accept-Encoding"]);
    let length = |answer| header_lines(answer, "content-length")[0].parse::<usize>().unwrap();
    assert!(length(&small) * 2 < length(&plain));
    let tag = header_lines(&small, "etag")[0].to_owned();
    assert_eq!(tag, format!("W/{}", header_lines(&plain, "etag")[0]));
    let again = get(&format!("Accept-Encoding: gzip\r\nIf-None-Match: {tag}\r\n")).await;
    assert!(again.starts_with("HTTP/1.1 304 "), "{again}");
    let head =
        exchange(address, "HEAD", "/socket.io/socket.io.min.js", "Accept-Encoding: gzip\r\n", "");
    assert_eq!(length(&head.await), length(&small));
}

const BUNDLES: [&str; 4] =
    ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

#[tokio::test]
async fn every_bundle_and_its_map_is_served_from_our_own_or_a_folder() {
    let folder = std::env::temp_dir().join(format!("rialto-bundles-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(BUNDLES[3]), "// of the folder").unwrap();
    let elsewhere = Options::default().serve_client(ServeClient::Folder(folder.clone()));
    let off = Options::default().serve_client(ServeClient::Off);
    let (own, _) = start(Server::default()).await;
    let (elsewhere, _) = start(Server::default().options(elsewhere)).await;
    let (off, _) = start(Server::default().options(off)).await;
    for name in BUNDLES {
        let script = exchange(own, "GET", &format!("/socket.io/{name}"), "", "").await;
        assert!(script.starts_with("HTTP/1.1 200 "), "{name}");
        let kind = ["application/javascript; charset=utf-8"];
        assert_eq!(header_lines(&script, "content-type"), kind);
        assert!(script.ends_with(&format!("//# sourceMappingURL={name}.map\n")), "{name}");
        let map = exchange(own, "GET", &format!("/socket.io/{name}.map"), "", "").await;
        assert!(map.starts_with("HTTP/1.1 200 ") && map.contains("\r\n\r\n{"), "{name}.map");
        assert_eq!(header_lines(&map, "content-type"), ["application/json; charset=utf-8"]);
        let given = exchange(elsewhere, "GET", &format!("/socket.io/{name}"), "", "").await;
        assert_eq!(given.ends_with("// of the folder"), name == BUNDLES[3], "{name}");
        let none = exchange(off, "GET", &format!("/socket.io/{name}"), "", "").await;
        assert!(!none.starts_with("HTTP/1.1 200 "), "{name}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn preflight_answers_say_what_the_options_say() {
    let cors = Cors::matching(|origin| origin.ends_with(".example"))
        .methods(["GET", "POST"])
        .allowed_headers(["x-a", "x-b"])
        .exposed_headers(["x-c"])
        .max_age(Duration::from_secs(600))
        .success_status(StatusCode::OK);
    let (address, _) = start(Server::default().options(Options::default().cors(cors))).await;
    let lines = "Origin: https://a.example\r\nAccess-Control-Request-Headers: x-z\r\n";
    let answer = exchange(address, "OPTIONS", POLL, lines, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for (name, value) in [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-methods", "GET,POST"),
        ("access-control-allow-headers", "x-a,x-b"),
        ("access-control-expose-headers", "x-c"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(header_lines(&answer, name), [value], "{name}");
    }
    let answer = exchange(address, "GET", POLL, "Origin: https://a.test\r\n", "").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn preflight_requests_may_be_left_to_layers() {
    let layer = from_fn(async |request: Request, next: Next| match *request.method() {
        Method::OPTIONS => (StatusCode::IM_A_TEAPOT, "mine").into_response(),
        _ => next.run(request).await,
    });
    let cors = Cors::new(["*"]).preflight_continue(true);
    let server = Server::default().options(Options::default().cors(cors)).engine_layer(layer);
    let (address, _) = start(server).await;
    let answer = exchange(address, "OPTIONS", POLL, "Origin: https://a.example\r\n", "").await;
    assert!(answer.starts_with("HTTP/1.1 418 ") && answer.ends_with("mine"), "{answer}");
    assert_eq!(header_lines(&answer, "access-control-allow-origin"), ["*"]);
}

#[tokio::test]
async fn the_path_is_served_with_and_without_its_slash_and_nowhere_else() {
    for path in ["/live/v2", "live/v2/"] {
        let options = Options::default().path(path);
        let (address, _) = start(Server::default().options(options)).await;
        for (target, status) in [
            ("/live/v2?EIO=4&transport=polling", "200"),
            ("/live/v2/?EIO=4&transport=polling", "200"),
            ("/live/v2/socket.io.js", "200"),
            ("/live/v20/?EIO=4&transport=polling", "404"),
            ("/socket.io/?EIO=4&transport=polling", "404"),
        ] {
            let answer = exchange(address, "GET", target, "", "").await;
            assert_eq!(answer.split(' ').nth(1), Some(status), "{target}");
        }
    }
}

#[tokio::test]
async fn a_cookie_that_cannot_be_sent_is_found_before_the_start() {
    let options = Options::default().cookie(Cookie::new("not a name"));
    let error = Server::default().options(options).bind("127.0.0.1:0").await.unwrap_err();
    assert!(error.to_string().contains("\"not a name\""), "{error}");
}

/// Pages that the list does not name are asked about, whatever the request and its transport.
#[tokio::test]
async fn origins_may_be_decided_by_a_function_that_takes_its_time() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let cors = Cors::new(["https://listed.example"]).credentials(true).decide(
        move |request: Handshake| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                match request.header("origin") {
                    Some("https://silent.example") => std::future::pending().await,
                    Some("https://known.example") => request.query("tenant").is_some(),
                    _ => false,
                }
            }
        },
    );
    let options = Options::default().cors(cors).connect_timeout(Duration::from_millis(100));
    // The decision has to reach the engine through its layers.
    let layer = from_fn(async |request: Request, next: Next| next.run(request).await);
    let (address, _) = start(Server::default().options(options).engine_layer(layer)).await;
    let poll = format!("{POLL}&tenant=1");
    let bundle = "/socket.io/socket.io.js?tenant=1";
    for (origin, method, target, status, named, questions) in [
        ("https://listed.example", "GET", &*poll, 200, true, 0),
        ("https://known.example", "GET", &*poll, 200, true, 1),
        ("https://known.example", "OPTIONS", &*poll, 204, true, 1),
        ("https://known.example", "GET", bundle, 200, true, 1),
        ("https://known.example", "GET", POLL, 403, false, 1),
        ("https://other.example", "GET", &*poll, 403, false, 1),
        ("https://other.example", "OPTIONS", &*poll, 204, false, 1),
        ("https://other.example", "GET", bundle, 200, false, 1),
        ("https://silent.example", "GET", &*poll, 403, false, 1),
    ] {
        let before = asked.load(Ordering::Relaxed);
        let answer = exchange(address, method, target, &format!("Origin: {origin}\r\n"), "").await;
        let case = format!("{method} {target} of {origin}: {answer}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{case}");
        let allowed = header_lines(&answer, "access-control-allow-origin");
        assert_eq!(allowed, if named { vec![origin] } else { vec![] }, "{case}");
        assert!(header_lines(&answer, "vary").contains(&"Origin"), "{case}");
        assert_eq!(asked.load(Ordering::Relaxed) - before, questions, "{case}");
    }
    let target = format!("ws://{address}/socket.io/?EIO=4&transport=websocket&tenant=1");
    for (origin, let_in) in [("https://known.example", true), ("https://other.example", false)] {
        let connect = ws::Connect::new(&target).header("origin", origin).connect();
        assert_eq!(within(connect).await.is_ok(), let_in, "{origin}");
    }
}
