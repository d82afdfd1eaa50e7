//! Acks that nobody waits for any more, and events that are answered once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use futures_util::future::BoxFuture;
use rialto::adapter::{
    AckRequest, Adapter, Member, Memory, Operation, Room, SocketDetails, Target,
};
use rialto::{Acks, Encoded, Events, Io, Options, Server};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Client, start, within};

const SOON: Duration = Duration::from_millis(5);
/// Acks that a socket may owe.
const OWED: usize = 3;

async fn ask(io: &Io, limit: Duration) -> Acks<u64> {
    within(io.to("room").timeout(limit).emit_with_ack("ask", ())).await.unwrap()
}

/// A server with a client in a room that has been asked often, and has answered nothing.
async fn asked(asking: impl AsyncFn(&Io)) -> (Io, Client) {
    let events = Events::new().on_connect(async |socket| socket.join("room"));
    let options = Options::default().max_pending_acks(OWED);
    let (address, io) = start(Server::new(events).options(options)).await;
    let mut client = Client::join(address).await;
    for _ in 0..=OWED {
        asking(&io).await;
        assert!(client.recv().await.starts_with('2'));
    }
    (io, client)
}

/// The client is asked anew, and its answer arrives.
async fn answers(io: &Io, client: &mut Client) {
    let answering = async {
        let question = client.recv().await;
        let id = question.strip_prefix('2').unwrap().split('[').next().unwrap();
        client.send(&format!("3{id}[7]")).await;
    };
    let (acks, ()) = tokio::join!(ask(io, Duration::from_secs(10)), answering);
    assert_eq!(acks.into_answers().unwrap(), [7]);
    let socket = io.sockets().pop().unwrap();
    let answering = async {
        let question = client.recv().await;
        let id = question.strip_prefix('2').unwrap().split('[').next().unwrap();
        client.send(&format!("3{id}[8]")).await;
    };
    let (answer, ()) = tokio::join!(socket.emit_with_ack::<u64>("ask", ()), answering);
    assert_eq!(answer.unwrap(), 8);
}

#[tokio::test]
async fn a_broadcast_whose_time_is_up_is_owed_no_more() {
    let (io, mut client) = asked(async |io| assert!(!ask(io, SOON).await.is_complete())).await;
    answers(&io, &mut client).await;
}

#[tokio::test]
async fn a_broadcast_whose_future_was_dropped_is_owed_no_more() {
    let (io, mut client) = asked(async |io| {
        let asking = ask(io, Duration::from_secs(60));
        assert!(tokio::time::timeout(SOON, asking).await.is_err());
    })
    .await;
    answers(&io, &mut client).await;
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_nobodys() {
    let (io, mut client) = asked(async |io| assert!(!ask(io, SOON).await.is_complete())).await;
    for id in 0..=OWED {
        client.send(&format!("3{id}[6]")).await;
    }
    answers(&io, &mut client).await;
}

/// An adapter that asks its sockets in the name of another server: it makes the requests itself,
/// and keeps them as long as that server waits.
struct Relay(Memory, Arc<Mutex<Vec<AckRequest>>>);

impl Adapter for Relay {
    fn add(&self, member: Arc<dyn Member>) {
        self.0.add(member);
    }
    fn remove(&self, id: &str) {
        self.0.remove(id);
    }
    fn join(&self, id: &str, rooms: &[Room]) -> bool {
        self.0.join(id, rooms)
    }
    fn leave(&self, id: &str, room: &str) {
        self.0.leave(id, room);
    }
    fn rooms(&self, id: &str) -> Vec<Room> {
        self.0.rooms(id)
    }
    fn count(&self) -> usize {
        self.0.count()
    }
    fn broadcast(&self, packet: &Encoded, target: &Target, ack: Option<&AckRequest>) {
        let own = ack.map(|ack| AckRequest::new(ack.id, Arc::clone(&ack.sink)));
        self.0.broadcast(packet, target, own.as_ref());
        self.1.lock().unwrap().extend(own);
    }
    fn apply(&self, target: &Target, operation: &Operation) {
        self.0.apply(target, operation);
    }
    fn fetch<'a>(
        &'a self,
        target: &'a Target,
    ) -> BoxFuture<'a, rialto::Result<Vec<SocketDetails>>> {
        self.0.fetch(target)
    }
    fn members(&self, target: &Target) -> Vec<Arc<dyn Member>> {
        self.0.members(target)
    }
}

#[tokio::test]
async fn what_an_adapter_asks_is_owed_as_long_as_the_adapter_keeps_its_request() {
    let held = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&held);
    let events = Events::new().on_connect(async |socket| socket.join("room"));
    let server = Server::new(events)
        .adapter(move |_| Relay(Memory::new(), Arc::clone(&keeper)))
        .options(Options::default().max_pending_acks(1));
    let (address, io) = start(server).await;
    let mut client = Client::join(address).await;
    assert_eq!(ask(&io, SOON).await.missing.len(), 1);
    client.recv().await;
    let socket = io.sockets().pop().unwrap();
    assert!(socket.emit_with_ack::<u64>("ask", ()).await.unwrap_err().is_full());
    held.lock().unwrap().clear();
    let answering = async {
        client.recv().await;
        client.send("31[8]").await;
        client.send("32[8]").await;
    };
    let (answer, ()) = tokio::join!(socket.emit_with_ack::<u64>("ask", ()), answering);
    assert_eq!(answer.unwrap(), 8);
}

/// Asks, and makes sure that nothing but these answers comes.
async fn answered(events: Events, answer: &str) {
    let events = events.on_ack("next", async |_, ()| Ok("next"));
    let (address, _io) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    assert_eq!(client.ask(7, "[\"ask\",1]").await, answer);
    assert_eq!(client.ask(8, "[\"next\"]").await, "38[\"next\"]");
}

#[tokio::test]
async fn of_two_listeners_with_an_ack_the_first_answers() {
    let events = Events::new()
        .on_ack("ask", async |_, n: u64| Ok(n))
        .on_ack("ask", async |_, n: u64| Ok(n + 1));
    answered(events, "37[1]").await;
}

#[tokio::test]
async fn a_listener_for_everything_answers_before_the_events_own() {
    let events = Events::new()
        .on_any(async |_, event| event.ack("any").await)
        .on_any(async |_, event| event.ack("another").await)
        .on_ack("ask", async |_, n: u64| Ok(n));
    let (address, _io) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    assert_eq!(client.ask(7, "[\"ask\",1]").await, "37[\"any\"]");
    assert_eq!(client.ask(8, "[\"ask\",1]").await, "38[\"any\"]");
}

#[tokio::test]
async fn a_middleware_that_answers_leaves_nothing_to_answer() {
    let events = Events::new()
        .middleware(async |_, event| match event.name() {
            "ask" => event.ack("no").await,
            _ => Ok(()),
        })
        .on_any(async |_, event| {
            assert_eq!(event.wants_ack(), event.name() != "ask");
            Ok(())
        })
        .on_ack("ask", async |_, n: u64| Ok(n));
    answered(events, "37[\"no\"]").await;
}
