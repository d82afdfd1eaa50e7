//! The examples that speak WebSocket without Socket.IO.

use crate::program::Program;
use crate::within;
use httpdate::parse_http_date;
use rialto_ws::{CloseCode, Connect, Message, Options, WebSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

#[tokio::test]
async fn echo_returns_what_it_gets_and_sends_the_time() {
    let program = Program::serve("echo").await;
    let mut socket = connect(program.port(), "/echo").await;
    assert_is_now(&receive(&mut socket).await);
    let first = Instant::now();
    let sent = [Message::from("hello"), Message::from(&[0, 159, 255])];
    for message in sent.clone() {
        socket.send(message).await.unwrap();
    }
    let (mut returned, mut times) = (Vec::new(), 0);
    while returned.len() < sent.len() || times == 0 {
        let message = receive(&mut socket).await;
        if message.as_text().is_some_and(|text| text.ends_with("GMT")) {
            assert_is_now(&message);
            times += 1;
        } else {
            returned.push(message);
        }
    }
    assert_eq!(returned, sent);
    // Little under the interval, for the first message took its time to arrive.
    assert!(first.elapsed() > Duration::from_secs(2), "the time came too early");
    within("closing", socket.close(1000, "done")).await.unwrap();
    assert_eq!(socket.close_frame().map(|frame| frame.code), Some(CloseCode::NORMAL));
}

#[tokio::test]
async fn the_clock_without_socketio_sends_the_time_every_five_seconds() {
    let program = Program::serve("ws_clock").await;
    let mut socket = connect(program.port(), "/").await;
    assert_is_now(&receive(&mut socket).await);
    let first = Instant::now();
    socket.send("is anybody there?").await.unwrap();
    assert_is_now(&receive(&mut socket).await);
    assert!(first.elapsed() > Duration::from_secs(4), "{:?}", first.elapsed());
}

#[tokio::test]
async fn a_route_of_axum_echoes_and_agrees_on_a_subprotocol() {
    let program = Program::serve("ws_axum").await;
    let url = format!("ws://127.0.0.1:{}/echo", program.port());
    let options = Options::default().protocols(["v1"]);
    let connecting = Connect::new(url).options(options).connect();
    let mut socket = within("connecting", connecting).await.unwrap();
    assert_eq!(socket.protocol(), Some("v1"));
    socket.send("hello").await.unwrap();
    assert_eq!(receive(&mut socket).await.as_text(), Some("hello"));
}

#[tokio::test]
async fn the_server_over_tls_says_so_to_whoever_speaks_plainly() {
    let program = Program::serve("ws_tls").await;
    let mut stream = TcpStream::connect(("127.0.0.1", program.port())).await.unwrap();
    stream.write_all(b"GET /chat HTTP/1.1\r\n\r\n").await.unwrap();
    let first = within("an answer", stream.read_u8()).await.unwrap();
    assert_eq!(first, 21, "a TLS alert");
}

#[tokio::test]
async fn the_client_says_hello_prints_what_it_hears_and_ends_with_its_server() {
    let server = Program::serve("echo").await;
    let mut client = Program::run("ws_client", server.port());
    let mut heard = [client.line().await, client.line().await];
    heard.sort();
    assert!(heard[0].ends_with("GMT"), "{heard:?}");
    assert_eq!(heard[1], "hello");
    drop(server);
    assert!(!client.ended().await.success(), "a cut connection is an error");
}

#[tokio::test]
async fn the_client_that_comes_back_does() {
    let server = Program::serve("echo").await;
    let port = server.port();
    let mut client = Program::run("ws_reconnect", port);
    assert_eq!(client.line().await, "connected");
    client.line_that(|line| line == "hello").await;
    drop(server);
    client.line_that(|line| line == "lost, connecting again").await;
    let _server = Program::run("echo", port);
    assert_eq!(client.line().await, "connected");
    client.line_that(|line| line == "hello").await;
}

#[tokio::test]
async fn the_client_by_tls_trusts_the_authority_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let port = secure_server(&file).await;
    let url = format!("wss://localhost:{port}/");
    let mut client = Program::run_with("ws_secure", port, &[&url, file.to_str().unwrap()]);
    assert_eq!(client.line().await, "hello");
    assert!(client.ended().await.success());
    let mut stranger = Program::run_with("ws_secure", port, &[&url]);
    assert!(!stranger.ended().await.success(), "nobody has told it whom to trust");
}

/// Answers one message by TLS, then closes; writes its certificate, which has signed itself.
async fn secure_server(file: &Path) -> u16 {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let mut socket = rialto_ws::accept(stream).await.unwrap();
            let message = socket.recv().await.unwrap().unwrap();
            socket.send(message).await.unwrap();
            socket.close(1000, "").await.unwrap();
        }
    });
    port
}

/// Fails unless the message is a date of the last ten seconds.
fn assert_is_now(message: &Message) {
    let date = parse_http_date(message.as_text().expect("a date is text")).unwrap();
    let age = SystemTime::now().duration_since(date).unwrap();
    assert!(age < Duration::from_secs(10), "{message} is {age:?} old");
}

async fn connect(port: u16, path: &str) -> WebSocket {
    let url = format!("ws://127.0.0.1:{port}{path}");
    within("connecting", rialto_ws::connect(&url)).await.unwrap()
}

async fn receive(socket: &mut WebSocket) -> Message {
    within("a message", socket.recv()).await.unwrap().expect("the server has closed")
}
