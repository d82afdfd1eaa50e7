//! Adapters: who is in which room, and how a packet reaches them.
//!
//! A namespace asks its adapter and nobody else, so the same program runs on one machine with
//! [`Memory`] and on many with an adapter of `rialto-cluster`.

mod ack;
mod details;
mod history;
mod index;
mod ledger;
mod log;
mod memory;
mod recovery;
mod rooms;
mod servers;

pub(crate) use ack::Debtor;
pub use ack::{AckRequest, AckSink};
pub use details::SocketDetails;
pub(crate) use ledger::Ledger;
pub(crate) use log::outside;
pub use memory::Memory;
pub use recovery::{Recovery, SavedSession, SessionData};
pub use rooms::RoomChange;
pub use servers::{Host, ServerAnswers, ServerEvent};

use crate::encoded::Encoded;
use crate::handshake::Handshake;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// The name of a room, or the id of a socket: every socket is in the room of its own id.
pub type Room = Arc<str>;

/// A socket of this machine, as an adapter sees it.
pub trait Member: Any + Send + Sync {
    /// The socket's id.
    fn id(&self) -> &Room;

    /// Hands over a packet. It never waits: what the peer's budget does not take is dropped with
    /// the peer, or alone if the packet is volatile.
    fn deliver(&self, packet: &Encoded, ack: Option<&AckRequest>);

    /// Ends the socket, and with `close` the connection under it.
    fn disconnect(&self, close: bool);

    /// The request that opened the connection.
    fn handshake(&self) -> &Handshake;

    /// The data that other servers may see, as JSON text: see
    /// [`Socket::set_shared_data`](crate::Socket::set_shared_data).
    fn shared_data(&self) -> Option<Arc<str>>;

    /// How many rooms it may be in: see [`Options::max_rooms`](crate::Options). It costs nothing
    /// and may be asked under a lock. Default: any number.
    fn max_rooms(&self) -> usize {
        usize::MAX
    }

    /// Rooms were too many for it: an adapter calls this where [`Adapter::apply`] could not join
    /// them. Default: nothing happens.
    fn refused_rooms(&self) {}
}

/// Who is meant: the union of `rooms` (everyone if empty) without the union of `except`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// Rooms to reach; each member once, however many of them it is in.
    pub rooms: Vec<Room>,
    /// Rooms to leave out.
    pub except: Vec<Room>,
    /// Only sockets of this machine.
    pub local: bool,
}

/// What can be done to sockets from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Join rooms.
    Join(Vec<Room>),
    /// Leave rooms.
    Leave(Vec<Room>),
    /// Disconnect, and with `close` end the connection under the socket.
    Disconnect {
        /// Also end the connection.
        close: bool,
    },
}

/// The answer of one socket to a packet that wanted an ack.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The JSON array of the arguments.
    pub data: String,
    /// Their attachments.
    pub attachments: Vec<Bytes>,
}

/// Rooms and delivery of one namespace.
///
/// No method may block or wait, those aside that return a future: they are called while packets
/// are handled. No lock may be held while a [`Member`] is called.
pub trait Adapter: Send + Sync + 'static {
    /// The namespace begins; called once, before anything else. Default: nothing happens.
    fn open(&self, host: Weak<dyn Host>) {
        drop(host);
    }

    /// The namespace has ended: it was a dynamic one, and empty. Default: nothing happens.
    fn close(&self) {}

    /// A socket has joined the namespace.
    fn add(&self, member: Arc<dyn Member>);

    /// The socket has left it, and with it all rooms.
    fn remove(&self, id: &str);

    /// The socket joins rooms, all or none; joining again changes nothing. False if it is not (or
    /// no longer) in the namespace, or would be in more than [`Member::max_rooms`].
    fn join(&self, id: &str, rooms: &[Room]) -> bool;

    /// The socket leaves a room.
    fn leave(&self, id: &str, room: &str);

    /// The rooms of a socket of this machine, sorted, the one of its own id left out.
    fn rooms(&self, id: &str) -> Vec<Room>;

    /// The rooms of this machine and how many of its sockets are in each; the rooms of sockets' own
    /// ids are left out. Default: asked of each socket.
    fn sizes(&self) -> BTreeMap<Room, usize> {
        let mut sizes = BTreeMap::new();
        let members = self.members(&Target::default());
        for room in members.iter().flat_map(|member| self.rooms(member.id())) {
            *sizes.entry(room).or_default() += 1;
        }
        sizes
    }

    /// How many sockets of this machine are in the namespace.
    fn count(&self) -> usize;

    /// Delivers a packet.
    fn broadcast(&self, packet: &Encoded, target: &Target, ack: Option<&AckRequest>);

    /// The adapter's part in connection state recovery; `None` if it has none, or it is off.
    ///
    /// An adapter that has one also sends broadcasts without an ack through
    /// [`Recovery::record`].
    fn recovery(&self) -> Option<&dyn Recovery> {
        None
    }

    /// Does something to sockets.
    fn apply(&self, target: &Target, operation: &Operation);

    /// Finds sockets.
    ///
    /// # Errors
    /// If other machines do not answer in time.
    fn fetch<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, crate::Result<Vec<SocketDetails>>>;

    /// The sockets of this machine.
    fn members(&self, target: &Target) -> Vec<Arc<dyn Member>>;

    /// Hands an event to the same namespace of all other servers, and collects their answers if
    /// `wants_ack`. Default: there are no others, so nobody answers and nobody is missing.
    ///
    /// # Errors
    /// If the event cannot be handed over. A server that does not answer in time is no error.
    fn emit_to_servers<'a>(
        &'a self,
        event: &'a ServerEvent,
        wants_ack: bool,
    ) -> BoxFuture<'a, crate::Result<ServerAnswers>> {
        let _ = (event, wants_ack);
        Box::pin(std::future::ready(Ok(ServerAnswers::default())))
    }
}
