//! `serve`: several listeners, guard, caps, deadlines, and the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

#[path = "support/http.rs"]
mod http_support;

use http::{HeaderValue, StatusCode, header};
use http_support::{HEAD, PATIENCE, SWITCHING, close_frame, echo, open, rest, round_trip, shake};
use rialto_ws::{Connections, Endpoint, Handshake, Options, Refusal, Serve, WebSocket, serve};
use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

type Running = Pin<Box<dyn Future<Output = rialto_ws::Result<()>> + Send>>;

/// Binds and starts a server.
async fn start<H>(mut server: Serve<H>) -> SocketAddr
where
    Serve<H>: IntoFuture<Output = rialto_ws::Result<()>, IntoFuture = Running>,
{
    let address = server.bind().await.unwrap()[0];
    tokio::spawn(server.into_future());
    address
}

/// A server that can be stopped, and its end.
async fn stoppable<H>(server: Serve<H>) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>)
where
    Serve<H>: IntoFuture<Output = rialto_ws::Result<()>, IntoFuture = Running>,
{
    let (stop, stopped) = oneshot::channel();
    let mut server = server.with_graceful_shutdown(async { drop(stopped.await) });
    let address = server.bind().await.unwrap()[0];
    let running = server.into_future();
    let ended = tokio::spawn(async { running.await.unwrap() });
    (address, stop, ended)
}

async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    timeout(PATIENCE, waiting).await.expect("an end in time")
}

/// The answer to a handshake that is refused: head and body.
async fn refused(address: SocketAddr) -> String {
    let (mut stream, head) = open(address, "").await;
    head + &String::from_utf8(rest(&mut stream).await).unwrap()
}

#[tokio::test]
async fn every_endpoint_serves() {
    let folder = std::env::temp_dir().join(format!("rialto-serve-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("chat.sock");
    // A file that a server has left behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut server = serve(("127.0.0.1", 0), echo)
        .listen("localhost:0")
        .listen(own)
        .listen(Endpoint::from(SocketAddr::from(([127, 0, 0, 1], 0))).backlog(16))
        .listen(format!("unix:{}", path.display()))
        .with_graceful_shutdown(async { drop(stopped.await) });
    let addresses = server.bind().await.unwrap();
    assert_eq!(addresses.len(), 4);
    let second = serve(Endpoint::unix(&path), echo).bind().await;
    let message = format!("{:?}", second.unwrap_err());
    assert!(message.contains("chat.sock"), "a socket in use is left alone: {message}");
    let ended = tokio::spawn(server.into_future());
    for address in addresses {
        round_trip(&mut open(address, "").await.0).await;
    }
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    assert!(shake(&mut stream, "").await.starts_with(SWITCHING));
    round_trip(&mut stream).await;
    drop(stream);
    stop.send(()).unwrap();
    in_time(ended).await.unwrap().unwrap();
    assert!(!path.exists(), "the socket's file is taken away");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_port_can_be_shared_when_that_is_asked_for() {
    let first = Endpoint::from("127.0.0.1:0").reuse_port(true);
    let mut first = serve(first, echo);
    let address = first.bind().await.unwrap()[0];
    serve(Endpoint::from(address).reuse_port(true), echo).bind().await.unwrap();
    let error = serve(address, echo).bind().await.unwrap_err();
    assert!(error.is_io());
    assert!(format!("{error:?}").contains(&address.to_string()), "{error:?}");
}

/// So nobody has to ask for it connection by connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_inherit_that_nothing_is_delayed() {
    let given = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for endpoint in [Endpoint::from("127.0.0.1:0"), Endpoint::from(given)] {
        let listener = endpoint.bind_tcp().await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert!(stream.nodelay().unwrap());
    }
}

#[tokio::test]
async fn a_guard_chooses_by_path_and_leaves_word_for_the_handler() {
    #[derive(Clone)]
    struct User(&'static str);

    async fn guard(mut handshake: Handshake) -> Result<Handshake, Refusal> {
        assert!(handshake.peer_addr().unwrap().ip().is_loopback());
        if handshake.request().header("cookie").is_none() {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "log in first")
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        assert_eq!(handshake.offered().collect::<Vec<_>>(), ["b", "a", "c"]);
        handshake.extensions_mut().insert(User("eve"));
        let cookie = HeaderValue::from_static("seen=1");
        let small = Options::default().max_message(10);
        Ok(handshake.protocols(["a", "b"]).header(header::SET_COOKIE, cookie).options(small))
    }
    async fn handler(mut socket: WebSocket) -> rialto_ws::Result<()> {
        assert!(socket.peer_addr().unwrap().ip().is_loopback());
        socket.send(socket.extensions().get::<User>().unwrap().0).await?;
        socket.recv().await?;
        Ok(())
    }

    let address = start(serve("127.0.0.1:0", handler).guard(guard)).await;
    let expected = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\
        Content-Type: text/plain; charset=utf-8\r\nwww-authenticate: Bearer\r\n\
        Content-Length: 13\r\n\r\nlog in first\n";
    assert_eq!(refused(address).await, expected);
    let extra = "Cookie: x\r\nSec-WebSocket-Protocol: b, a\r\nSec-WebSocket-Protocol: c\r\n";
    let (mut stream, head) = open(address, extra).await;
    let rest_of_head = head.strip_prefix(SWITCHING).unwrap();
    assert_eq!(rest_of_head, "Sec-WebSocket-Protocol: a\r\nset-cookie: seen=1\r\n\r\n");
    stream.write_all(b"\x82\x8b\0\0\0\x0001234567890").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with(b"\x81\x03eve\x88"), "{answer:?}");
    assert_eq!(&answer[7..9], &1009u16.to_be_bytes(), "the path's own limit holds");
}

#[tokio::test]
async fn a_guard_that_takes_too_long_is_answered_for() {
    let options = Options::default().handshake_timeout(Duration::from_millis(200));
    let server = serve("127.0.0.1:0", echo).options(options).guard(async |_| {
        std::future::pending::<()>().await;
        unreachable!()
    });
    let answer = refused(start(server).await).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
}

#[tokio::test]
async fn a_full_server_says_when_to_come_again() {
    let address = start(serve("127.0.0.1:0", echo).max_connections(1)).await;
    let (mut first, _) = open(address, "").await;
    round_trip(&mut first).await;
    let expected = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\
        Content-Type: text/plain; charset=utf-8\r\nretry-after: 5\r\nContent-Length: 19\r\n\r\n\
        the server is full\n";
    assert_eq!(refused(address).await, expected);
    round_trip(&mut first).await;
    first.write_all(&close_frame(1000)).await.unwrap();
    assert_eq!(rest(&mut first).await, b"\x88\x02\x03\xe8");
    drop(first);
    let freed = async { while !open(address, "").await.1.starts_with(SWITCHING) {} };
    in_time(freed).await;
}

#[tokio::test]
async fn an_address_has_its_share_and_no_more() {
    let address = start(serve("127.0.0.1:0", echo).max_per_address(2)).await;
    let (mut one, _) = open(address, "").await;
    let (mut two, _) = open(address, "").await;
    round_trip(&mut one).await;
    round_trip(&mut two).await;
    let answer = refused(address).await;
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{answer}");
    assert!(answer.contains("retry-after: 10\r\n"), "{answer}");
    // Silent ones are cut once as many are being refused.
    let mut silent: Vec<_> = Vec::new();
    for _ in 0..4 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let cut = async {
        let mut byte = [0];
        let [_, _, third, fourth] = &mut silent[..] else { panic!() };
        assert!(matches!(third.read(&mut byte).await, Ok(0) | Err(_)));
        assert!(matches!(fourth.read(&mut byte).await, Ok(0) | Err(_)));
    };
    in_time(cut).await;
    // The other loopback addresses are other addresses.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(address).await.unwrap();
    assert!(shake(&mut other, "").await.starts_with(SWITCHING));
}

#[tokio::test]
async fn handshakes_wait_for_a_slot_and_silent_ones_give_theirs_up() {
    let options = Options::default().handshake_timeout(Duration::from_millis(300));
    let server = serve("127.0.0.1:0", echo).options(options).max_handshakes(1);
    let address = start(server).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let (mut stream, head) = open(address, "").await;
    assert!(head.starts_with(SWITCHING), "{head}");
    round_trip(&mut stream).await;
    assert_eq!(rest(&mut silent).await, b"", "nothing was said, nothing is answered");
}

#[tokio::test]
async fn a_request_that_trickles_is_answered_by_408() {
    let options = Options::default().handshake_timeout(Duration::from_millis(300));
    let address = start(serve("127.0.0.1:0", echo).options(options)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let trickle = async {
        for byte in HEAD.bytes() {
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let began = Instant::now();
    let (answer, ()) = tokio::join!(rest(&mut reading), trickle);
    assert!(answer.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"), "{answer:?}");
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye_and_waits_for_handlers() {
    let done = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&done);
    let server = serve("127.0.0.1:0", move |mut socket: WebSocket| {
        let done = Arc::clone(&counting);
        async move {
            while let Some(message) = socket.recv().await? {
                socket.send(message).await?;
            }
            // Work after the connection is part of the handler.
            tokio::time::sleep(Duration::from_millis(100)).await;
            done.fetch_add(1, Ordering::SeqCst);
            Ok::<_, rialto_ws::Error>(())
        }
    });
    // Neither of these is what ends the silent one.
    let patient = Options::default().handshake_timeout(PATIENCE * 3);
    let server = server.options(patient).drain_timeout(PATIENCE * 3);
    let (address, stop, ended) = stoppable(server).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut open_ones = Vec::new();
    for _ in 0..10 {
        let (mut stream, _) = open(address, "").await;
        round_trip(&mut stream).await;
        open_ones.push(stream);
    }
    stop.send(()).unwrap();
    for stream in &mut open_ones {
        let mut frame = [0; 26];
        in_time(stream.read_exact(&mut frame)).await.unwrap();
        assert_eq!(&frame, b"\x88\x18\x03\xe9the server is stopping");
        stream.write_all(&close_frame(1001)).await.unwrap();
        assert_eq!(rest(stream).await, b"", "the server ends the stream");
    }
    in_time(ended).await.unwrap();
    assert_eq!(rest(&mut silent).await, b"");
    assert_eq!(done.load(Ordering::SeqCst), 10);
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_and_dropped() {
    struct Noted(Arc<AtomicUsize>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&dropped);
    let server = serve("127.0.0.1:0", move |socket: WebSocket| {
        let noted = Noted(Arc::clone(&counting));
        async move {
            std::future::pending::<()>().await;
            drop((socket, noted));
            Ok::<_, rialto_ws::Error>(())
        }
    });
    let server = server.drain_timeout(Duration::from_millis(300));
    let (address, stop, ended) = stoppable(server).await;
    let (mut stream, _) = open(address, "").await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let began = Instant::now();
    stop.send(()).unwrap();
    in_time(ended).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(dropped.load(Ordering::SeqCst), 1, "no handler outlives the server");
    assert!(rest(&mut stream).await.starts_with(b"\x88\x18\x03\xe9"));
    assert_eq!(rest(&mut silent).await, b"");
}

#[tokio::test]
async fn a_handshake_that_ends_after_the_stop_is_refused() {
    let (address, stop, ended) = stoppable(serve("127.0.0.1:0", echo)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{HEAD}\r\n");
    let (first, second) = head.split_at(20);
    stream.write_all(first.as_bytes()).await.unwrap();
    // Another connection's answer shows that this one was accepted before.
    round_trip(&mut open(address, "").await.0).await;
    stop.send(()).unwrap();
    let gone = async { while TcpStream::connect(address).await.is_ok() {} };
    in_time(gone).await;
    stream.write_all(second.as_bytes()).await.unwrap();
    let answer = String::from_utf8(rest(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with("the server is stopping\n"), "{answer}");
    in_time(ended).await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_listens_no_more_and_leaves_its_connections() {
    let mut server = serve("127.0.0.1:0", echo);
    let address = server.bind().await.unwrap()[0];
    let running = tokio::spawn(server.into_future());
    let (mut stream, _) = open(address, "").await;
    running.abort();
    let gone = async { while TcpStream::connect(address).await.is_ok() {} };
    in_time(gone).await;
    round_trip(&mut stream).await;
}

#[tokio::test]
async fn a_shared_list_counts_and_stops_connections_of_all_servers() {
    let connections = Connections::new(2);
    let one = start(serve("127.0.0.1:0", echo).connections(connections.clone())).await;
    let two = start(serve("127.0.0.1:0", echo).connections(connections.clone())).await;
    let (mut first, _) = open(one, "").await;
    let (mut second, _) = open(two, "").await;
    round_trip(&mut first).await;
    round_trip(&mut second).await;
    assert_eq!(connections.len(), 2);
    assert!(refused(one).await.starts_with("HTTP/1.1 503 "));
    connections.close(4000, "maintenance");
    for stream in [&mut first, &mut second] {
        let mut frame = [0; 15];
        in_time(stream.read_exact(&mut frame)).await.unwrap();
        assert_eq!(&frame, b"\x88\x0d\x0f\xa0maintenance");
        stream.write_all(&close_frame(4000)).await.unwrap();
        assert_eq!(rest(stream).await, b"");
    }
    in_time(connections.stop(PATIENCE)).await;
    assert!(connections.is_empty());
    assert!(refused(two).await.ends_with("the server is stopping\n"));
}

#[tokio::test]
async fn a_connection_counts_until_its_stream_is_closed() {
    let connections = Connections::default();
    let handler = async |socket: WebSocket| {
        drop(socket);
        Ok::<_, rialto_ws::Error>(())
    };
    let address = start(serve("127.0.0.1:0", handler).connections(connections.clone())).await;
    let (mut stream, _) = open(address, "").await;
    let mut frame = [0; 4];
    in_time(stream.read_exact(&mut frame)).await.unwrap();
    assert_eq!(&frame, b"\x88\x02\x03\xe8");
    assert_eq!(connections.len(), 1, "its handler has ended, its peer has not answered");
    stream.write_all(&close_frame(1000)).await.unwrap();
    assert_eq!(rest(&mut stream).await, b"");
    let emptied = async {
        while !connections.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    in_time(emptied).await;
}

/// Whoever speaks something else hears of it at once, long before the handshake has run out.
#[tokio::test]
async fn other_protocols_on_a_plain_port_are_refused_at_once() {
    let options = Options::default().handshake_timeout(Duration::from_secs(3600));
    let address = start(serve("127.0.0.1:0", echo).options(options.clone())).await;
    // The beginning of a ClientHello; its peer waits for an answer.
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03];
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    assert_eq!(rest(&mut stream).await, b"");

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let answer = String::from_utf8(rest(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 505 HTTP Version Not Supported\r\n"), "{answer}");
    assert!(answer.ends_with("HTTP/2 is not spoken here, only HTTP/1.1\n"), "{answer}");

    // The same by `accept`, which says why.
    let (near, mut far) = tokio::io::duplex(1024);
    far.write_all(&hello[..1]).await.unwrap();
    let error = in_time(rialto_ws::accept_with(near, &options)).await.unwrap_err();
    assert!(error.is_io() && format!("{error:?}").contains("TLS"), "{error:?}");
    assert_eq!(rest(&mut far).await, b"");
}

/// What stands behind a head is frames, never a body, nor another request.
#[tokio::test]
async fn nothing_is_smuggled_behind_a_handshake() {
    let address = start(serve("127.0.0.1:0", echo)).await;
    for field in ["Content-Length: 6", "Transfer-Encoding: chunked"] {
        let (mut stream, head) = open(address, &format!("{field}\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
        rest(&mut stream).await;
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{HEAD}\r\n{HEAD}\r\n").as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(SWITCHING.as_bytes()));
    // 'G' is a frame's header with a reserved bit: 1002, and not a second answer.
    assert_eq!(answer[end..end + 4][..1], [0x88]);
    assert_eq!(answer[end + 2..end + 4], 1002u16.to_be_bytes());
    assert!(!answer[end..].windows(5).any(|bytes| bytes == b"HTTP/"));
}

#[tokio::test]
async fn times_that_no_clock_reaches_are_no_limit() {
    let endless = Options::default()
        .handshake_timeout(Duration::MAX)
        .close_timeout(Duration::MAX)
        .idle_timeout(Duration::MAX)
        .stall_timeout(Duration::MAX);
    let server = serve("127.0.0.1:0", echo).options(endless).drain_timeout(Duration::MAX);
    let (address, stop, ended) = stoppable(server).await;
    let (mut stream, _) = open(address, "").await;
    round_trip(&mut stream).await;
    stop.send(()).unwrap();
    let mut close = [0; 4];
    in_time(stream.read_exact(&mut close)).await.unwrap();
    stream.write_all(&close_frame(1001)).await.unwrap();
    rest(&mut stream).await;
    in_time(ended).await.unwrap();
    Connections::new(1).stop(Duration::MAX).await;
}
