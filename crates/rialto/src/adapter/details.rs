//! What is known of a socket, wherever it is.

use super::{Member, Room};
use crate::handshake::Handshake;
use std::fmt;
use std::sync::Arc;

/// A socket of this or another machine, as [`Adapter::fetch`](super::Adapter::fetch) finds it.
#[derive(Clone)]
#[non_exhaustive]
pub struct SocketDetails {
    /// Its id.
    pub id: Room,
    /// The rooms it is in, sorted, the one of its own id left out.
    pub rooms: Vec<Room>,
    /// The request that opened its connection.
    pub handshake: Handshake,
    /// Its shared data, as JSON text.
    pub data: Option<Arc<str>>,
    /// The socket itself, if it is of this machine.
    pub member: Option<Arc<dyn Member>>,
}

impl SocketDetails {
    /// A socket of another machine.
    #[must_use]
    pub fn remote(id: Room, rooms: Vec<Room>, handshake: Handshake) -> Self {
        Self { id, rooms, handshake, data: None, member: None }
    }

    /// A socket of this machine.
    #[must_use]
    pub fn local(member: Arc<dyn Member>, rooms: Vec<Room>) -> Self {
        let id = Arc::clone(member.id());
        let (handshake, data) = (member.handshake().clone(), member.shared_data());
        Self { id, rooms, handshake, data, member: Some(member) }
    }
}

impl fmt::Debug for SocketDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketDetails")
            .field("id", &self.id)
            .field("rooms", &self.rooms)
            .finish_non_exhaustive()
    }
}
