//! What a client that rests costs on the heap: bytes that its server asked the allocator for, so
//! that the figure does not depend on the machine. `bench/README.md` says how to measure the
//! whole, with what the allocator adds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may fail")]

use allocation_counter::measure;
use rialto::{Events, Server};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const CLIENTS: i64 = 200;
/// Bytes per client on a WebSocket in one namespace: 1498 at the time of writing, of which 512 are
/// tokio's for its task and its socket. The request below has no headers but the necessary; those
/// of a browser take about 600 bytes more.
const BOUND: i64 = 1600;
/// Bytes per connection that has not spoken yet, in its task and its socket: 1929 at the time of
/// writing. The buffers of hyper alone would be 16 KiB.
const SILENT: i64 = 2200;
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that allocates in a thread of its own, where nothing is counted.
struct Client(BufReader<TcpStream>);

impl Client {
    /// A connection that says nothing.
    fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::with_capacity(1024, stream))
    }

    fn join(address: SocketAddr) -> Self {
        let mut client = Self::silent(address);
        let head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n\
                    Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.0.get_mut().write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        client.0.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 101 "), "{line}");
        while line != "\r\n" {
            line.clear();
            client.0.read_line(&mut line).unwrap();
        }
        assert!(client.recv().starts_with("0{\"sid\""));
        client.send("40");
        assert!(client.recv().starts_with("40{\"sid\""));
        client
    }

    /// Sends a short text, masked by zeros.
    fn send(&mut self, text: &str) {
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        assert!(text.len() < 126);
        frame.extend_from_slice(text.as_bytes());
        self.0.get_mut().write_all(&frame).unwrap();
    }

    /// Acks and events.
    fn be_busy(&mut self) {
        for id in 0..3 {
            self.send(&format!("42{id}[\"echo\",{{\"n\":{id}}}]"));
            assert_eq!(self.recv(), format!("43{id}[{{\"n\":{id}}}]"));
            self.send("42[\"event\",\"hello\"]");
            assert_eq!(self.recv(), "42[\"event\",\"hello\"]");
        }
    }

    fn recv(&mut self) -> String {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        assert_eq!((head[0], head[1] < 126), (0x81, true), "one short text");
        let mut text = vec![0; usize::from(head[1])];
        self.0.read_exact(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

type Step = Box<dyn FnOnce(&mut Vec<Client>) + Send>;

/// A server in this thread, and its clients in another.
struct Measured {
    runtime: Runtime,
    steps: mpsc::Sender<(Step, oneshot::Sender<()>)>,
    /// What this thread holds more than when it was last asked to forget it.
    bytes: i64,
}

impl Measured {
    fn new(server: Server) -> (Self, SocketAddr) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let listen = runtime.block_on(server.bind("127.0.0.1:0")).unwrap();
        let address = listen.address();
        runtime.spawn(listen.run());
        let (steps, to_do) = mpsc::channel::<(Step, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            let mut clients = Vec::new();
            for (step, done) in to_do {
                step(&mut clients);
                let _ = done.send(());
            }
        });
        (Self { runtime, steps, bytes: 0 }, address)
    }

    /// Serves while the clients do something.
    fn serve(&mut self, step: impl FnOnce(&mut Vec<Client>) + Send + 'static) {
        let (done, waiting) = oneshot::channel();
        self.steps.send((Box::new(step), done)).unwrap();
        let served = measure(|| self.runtime.block_on(waiting).expect("no trouble for clients"));
        self.bytes += served.bytes_current;
    }

    /// Lets the server finish what it is at: it holds at most that much before the time is up.
    fn settle(&mut self, most: i64) {
        let start = Instant::now();
        while self.bytes > most && start.elapsed() < PATIENCE {
            let pause = async { tokio::time::sleep(Duration::from_millis(10)).await };
            self.bytes += measure(|| self.runtime.block_on(pause)).bytes_current;
        }
        let each = self.bytes / CLIENTS;
        assert!(self.bytes <= most, "{each} bytes for each client, {} in all", self.bytes);
    }
}

#[test]
fn a_client_that_rests_is_small_before_and_after_it_was_busy() {
    let events = Events::new()
        .on_ack("echo", async |_, x: Value| Ok(x))
        .on("event", async |socket, x: Value| socket.emit("event", x).await);
    let (mut server, address) = Measured::new(Server::new(events));
    // What a thread and a namespace need once is there from here on.
    server.serve(move |clients| clients.push(Client::join(address)));
    server.serve(|clients| clients.iter_mut().for_each(Client::be_busy));
    server.bytes = 0;

    let join =
        move |clients: &mut Vec<_>| clients.extend((0..CLIENTS).map(|_| Client::join(address)));
    server.serve(join);
    server.settle(BOUND * CLIENTS);
    let resting = server.bytes;
    println!("{} bytes for each client", resting / CLIENTS);

    server.serve(|clients| clients.iter_mut().for_each(Client::be_busy));
    server.settle(resting + 8 * CLIENTS);

    server.serve(|clients| clients.truncate(1));
    // The tables of the server have grown and stay so.
    server.settle(128 * CLIENTS);
}

#[test]
fn a_connection_that_says_nothing_holds_no_buffer() {
    let (mut server, address) = Measured::new(Server::new(Events::new()));
    server.serve(move |clients| clients.push(Client::join(address)));
    server.bytes = 0;

    server.serve(move |clients| {
        clients.extend((0..CLIENTS).map(|_| Client::silent(address)));
        // Who comes after them is accepted after them.
        clients.push(Client::join(address));
    });
    println!("{} bytes for each connection that says nothing", server.bytes / CLIENTS);
    server.settle(SILENT * CLIENTS);
}
