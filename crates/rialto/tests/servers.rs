//! What concerns many sockets or many servers: room changes, sockets that were found, events
//! between servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::adapter::{
    AckRequest, Adapter, Host, Member, Memory, Operation, Room, RoomChange, ServerAnswers,
    ServerEvent, SocketDetails, Target,
};
use rialto::{Bytes, Encoded, Events, Server, Socket};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use support::{Client, start, within};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
}

fn events() -> Events {
    Events::new()
        .on_ack("id", async |socket, ()| Ok(socket.id().to_owned()))
        .on_ack("join", async |socket, rooms: Vec<String>| socket.join(rooms))
        .on_ack("leave", async |socket, room: String| socket.leave(room))
        .on_ack("leave all", async |socket, ()| {
            socket.leave_all();
            Ok(socket.rooms().len())
        })
        .on_ack("name", async |socket, name: String| socket.set_shared_data(User { name }))
}

#[tokio::test]
async fn room_changes_are_told_in_order() {
    let (address, io) = start(Server::new(events())).await;
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&log);
    io.on_room_change(move |change| {
        let line = match change {
            RoomChange::Created { room } => format!("create {room}"),
            RoomChange::Joined { room, .. } => format!("join {room}"),
            RoomChange::Left { room, .. } => format!("leave {room}"),
            RoomChange::Deleted { room } => format!("delete {room}"),
            _ => return,
        };
        seen.lock().unwrap().push(line);
    });
    let (mut one, mut two) = (Client::join(address).await, Client::join(address).await);
    assert_eq!(one.ask(0, "[\"join\",[\"a\",\"b\",\"a\"]]").await, "30[]");
    two.ask(0, "[\"join\",[\"a\"]]").await;
    one.ask(1, "[\"leave\",\"a\"]").await;
    one.ask(2, "[\"leave\",\"never joined\"]").await;
    assert_eq!(one.ask(3, "[\"leave all\"]").await, "33[0]");
    two.send("1").await;
    within(async {
        while io.count() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let expected = "create a, join a, create b, join b, join a, leave a, leave b, delete b, \
                    leave a, delete a";
    assert_eq!(log.lock().unwrap().join(", "), expected);
}

#[tokio::test]
async fn a_listener_may_change_rooms_itself() {
    let (address, io) = start(Server::new(events())).await;
    let count: Arc<Mutex<Vec<Room>>> = Arc::default();
    let (seen, everyone) = (Arc::clone(&count), io.clone());
    io.on_room_change(move |change| {
        if let RoomChange::Created { room } = change {
            seen.lock().unwrap().push(Arc::clone(room));
            if room.len() < 3 {
                everyone.sockets_join(format!("{room}+"));
            }
        }
    });
    let mut client = Client::join(address).await;
    client.ask(0, "[\"join\",[\"r\"]]").await;
    assert_eq!(*count.lock().unwrap(), ["r".into(), "r+".into(), "r++".into()]);
    assert_eq!(io.fetch_sockets().await.unwrap()[0].rooms().len(), 3);
}

#[tokio::test]
async fn sockets_that_were_found_can_be_used() {
    let (address, io) = start(Server::new(events())).await;
    let (mut one, mut two) = (Client::join(address).await, Client::join(address).await);
    one.ask(0, "[\"join\",[\"x\",\"y\"]]").await;
    one.ask(1, "[\"name\",\"Ada\"]").await;
    two.ask(0, "[\"join\",[\"y\"]]").await;
    assert_eq!(io.to("y").fetch_sockets().await.unwrap().len(), 2);
    assert_eq!(io.to("y").except("x").fetch_sockets().await.unwrap().len(), 1);
    let found = io.to("x").fetch_sockets().await.unwrap();
    let [ada] = &found[..] else { panic!("{found:?}") };
    assert_eq!(ada.rooms(), ["x".into(), "y".into()]);
    assert!(ada.handshake().url().starts_with("/socket.io/"));
    assert_eq!(ada.data::<User>().unwrap(), Some(User { name: "Ada".into() }));
    assert!(ada.data::<u8>().unwrap_err().is_decode());
    let local: Socket = ada.local().unwrap();
    assert_eq!(local.data::<User>().unwrap().name, "Ada");
    assert_eq!(io.socket(ada.id()).unwrap().id(), local.id());
    assert!(io.socket("nobody").is_none() && io.socket("x").is_none());
    assert_eq!((io.sockets().len(), io.clients_count()), (2, 2));

    ada.emit("hello", 1).await.unwrap();
    assert_eq!(one.recv().await, "2[\"hello\",1]");
    let asking = tokio::spawn({
        let ada = ada.clone();
        async move { ada.emit_with_ack::<String>("who", ()).await }
    });
    let question = one.recv().await;
    let id = question.trim_start_matches('2').trim_end_matches("[\"who\"]").to_owned();
    one.send(&format!("3{id}[\"Ada\"]")).await;
    assert_eq!(within(asking).await.unwrap().unwrap(), "Ada");
    let hasty = ada.clone().timeout(Duration::from_millis(20));
    assert!(hasty.emit_with_ack::<()>("who", ()).await.unwrap_err().is_timeout());
    one.recv().await;

    ada.join("z");
    ada.leave(["x", "y"]);
    assert_eq!(local.rooms(), ["z".into()]);
    ada.disconnect(false);
    assert_eq!(one.recv().await, "1");
}

#[tokio::test]
async fn everyone_joins_leaves_answers_and_goes() {
    let (address, io) = start(Server::new(events())).await;
    let mut client = Client::join(address).await;
    io.sockets_join(["a", "b"]);
    io.sockets_leave("a");
    assert_eq!(io.to("b").fetch_sockets().await.unwrap()[0].rooms(), ["b".into()]);
    let asking = tokio::spawn({
        let io = io.clone();
        async move { io.emit_with_ack::<u8>("n", ()).await }
    });
    let question = client.recv().await;
    client.send(&format!("3{}[7]", &question[1..question.len() - 5])).await;
    let acks = within(asking).await.unwrap().unwrap();
    assert_eq!(acks.into_answers().unwrap(), [7]);
    io.disconnect_sockets(true);
    assert_eq!(client.next().await.as_deref(), Some("1"));
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn alone_a_server_reaches_no_other() {
    let (_, io) = start(Server::new(events())).await;
    io.on_server_side("n", async |_, ()| -> rialto::Result { panic!("it is its own event") });
    io.server_side_emit("n", ()).await.unwrap();
    let acks = io.server_side_emit_with_ack::<u8>("n", ()).await.unwrap();
    assert!(acks.is_complete() && acks.answers.is_empty());
    for name in ["connect", "connection", "new_namespace", "disconnect"] {
        assert!(io.server_side_emit(name, ()).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn servers_talk_through_their_adapter() {
    let hub = Hub::default();
    let mut ios = Vec::new();
    for _ in 0..3 {
        let hub = hub.clone();
        let server = Server::new(events()).adapter(move |_| Node::new(&hub));
        ios.push(start(server).await.1);
    }
    for (number, io) in ios.iter().enumerate() {
        io.on_server_side("sum", move |_, (n, bytes): (usize, Bytes)| async move {
            Ok((n + bytes.len() + number, bytes))
        });
        io.on_server_side("sum", async |_, _: String| Ok("not of this type"));
    }
    ios[2].on_server_side("only here", async |io, text: String| {
        Ok(format!("{text} {}", io.namespace()))
    });
    let args = (10, Bytes::from_static(b"abc"));
    let acks = ios[0].server_side_emit_with_ack::<(usize, Bytes)>("sum", args).await.unwrap();
    let answers: Vec<_> = acks.answers.into_iter().map(|answer| answer.unwrap().0).collect();
    assert_eq!((answers, acks.missing), (vec![14, 15], 0));
    let acks = ios[1].server_side_emit_with_ack::<String>("only here", "hi").await.unwrap();
    assert_eq!(acks.answers.into_iter().next().unwrap().unwrap(), "hi /");
    assert_eq!(acks.missing, 1);
}

/// Servers that know each other.
#[derive(Clone, Default)]
struct Hub(Arc<Mutex<Vec<Weak<dyn Host>>>>);

/// An adapter in memory that reaches the servers of its hub.
struct Node {
    memory: Memory,
    hub: Hub,
    own: Mutex<Option<Weak<dyn Host>>>,
}

impl Node {
    fn new(hub: &Hub) -> Self {
        Self { memory: Memory::new(), hub: hub.clone(), own: Mutex::default() }
    }

    fn others(&self) -> Vec<Arc<dyn Host>> {
        let own = self.own.lock().unwrap().clone().unwrap();
        let hosts = self.hub.0.lock().unwrap();
        hosts.iter().filter(|host| !host.ptr_eq(&own)).filter_map(Weak::upgrade).collect()
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = rialto::Result<T>> + Send + 'a>>;

impl Adapter for Node {
    fn open(&self, host: Weak<dyn Host>) {
        *self.own.lock().unwrap() = Some(host.clone());
        self.hub.0.lock().unwrap().push(host.clone());
        self.memory.open(host);
    }
    fn add(&self, member: Arc<dyn Member>) {
        self.memory.add(member);
    }
    fn remove(&self, id: &str) {
        self.memory.remove(id);
    }
    fn join(&self, id: &str, rooms: &[Room]) -> bool {
        self.memory.join(id, rooms)
    }
    fn leave(&self, id: &str, room: &str) {
        self.memory.leave(id, room);
    }
    fn rooms(&self, id: &str) -> Vec<Room> {
        self.memory.rooms(id)
    }
    fn count(&self) -> usize {
        self.memory.count()
    }
    fn broadcast(&self, packet: &Encoded, target: &Target, ack: Option<&AckRequest>) {
        self.memory.broadcast(packet, target, ack);
    }
    fn apply(&self, target: &Target, operation: &Operation) {
        self.memory.apply(target, operation);
    }
    fn fetch<'a>(&'a self, target: &'a Target) -> Later<'a, Vec<SocketDetails>> {
        self.memory.fetch(target)
    }
    fn members(&self, target: &Target) -> Vec<Arc<dyn Member>> {
        self.memory.members(target)
    }
    fn emit_to_servers<'a>(&'a self, event: &'a ServerEvent, _: bool) -> Later<'a, ServerAnswers> {
        Box::pin(async move {
            let mut answers = ServerAnswers::default();
            for host in self.others() {
                assert_eq!(host.namespace(), "/");
                match host.server_event(event.clone()).await {
                    Some(answer) => answers.answers.push(answer),
                    None => answers.missing += 1,
                }
            }
            Ok(answers)
        })
    }
}
