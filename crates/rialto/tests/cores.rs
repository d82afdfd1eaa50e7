//! A server on several runtimes: the same to its clients as on one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::axum::routing::get;
use rialto::{Events, Io, Listen, Server, Socket};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::thread;
use support::{Client, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

const OPEN: &str = "/socket.io/?EIO=4&transport=polling";

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Says on which thread a handler and what it spawns run, and on which a request is answered.
fn server() -> Server {
    let events = Events::new()
        .on_ack("where", async |_: Socket, ()| {
            let spawned = tokio::spawn(async { thread_name() }).await?;
            Ok((thread_name(), spawned))
        })
        .on("say", async |socket: Socket, n: u64| socket.io().to("all").emit("said", n).await)
        .on_ack("join", async |socket: Socket, ()| socket.join("all"))
        .on("panic", async |_: Socket, ()| panic!("a handler that panics"));
    Server::new(events).route("/where", get(async || thread_name()))
}

async fn serve(server: Server) -> (SocketAddr, Io) {
    let listen = server.bind("127.0.0.1:0").await.unwrap();
    let (address, io) = (listen.address(), listen.io());
    tokio::spawn(listen.run());
    (address, io)
}

/// A connection of HTTP/1.1 that is kept.
struct Line(TcpStream);

impl Line {
    /// A connection that a given worker has accepted.
    async fn to(address: SocketAddr, worker: &str) -> Self {
        for _ in 0..1000 {
            let mut line = Self(within(TcpStream::connect(address)).await.unwrap());
            if line.ask("GET", "/where", "").await == worker {
                return line;
            }
        }
        panic!("{worker} has accepted none of 1000 connections");
    }

    /// The body of an answer, which is 200.
    async fn ask(&mut self, method: &str, target: &str, body: &str) -> String {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.0.write_all(request.as_bytes()).await.unwrap();
        let head = self.head().await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let mut length = head.lines().filter_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.next().unwrap().parse().unwrap()];
        within(self.0.read_exact(&mut body)).await.unwrap();
        String::from_utf8(body).unwrap()
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(self.0.read_u8()).await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    async fn upgrade(&mut self, target: &str) {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.0.write_all(request.as_bytes()).await.unwrap();
        let head = self.head().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    }

    /// A short text message, masked by zeros.
    async fn send(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        assert!(length < 126);
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat();
        self.0.write_all(&frame).await.unwrap();
    }

    /// The payload of the next frame, a short one.
    async fn recv(&mut self) -> String {
        let mut head = [0; 2];
        within(self.0.read_exact(&mut head)).await.unwrap();
        assert!(head[1] < 126);
        let mut payload = vec![0; head[1].into()];
        within(self.0.read_exact(&mut payload)).await.unwrap();
        String::from_utf8_lossy(&payload).into_owned()
    }

    /// A client in the main namespace, on a WebSocket from the start.
    async fn client(address: SocketAddr, worker: &str) -> Self {
        let mut line = Self::to(address, worker).await;
        line.upgrade("/socket.io/?EIO=4&transport=websocket").await;
        assert!(line.recv().await.starts_with("0{"));
        line.send("40").await;
        assert!(line.recv().await.starts_with("40{"));
        line
    }
}

#[tokio::test]
async fn the_requests_of_a_session_may_come_to_any_worker() {
    let (address, _) = serve(server().workers(2)).await;
    for (home, other) in
        [("rialto-worker0", "rialto-worker1"), ("rialto-worker1", "rialto-worker0")]
    {
        let mut at_home = Line::to(address, home).await;
        let open = at_home.ask("GET", OPEN, "").await;
        let target = format!("{OPEN}&sid={}", open.split('"').nth(3).unwrap());
        let mut posts = Line::to(address, other).await;
        let mut polls = Line::to(address, other).await;
        assert_eq!(posts.ask("POST", &target, "40").await, "ok");
        assert!(polls.ask("GET", &target, "").await.starts_with("40{"));
        let place = format!("431[\"{home}\",\"{home}\"]");
        // The poll waits on one worker while the answer is made on the other.
        let asking = async {
            tokio::task::yield_now().await;
            posts.ask("POST", &target, "421[\"where\"]").await
        };
        let (answer, taken) = tokio::join!(polls.ask("GET", &target, ""), asking);
        assert_eq!((answer, taken.as_str()), (place.clone(), "ok"));

        let mut probe = Line::to(address, other).await;
        probe.upgrade(&target.replace("polling", "websocket")).await;
        probe.send("2probe").await;
        assert_eq!(probe.recv().await, "3probe");
        assert_eq!(polls.ask("GET", &target, "").await, "6");
        probe.send("5").await;
        for _ in 0..100 {
            probe.send("421[\"where\"]").await;
            assert_eq!(probe.recv().await, place);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_has_members_on_every_worker_and_each_hears_all_in_order() {
    const COUNT: u64 = 500;
    let (address, io) = serve(server().workers(3)).await;
    let mut members = Vec::new();
    for n in 0..9 {
        let mut member = Line::client(address, &format!("rialto-worker{}", n % 3)).await;
        member.send("420[\"join\"]").await;
        assert_eq!(member.recv().await, "430[]");
        members.push(member);
    }
    assert_eq!(io.count(), 9);
    // From a worker, and from a thread of the application.
    let mut speaker = Line::client(address, "rialto-worker1").await;
    for n in 0..COUNT {
        speaker.send(&format!("42[\"say\",{n}]")).await;
    }
    let outside = tokio::spawn(async move {
        for n in 0..COUNT {
            io.to("all").emit("told", n).await.unwrap();
        }
    });
    for member in &mut members {
        let (mut said, mut told) = (0, 0);
        while (said, told) != (COUNT, COUNT) {
            match member.recv().await {
                next if next == format!("42[\"said\",{said}]") => said += 1,
                next if next == format!("42[\"told\",{told}]") => told += 1,
                ping if ping == "2" => member.send("3").await,
                other => panic!("{other} after {said} and {told}"),
            }
        }
    }
    within(outside).await.unwrap();
}

/// Starts a server that stops when the sender is used or dropped.
async fn stoppable(server: Server) -> (SocketAddr, Io, oneshot::Sender<()>, Running) {
    let listen: Listen = server.bind("127.0.0.1:0").await.unwrap();
    let (address, io) = (listen.address(), listen.io());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(listen.run_until(async { drop(stopped.await) }));
    (address, io, stop, running)
}

type Running = tokio::task::JoinHandle<rialto::Result>;

#[tokio::test]
async fn a_stop_reaches_the_clients_of_every_worker() {
    let (address, io, stop, running) = stoppable(server().workers(2)).await;
    let mut clients = vec![];
    for worker in ["rialto-worker0", "rialto-worker1"] {
        let _idle = Line::to(address, worker).await;
        clients.push(Line::client(address, worker).await);
    }
    let mut stock = Client::join(address).await;
    drop(stop);
    assert_eq!(stock.closed().await.0, 1001);
    for mut client in clients {
        assert!(client.recv().await.starts_with("\u{3}"), "1001 is 0x03e9");
    }
    within(running).await.unwrap().unwrap();
    assert_eq!(io.count(), 0);
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_client_and_no_worker() {
    let (address, _) = serve(server().workers(1)).await;
    let mut bystander = Client::join(address).await;
    for _ in 0..3 {
        let mut client = Client::join(address).await;
        client.send("2[\"panic\"]").await;
        assert_eq!(client.closed().await.0, 1011);
    }
    let place = "31[\"rialto-worker0\",\"rialto-worker0\"]";
    assert_eq!(bystander.ask(1, "[\"where\"]").await, place);
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_with_and_without_workers() {
    let taken = server().workers(2).bind("127.0.0.1:0").await.unwrap();
    let address = taken.address();
    for again in [server(), server().workers(2)] {
        let error = again.bind(address).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(ErrorKind::AddrInUse), "{error}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
    drop(taken);
    let alone = server().bind(address).await.unwrap();
    let error = server().workers(2).bind(address).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::AddrInUse), "{error}");
    drop(alone);
    server().workers(2).bind(address).await.unwrap();
}

#[tokio::test]
async fn workers_share_a_listener_that_is_given() {
    let std = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = server().workers(2).bind(std).await.unwrap();
    let address = listen.address();
    let running = tokio::spawn(listen.run());
    let place = Client::join(address).await.ask(1, "[\"where\"]").await;
    assert!(place.starts_with("31[\"rialto-worker"), "{place}");
    running.abort();

    let given = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = given.local_addr().unwrap();
    let running = tokio::spawn(server().listen(given));
    Client::join(address).await.ask(1, "[\"where\"]").await;
    running.abort();
}

#[tokio::test]
async fn dropping_the_server_leaves_its_clients_alone() {
    let listen = server().workers(2).bind("127.0.0.1:0").await.unwrap();
    let address = listen.address();
    let running = tokio::spawn(listen.run());
    let mut client = Client::join(address).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    within(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    assert!(client.ask(1, "[\"where\"]").await.contains("rialto-worker"));
}
