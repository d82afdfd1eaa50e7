//! The examples that speak WebSocket without Socket.IO.

use crate::program::Program;
use crate::within;
use httpdate::parse_http_date;
use rialto_ws::{CloseCode, Connect, Message, Options, WebSocket};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
