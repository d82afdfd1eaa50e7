//! The server over TLS: HTTP/1.1, and HTTP/2 with its WebSockets (RFC 8441).

#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::ext::Protocol;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rialto::axum::http::{Method, Request, Response, Version};
use rialto::ws::{ClientTls, Connect, Message, Role, ServerTls, WebSocket};
use rialto::{Bytes, Cors, Events, Options, Server};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use support::{start, within};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const POLL: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A server that offers HTTP/2, and its certificate.
async fn secure() -> (SocketAddr, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = ServerTls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap().http2();
    let events = Events::new().on_ack("secure", async |socket, ()| {
        let handshake = socket.handshake();
        Ok((handshake.secure(), handshake.header("host").map(str::to_owned)))
    });
    let options = Options::default().cors(Cors::new(["https://app.example"]));
    let (address, _) = start(Server::new(events).options(options).tls(tls)).await;
    (address, made.cert.into())
}

type Sender = SendRequest<Full<Bytes>>;

async fn http2(address: SocketAddr, certificate: CertificateDer<'static>) -> Sender {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let connecting =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = connecting.await.unwrap();
    tokio::spawn(connection);
    // Extended CONNECT is allowed once the server's settings have come.
    let (status, _) = ask(&mut sender, "GET", "/nothing", "").await;
    assert_eq!(status, 404);
    sender
}

fn request(method: &str, target: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .version(Version::HTTP_2)
        .uri(format!("https://localhost{target}"))
        .body(Full::from(body.to_owned()))
        .unwrap()
}

async fn send(sender: &mut Sender, request: Request<Full<Bytes>>) -> Response<Incoming> {
    within(sender.send_request(request)).await.unwrap()
}

async fn ask(sender: &mut Sender, method: &str, target: &str, body: &str) -> (u16, String) {
    let response = send(sender, request(method, target, body)).await;
    let status = response.status().as_u16();
    let body = within(response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn connect(target: &str, protocol: &'static str) -> Request<Full<Bytes>> {
    let mut request = request(Method::CONNECT.as_str(), target, "");
    request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
    request.extensions_mut().insert(Protocol::from_static(protocol));
    request
}

/// Our client's end over a stream of HTTP/2.
async fn opened(response: Response<Incoming>) -> WebSocket {
    assert_eq!(response.status(), 200);
    let stream = TokioIo::new(within(hyper::upgrade::on(response)).await.unwrap());
    let options = rialto::ws::Options::default();
    WebSocket::from_upgraded(stream, Role::Client, Vec::new(), Default::default(), &options)
}

async fn next(socket: &mut WebSocket) -> String {
    loop {
        match within(socket.recv()).await.unwrap().expect("a message") {
            Message::Text(text) if text == "2" => socket.send("3").await.unwrap(),
            message => return message.to_string(),
        }
    }
}

#[tokio::test]
async fn a_websocket_is_a_stream_of_http2() {
    let (address, certificate) = secure().await;
    let mut sender = http2(address, certificate).await;
    for _ in 0..3 {
        let mut socket = opened(send(&mut sender, connect(WEBSOCKET, "websocket")).await).await;
        assert!(next(&mut socket).await.starts_with("0{"));
        socket.send("40").await.unwrap();
        assert!(next(&mut socket).await.starts_with("40{"));
        socket.send("421[\"secure\"]").await.unwrap();
        assert_eq!(next(&mut socket).await, "431[true,\"localhost\"]");
        socket.close(1000, "").await.unwrap();
    }
    let (status, _) = ask(&mut sender, "GET", POLL, "").await;
    assert_eq!(status, 200, "the connection goes on");
}

#[tokio::test]
async fn polling_and_its_upgrade_share_a_connection() {
    let (address, certificate) = secure().await;
    let mut sender = http2(address, certificate).await;
    let (status, open) = ask(&mut sender, "GET", POLL, "").await;
    assert_eq!(status, 200, "{open}");
    let sid = open.split('"').nth(3).unwrap();
    let poll = format!("{POLL}&sid={sid}");
    assert_eq!(ask(&mut sender, "POST", &poll, "40").await, (200, "ok".to_owned()));
    assert!(ask(&mut sender, "GET", &poll, "").await.1.starts_with("40{"));
    let probe = connect(&format!("{WEBSOCKET}&sid={sid}"), "websocket");
    let mut socket = opened(send(&mut sender, probe).await).await;
    socket.send("2probe").await.unwrap();
    assert_eq!(next(&mut socket).await, "3probe");
    socket.send("5").await.unwrap();
    socket.send("421[\"secure\"]").await.unwrap();
    assert_eq!(next(&mut socket).await, "431[true,\"localhost\"]");
}

#[tokio::test]
async fn what_is_refused_over_http1_is_refused_over_http2() {
    let (address, certificate) = secure().await;
    let mut sender = http2(address, certificate).await;
    let foreign = |mut request: Request<Full<Bytes>>, origin: &str| {
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    for (request, status) in [
        (connect(WEBSOCKET, "other"), 501),
        (connect(POLL, "websocket"), 400),
        (connect(&format!("{WEBSOCKET}&sid=nothing"), "websocket"), 400),
        (request("GET", WEBSOCKET, ""), 400),
        (foreign(connect(WEBSOCKET, "websocket"), "https://evil.example"), 403),
        (foreign(request("GET", POLL, ""), "https://evil.example"), 403),
        // Its own origin is what `:authority` says.
        (foreign(request("GET", POLL, ""), "https://localhost"), 200),
        (foreign(request("GET", POLL, ""), "https://app.example"), 200),
        (foreign(connect(WEBSOCKET, "websocket"), "https://app.example"), 200),
    ] {
        let what = format!("{request:?}");
        assert_eq!(send(&mut sender, request).await.status(), status, "{what}");
    }
}

#[tokio::test]
async fn clients_of_http1_are_served_on_the_same_port() {
    let (address, certificate) = secure().await;
    let tls =
        ClientTls::builder().root_der(certificate.to_vec()).platform_roots(false).build().unwrap();
    let url = format!("wss://localhost:{}{WEBSOCKET}", address.port());
    let mut socket = within(Connect::new(&url).tls(tls).connect()).await.unwrap();
    assert!(next(&mut socket).await.starts_with("0{"));
    socket.send("40").await.unwrap();
    assert!(next(&mut socket).await.starts_with("40{"));
    socket.send("421[\"secure\"]").await.unwrap();
    let host = format!("431[true,\"localhost:{}\"]", address.port());
    assert_eq!(next(&mut socket).await, host);
}

#[tokio::test]
async fn who_speaks_no_tls_is_cut_and_disturbs_nobody() {
    let (address, certificate) = secure().await;
    let answer = support::exchange(address, "GET", POLL, "", "").await;
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    let mut sender = http2(address, certificate).await;
    assert_eq!(ask(&mut sender, "GET", POLL, "").await.0, 200);
}
