//! What a message costs the allocator, once a connection is warm: counted, not timed.
//!
//! The server runs on the thread of the test, the clients on another: what is counted is the
//! server's alone.
#![allow(clippy::unwrap_used, reason = "tests may fail")]

mod support;

use allocation_counter::measure;
use rialto::{Args, Bytes, Events, Server};
use std::net::SocketAddr;
use std::thread;
use support::{Client, start, within};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

const WARM: u64 = 50;
const COUNTED: u64 = 1000;
/// Allocations of a whole run that belong to no message: timers, lists that have grown.
const BESIDE: u64 = 50;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Allocations of the server while `clients` does its `COUNTED` rounds, behind `WARM` others.
fn allocations<F>(events: Events, clients: impl FnOnce(SocketAddr) -> F + Send + 'static) -> u64
where
    F: Future<Output = Box<dyn Rounds>>,
{
    let server = runtime();
    let (address, _io) = server.block_on(start(Server::new(events)));
    let (warm, is_warm) = oneshot::channel();
    let (begin, may_begin) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let clients = thread::spawn(move || {
        runtime().block_on(async {
            let mut rounds = clients(address).await;
            rounds.play(WARM).await;
            warm.send(()).unwrap();
            within(may_begin).await.unwrap();
            rounds.play(COUNTED).await;
            done.send(()).unwrap();
        });
    });
    server.block_on(within(is_warm)).unwrap();
    begin.send(()).unwrap();
    let counted = measure(|| server.block_on(within(is_done)).unwrap());
    clients.join().unwrap();
    counted.count_total
}

/// What clients do again and again.
trait Rounds {
    fn play(&mut self, times: u64) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>>;
}

/// One client that sends a packet and waits for the answer.
struct Ask {
    client: Client,
    packet: &'static str,
    attachment: Option<Bytes>,
}

impl Rounds for Ask {
    fn play(&mut self, times: u64) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async move {
            for _ in 0..times {
                let socket = &mut self.client.socket;
                // Both in one write: a packet that waits for its attachment costs a timer.
                socket.feed(format!("4{}", self.packet)).await.unwrap();
                if let Some(bytes) = &self.attachment {
                    socket.feed(bytes.clone()).await.unwrap();
                }
                socket.flush().await.unwrap();
                let answer = self.client.recv().await;
                assert!(answer.starts_with(['2', '3', '6']), "{answer}");
                if self.attachment.is_some() {
                    within(self.client.socket.recv()).await.unwrap().unwrap();
                }
            }
        })
    }
}

/// Members of a room, the first of which sends what all of them get.
struct Room(Vec<Client>);

impl Rounds for Room {
    fn play(&mut self, times: u64) -> std::pin::Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async move {
            for _ in 0..times {
                self.0[0].send(r#"2["say",{"text":"hello, all of you"}]"#).await;
                for member in &mut self.0 {
                    assert!(member.recv().await.starts_with(r#"2["said""#));
                }
            }
        })
    }
}

/// Allocations for one round of a packet and its answer, in whole numbers.
fn per_round(events: Events, packet: &'static str, attachment: Option<Bytes>) -> u64 {
    let ask = move |address| async move {
        let client = Client::join(address).await;
        Box::new(Ask { client, packet, attachment }) as Box<dyn Rounds>
    };
    let all = allocations(events, ask);
    let each = all / COUNTED;
    assert!(all - each * COUNTED <= BESIDE, "{all} allocations in {COUNTED} rounds");
    each
}

#[test]
fn an_ack_costs_the_future_of_its_listener_and_what_the_arguments_need() {
    let sum = Events::new().on_ack("sum", async |_, (a, b): (i64, i64)| Ok(a + b));
    assert_eq!(per_round(sum, r#"27["sum",1,2]"#, None), 1);
    let text = Events::new().on_ack("text", async |_, text: String| Ok(text));
    assert_eq!(per_round(text, r#"27["text","hello"]"#, None), 2);
    // However large they are: they are kept as one text.
    let any = Events::new().on_ack("any", async |_, args: Args| Ok(args));
    assert_eq!(per_round(any, r#"27["any",{"a":[1,2,{"b":"c"}]},"d",[]]"#, None), 2);
}

#[test]
fn an_event_that_is_answered_by_another_costs_no_more_than_an_ack() {
    let echo = Events::new().on("echo", async |socket, x: Args| socket.emit("echo", x).await);
    assert_eq!(per_round(echo, r#"2["echo",{"a":"b"}]"#, None), 2);
}

#[test]
fn a_binary_ack_copies_its_attachment_once() {
    let events = Events::new().on_ack("file", async |_, file: Bytes| Ok(file));
    let packet = r#"51-7["file",{"_placeholder":true,"num":0}]"#;
    // The packet that waits and its text; the attachment, copied from where it arrived; what counts
    // its references; the list of the answer; the future.
    assert_eq!(per_round(events, packet, Some(Bytes::from(vec![7; 2000]))), 6);
    // Beside something else serde has to copy them once more.
    let events = Events::new().on_ack("file", async |_, file: Bytes| Ok((file, 1)));
    assert_eq!(per_round(events, packet, Some(Bytes::from(vec![7; 2000]))), 6);
}

#[test]
fn a_delivery_of_a_broadcast_allocates_nothing() {
    let room = |members: usize| {
        let events = Events::new()
            .on_connect(async |socket| socket.join("room"))
            .on("say", async |socket, x: Args| socket.io().to("room").emit("said", x).await);
        allocations(events, move |address| async move {
            let mut room = Vec::new();
            for _ in 0..members {
                room.push(Client::join(address).await);
            }
            Box::new(Room(room)) as Box<dyn Rounds>
        })
    };
    let (few, many) = (room(2), room(40));
    let more = many.abs_diff(few);
    assert!(more <= BESIDE, "{few} allocations for 2 members, {many} for 40");
    println!("{} allocations for a broadcast, whoever gets it", few / COUNTED);
}
