//! Events between servers: two of them that know each other by an adapter of this file.

use crate::ports::Ports;
use rialto::adapter::{
    AckRequest, Adapter, Host, Member, Memory, Operation, Room, ServerAnswers, ServerEvent,
    SocketDetails, Target,
};
use rialto::{Encoded, Events, Server};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Starts both.
pub(crate) async fn start(ports: &mut Ports) -> rialto::Result {
    let hub = Hub::default();
    let mut first = Server::new(asking()).adapter(hub.adapter());
    first.io();
    ports.add("first", first).await?;
    let mut second = Server::new(Events::new()).adapter(hub.adapter());
    let io = second.io();
    io.on_server_side("reload", async |io, text: String| io.emit("reloaded", text).await);
    io.on_server_side("load", async |_, ()| Ok(0.5));
    ports.add("second", second).await
}

fn asking() -> Events {
    Events::new()
        .on("reload", async |socket, text: String| {
            let io = socket.io();
            io.server_side_emit("reload", &text).await?;
            Ok(())
        })
        .on_ack("load", async |socket, ()| {
            let io = socket.io();
            let loads = io.server_side_emit_with_ack::<f64>("load", ()).await?;
            loads.answers.into_iter().collect::<rialto::Result<Vec<_>>>()
        })
}

/// The servers that know each other.
#[derive(Clone, Default)]
struct Hub(Arc<Mutex<Vec<Weak<dyn Host>>>>);

impl Hub {
    fn adapter(&self) -> impl Fn(&str) -> Node + Send + Sync + 'static + use<> {
        let hub = self.clone();
        move |_| Node { memory: Memory::new(), hub: hub.clone(), own: Mutex::default() }
    }
}

/// An adapter in memory that reaches the servers of its hub.
struct Node {
    memory: Memory,
    hub: Hub,
    own: Mutex<Option<Weak<dyn Host>>>,
}

impl Node {
    fn others(&self) -> Vec<Arc<dyn Host>> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_own = |host: &Weak<dyn Host>| own.as_ref().is_some_and(|own| own.ptr_eq(host));
        let hosts = self.hub.0.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.iter().filter(|host| !is_own(host)).filter_map(Weak::upgrade).collect()
    }
}

type Later<'a, T> = Pin<Box<dyn Future<Output = rialto::Result<T>> + Send + 'a>>;

impl Adapter for Node {
    fn open(&self, host: Weak<dyn Host>) {
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.clone());
        self.hub.0.lock().unwrap_or_else(PoisonError::into_inner).push(host.clone());
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
                match host.server_event(event.clone()).await {
                    Some(answer) => answers.answers.push(answer),
                    None => answers.missing += 1,
                }
            }
            Ok(answers)
        })
    }
}
