//! Connections that hyper and axum hand over: HTTP/1.1 and HTTP/2 (RFC 8441).
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

#[path = "support/http.rs"]
mod http_support;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt, Empty, Full};
use http_support::{HEAD, PATIENCE, SWITCHING, close_frame, echo, open, rest, round_trip};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rialto_ws::{Connections, Message, Options, Role, Turned, Upgrade, WebSocket};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

type Body = Full<Bytes>;

/// Says whether hyper gave the stream back as it is, then echoes.
async fn tell_and_echo(socket: WebSocket) -> rialto_ws::Result<()> {
    let known = socket.peer_addr().is_some();
    socket.send(if known { "tcp" } else { "box" }).await?;
    echo(socket).await
}

/// A server of hyper for both versions of HTTP.
async fn start(
    answer: impl Fn(Request<Incoming>) -> Response<Body> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let response = answer(request);
                    async move { Ok::<_, Infallible>(response) }
                });
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder.http2().enable_connect_protocol();
                let io = TokioIo::new(stream);
                let _ = builder.serve_connection_with_upgrades(io, service).await;
            });
        }
    });
    address
}

async fn http2(address: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let connecting = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
    let (mut sender, connection) = connecting.await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap();
    // Extended CONNECT is allowed once the server's settings have come.
    let page = Request::get("http://localhost/").body(Empty::new()).unwrap();
    timeout(PATIENCE, sender.send_request(page)).await.unwrap().unwrap();
    sender
}

fn connect(authority: &str, protocol: Option<&'static str>) -> Request<Empty<Bytes>> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .version(Version::HTTP_2)
        .uri(format!("http://{authority}/x?y=1"))
        .header("sec-websocket-version", "13")
        .body(Empty::new())
        .unwrap();
    if let Some(protocol) = protocol {
        request.extensions_mut().insert(Protocol::from_static(protocol));
    }
    request
}

async fn send(
    sender: &mut SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
) -> Response<Incoming> {
    timeout(PATIENCE, sender.send_request(request)).await.expect("an answer in time").unwrap()
}

/// Our client's end over a stream of HTTP/2.
async fn opened(response: Response<Incoming>) -> WebSocket {
    assert_eq!(response.status(), 200);
    for absent in ["sec-websocket-accept", "upgrade", "connection"] {
        assert!(!response.headers().contains_key(absent), "{absent}");
    }
    let stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let request = rialto_ws::Request::default();
    let options = Options::default();
    WebSocket::from_upgraded(stream, Role::Client, Vec::new(), request, &options)
}

async fn received(socket: &mut WebSocket) -> Option<Message> {
    timeout(PATIENCE, socket.recv()).await.expect("a message in time").unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn hyper_gives_the_stream_back_as_it_is() {
    let address = start(|request| Upgrade::new(request).on_upgrade(tell_and_echo)).await;
    let (mut stream, head) = open(address, "Origin: http://localhost:1\r\n").await;
    let head = head.to_lowercase();
    assert!(head.starts_with("http/1.1 101 switching protocols\r\n"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{head}");
    let mut first = [0; 5];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"\x81\x03tcp");
    round_trip(&mut stream).await;
    stream.write_all(&close_frame(1000)).await.unwrap();
    assert_eq!(rest(&mut stream).await, b"\x88\x02\x03\xe8");
}

#[tokio::test]
async fn frames_that_come_with_the_request_are_not_lost() {
    let address = start(|request| Upgrade::new(request).on_upgrade(echo)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = format!("{HEAD}\r\n").into_bytes();
    bytes.extend_from_slice(b"\x81\x82\0\0\0\0hi");
    bytes.extend(close_frame(1000));
    stream.write_all(&bytes).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.ends_with(b"\r\n\r\n\x81\x02hi\x88\x02\x03\xe8"), "{answer:?}");
}

#[tokio::test]
async fn refusals_are_answers_of_http() {
    let options = Arc::new(Options::default());
    let address =
        start(move |request| Upgrade::new(request).options(Arc::clone(&options)).on_upgrade(echo))
            .await;
    let ask = async |head: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{head}connection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        String::from_utf8(rest(&mut stream).await).unwrap()
    };
    let answer = ask("GET / HTTP/1.1\r\nHost: x\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
    assert!(answer.contains("upgrade: websocket\r\n"), "{answer}");
    let answer = ask(&format!("{HEAD}Origin: https://evil.example\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    assert!(answer.ends_with("this origin may not connect\n"), "{answer}");
    let answer = ask(&HEAD.replace("GET", "POST")).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("allow: GET\r\n"), "{answer}");
    let answer = ask(&HEAD.replace("dGhl", "")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_server_with_streams_of_its_own_unwraps_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let wrapped = TokioIo::new(tokio::io::BufReader::new(stream));
        let service = service_fn(async |request| {
            let (response, upgrading) = Upgrade::new(request).answer().unwrap();
            tokio::spawn(async move {
                let taking = upgrading.open_as(|io: TokioIo<tokio::io::BufReader<TcpStream>>| {
                    Ok(io.into_inner().into_inner())
                });
                tell_and_echo(taking.await.unwrap()).await.unwrap();
            });
            Ok::<Response<Body>, Infallible>(response)
        });
        let builder = hyper::server::conn::http1::Builder::new();
        builder.serve_connection(wrapped, service).with_upgrades().await.unwrap();
    });
    let (mut stream, _) = open(address, "").await;
    let mut first = [0; 5];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"\x81\x03tcp");
    round_trip(&mut stream).await;
}

#[tokio::test]
async fn a_server_without_upgrades_says_so_and_a_lost_hand_over_is_told() {
    let (told, tell) = tokio::sync::oneshot::channel();
    let told = parking_lot::Mutex::new(Some(told));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(|request: Request<Incoming>| {
            let told = told.lock().take().unwrap();
            let upgrade = Upgrade::new(request).on_failed_upgrade(|error| {
                told.send(error).unwrap();
            });
            let response: Response<Body> = upgrade.on_upgrade(echo);
            async { Ok::<_, Infallible>(response) }
        });
        let builder = hyper::server::conn::http1::Builder::new();
        // Forgotten: `.with_upgrades()`.
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    });
    let _stream = open(address, "").await;
    let error = timeout(PATIENCE, tell).await.expect("told in time").unwrap();
    assert!(error.is_io(), "{error:?}");

    let bare = Request::get("/").header("host", "x").header("upgrade", "websocket");
    let bare = bare.header("connection", "upgrade").header("sec-websocket-version", "13");
    let bare = bare.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==").body(()).unwrap();
    assert_eq!(Upgrade::new(bare).on_upgrade::<String, _, _, _>(echo).status(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_all_sizes_come_back_over_http2() {
    let address = start(|request| match request.method() {
        &Method::CONNECT => Upgrade::new(request)
            .protocols(["b", "a"])
            .header("x-extra".parse().unwrap(), "1".parse().unwrap())
            .on_upgrade(tell_and_echo),
        _ => Response::new(Body::from("page")),
    })
    .await;
    let mut sender = http2(address).await;
    let mut request = connect("localhost:1", Some("websocket"));
    let headers = request.headers_mut();
    headers.insert("origin", "http://localhost:2".parse().unwrap());
    headers.insert("sec-websocket-protocol", "a, b".parse().unwrap());
    let response = send(&mut sender, request).await;
    assert_eq!(response.headers()["sec-websocket-protocol"], "b");
    assert_eq!(response.headers()["x-extra"], "1");
    let mut socket = opened(response).await;
    assert_eq!(received(&mut socket).await.unwrap().as_text(), Some("box"));
    for size in [0, 1, 125, 126, 16_384, 65_536, 1 << 20, 8 << 20] {
        let payload: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
        socket.send(payload.clone()).await.unwrap();
        assert!(received(&mut socket).await.unwrap() == Message::from(payload), "size {size}");
    }
    // Many small ones in both directions at once, in order. In turns: a DATA frame for each would
    // be an attack to h2, if the server is slow to read them.
    let (writing, mut reading) = socket.split();
    let sending = tokio::spawn(Turned::new(async move {
        for n in 0..20_000u32 {
            writing.send(n.to_string()).await.unwrap();
        }
        writing
    }));
    for n in 0..20_000u32 {
        let message = timeout(PATIENCE, reading.recv()).await.unwrap().unwrap().unwrap();
        assert_eq!(message.as_text(), Some(n.to_string().as_str()));
    }
    drop(sending.await.unwrap());
    let mut socket = reading.into_inner();
    socket.close(4001, "bye").await.unwrap();
    assert_eq!(socket.close_frame().unwrap().code.get(), 4001);
}

#[tokio::test]
async fn many_connections_share_one_of_http2_and_end_by_themselves() {
    let connections = Connections::new(3);
    let counted = connections.clone();
    let address = start(move |request| match request.method() {
        &Method::CONNECT => {
            Upgrade::new(request).connections(&counted).on_upgrade(async |mut socket: WebSocket| {
                let request = socket.request();
                let told = format!("{} {}", request.target(), request.header("host").unwrap());
                socket.send(told).await?;
                while socket.recv().await?.is_some() {}
                Ok::<_, rialto_ws::Error>(())
            })
        }
        _ => Response::new(Body::from("page")),
    })
    .await;
    let mut sender = http2(address).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let response = send(&mut sender, connect("a.example", Some("websocket"))).await;
        sockets.push(opened(response).await);
    }
    for socket in &mut sockets {
        let told = received(socket).await.unwrap();
        assert_eq!(told.as_text(), Some("/x?y=1 a.example"));
    }
    let refused = send(&mut sender, connect("a.example", Some("websocket"))).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "5");
    assert_eq!(text(refused).await, "the server is full\n");

    // One is cut off by its peer, the others hear of the end.
    sockets.pop().unwrap().abort();
    let one_less = async {
        while connections.len() != 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, one_less).await.expect("a cut connection ends");
    let stopping = tokio::spawn(async move { connections.stop(PATIENCE).await });
    for socket in &mut sockets {
        assert_eq!(received(socket).await, None);
        assert_eq!(socket.close_frame().unwrap().code.get(), 1001);
    }
    timeout(PATIENCE, stopping).await.expect("all have ended").unwrap();
}

#[tokio::test]
async fn over_http2_too_each_fault_has_its_answer() {
    let address = start(|request| Upgrade::new(request).on_upgrade(echo)).await;
    let mut sender = http2(address).await;
    let mut foreign = connect("chat.example", Some("websocket"));
    foreign.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    let mut old = connect("chat.example", Some("websocket"));
    old.headers_mut().insert("sec-websocket-version", "8".parse().unwrap());
    let get = Request::get("http://chat.example/").body(Empty::new()).unwrap();
    let cases = [
        (foreign, 403, "this origin may not connect\n"),
        (old, 426, "only version 13 is spoken here\n"),
        (
            connect("chat.example", Some("connect-udp")),
            501,
            "of extended CONNECT, only the protocol websocket is spoken here\n",
        ),
        (get, 426, "this is a WebSocket endpoint\n"),
    ];
    for (request, status, body) in cases {
        let response = send(&mut sender, request).await;
        assert_eq!(response.status(), status, "{body}");
        assert_eq!(text(response).await, body);
    }
    let mut own = connect("chat.example", Some("websocket"));
    own.headers_mut().insert("origin", "https://chat.example".parse().unwrap());
    // The scheme of the request is http here, but the origin's own port decides.
    *own.uri_mut() = "http://chat.example:443/".parse().unwrap();
    drop(opened(send(&mut sender, own).await).await);
}

async fn greet(upgrade: Option<Upgrade>) -> axum::response::Response {
    match upgrade {
        Some(upgrade) => upgrade.protocols(["v1"]).on_upgrade(tell_and_echo),
        None => "a page".into_response(),
    }
}

async fn strict(upgrade: Upgrade) -> axum::response::Response {
    upgrade.on_upgrade(echo)
}

async fn start_axum() -> SocketAddr {
    let router = Router::new().route("/x", any(greet)).route("/strict", get(strict));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

#[tokio::test]
async fn axum_extracts_upgrades_of_both_versions() {
    let address = start_axum().await;
    let (mut stream, head) = open(address, "Sec-WebSocket-Protocol: v0, v1\r\n").await;
    assert_eq!(head.split("\r\n").next(), SWITCHING.split("\r\n").next());
    assert!(head.contains("sec-websocket-protocol: v1\r\n"), "{head}");
    let mut first = [0; 5];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"\x81\x03tcp", "axum's server gives the stream back, too");
    round_trip(&mut stream).await;

    let mut sender = http2(address).await;
    let page = Request::get("http://localhost/x").body(Empty::new()).unwrap();
    assert_eq!(text(send(&mut sender, page).await).await, "a page");
    let mut socket = opened(send(&mut sender, connect("localhost", Some("websocket"))).await).await;
    assert_eq!(received(&mut socket).await.unwrap().as_text(), Some("box"));
    socket.send("hi").await.unwrap();
    assert_eq!(received(&mut socket).await.unwrap().as_text(), Some("hi"));
    socket.close(1000, "").await.unwrap();
}

#[tokio::test]
async fn axum_answers_what_is_no_handshake() {
    let address = start_axum().await;
    let ask = async |head: String| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
        String::from_utf8(rest(&mut stream).await).unwrap()
    };
    let answer = ask("GET /x HTTP/1.1\r\nHost: x\r\n".into()).await;
    assert!(answer.ends_with("a page"), "{answer}");
    let answer = ask("GET /strict HTTP/1.1\r\nHost: x\r\n".into()).await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    let strict = HEAD.replace("/x", "/strict");
    let answer = ask(strict.replace("dGhl", "")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let answer = ask(format!("{strict}Origin: https://evil.example\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[tokio::test]
async fn a_slow_http2_peer_is_waited_for_within_the_budget() {
    let (told, mut tell) = tokio::sync::mpsc::unbounded_channel();
    let address = start(move |request| match request.method() {
        &Method::CONNECT => {
            let told = told.clone();
            Upgrade::new(request).options(Options::default().send_budget(65_536)).on_upgrade(
                move |socket: WebSocket| async move {
                    for n in 0..200u32 {
                        socket.send(vec![0; 16_384]).await?;
                        told.send(n).unwrap();
                    }
                    socket.send("end").await?;
                    Ok::<_, rialto_ws::Error>(())
                },
            )
        }
        _ => Response::new(Body::from("page")),
    })
    .await;
    let mut sender = http2(address).await;
    let mut socket = opened(send(&mut sender, connect("localhost", Some("websocket"))).await).await;
    // Unread, it comes to rest: neither the peer's window nor the queue grows without end.
    let mut sent = 0;
    while let Ok(Some(_)) = timeout(Duration::from_millis(500), tell.recv()).await {
        sent += 1;
    }
    assert!(sent < 200, "it sent all of 3 MiB to a peer that reads nothing");
    for _ in 0..200 {
        assert_eq!(received(&mut socket).await.unwrap().len(), 16_384);
    }
    assert_eq!(received(&mut socket).await.unwrap().as_text(), Some("end"));
}
