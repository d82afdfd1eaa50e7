//! What an adapter keeps for clients that come back: connection state recovery.

use super::{Member, Room, Target};
use crate::encoded::Encoded;
use futures_util::future::BoxFuture;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The part of an adapter that recovers the state of connections: see [`Adapter::recovery`].
///
/// Each event without an ack gets an *offset*, a string that clients keep and present again. An
/// adapter makes them up as it likes, as long as it knows them again. [`Memory`](super::Memory)
/// implements this for one process; an adapter that lasts longer implements it over a store.
///
/// [`Adapter::recovery`]: super::Adapter::recovery
pub trait Recovery: Send + Sync {
    /// Hands a packet for `target` over through `send`, with its offset as one more argument, and
    /// keeps it if `send` says that it was taken.
    ///
    /// Packets are handed over in the order of their offsets, or a client could miss one: `send`
    /// is called before any later packet is, and it never waits. A volatile packet is not kept; if
    /// its last argument is a string, which clients take for an offset, it carries the newest one.
    fn record(&self, packet: &Encoded, target: &Target, send: &mut dyn FnMut(&Encoded) -> bool);

    /// Keeps the state of a socket whose connection was lost, while it is still in its rooms.
    fn persist_session(&self, session: SavedSession);

    /// Takes a session out, for good: whoever comes second finds none.
    ///
    /// `offset` is the last one that the client has received; without one it has received nothing
    /// since the session began. `None` if there is no such session, if packets that it might have
    /// missed are no longer kept, or if it has missed more than `limit` bytes.
    fn restore_session<'a>(
        &'a self,
        pid: &'a str,
        offset: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Option<SavedSession>>;

    /// Drops the session that is kept for the socket of this id: its client begins anew. False if
    /// there is none. Default: none is found.
    fn forget_session(&self, id: &str) -> bool {
        let _ = id;
        false
    }

    /// The socket of a restored session joins the namespace and its rooms. What it has missed goes
    /// through `hand`, in order, before anything later reaches `member`.
    fn rejoin(
        &self,
        session: &SavedSession,
        member: Arc<dyn Member>,
        hand: &mut dyn FnMut(&Encoded),
    );

    /// True while sessions are kept in this process: a namespace with some is not forgotten.
    fn keeps_sessions(&self) -> bool;
}

/// The state of one socket between two connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SavedSession {
    /// The socket's public id, which it gets back.
    pub id: Room,
    /// The secret by which the client claims it.
    pub pid: Box<str>,
    /// The rooms it was in, the one of its own id left out.
    pub rooms: Vec<Room>,
    /// What the program stored for the socket.
    pub data: SessionData,
    /// What the adapter in memory knows of it.
    pub(super) marks: Marks,
}

impl SavedSession {
    /// The state of a socket.
    #[must_use]
    pub fn new(id: Room, pid: Box<str>, rooms: Vec<Room>, data: SessionData) -> Self {
        Self { id, pid, rooms, data, marks: Marks::default() }
    }
}

/// The values of a socket ([`Socket::data`](crate::Socket::data)). They stay in the process.
#[derive(Clone)]
pub struct SessionData(Arc<dyn Any + Send + Sync>);

impl SessionData {
    pub(crate) fn new(values: impl Any + Send + Sync) -> Self {
        Self(Arc::new(values))
    }

    pub(crate) fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

/// None: for adapters that restore a session in another process.
impl Default for SessionData {
    fn default() -> Self {
        Self::new(())
    }
}

impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionData")
    }
}

/// Numbers of packets at which something began for a socket: it concerns those behind it.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// The socket joined the namespace.
    pub(super) since: u64,
    /// It joined these rooms.
    pub(super) rooms: Vec<(Room, u64)>,
    /// The last packet that it has received.
    pub(super) received: u64,
}
