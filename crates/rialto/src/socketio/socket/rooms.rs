//! The rooms of a socket, and the broadcasts that leave its own client out.

use super::Socket;
use crate::adapter::{Member, Room};
use crate::error::{Error, Result};
use crate::socketio::broadcast::{Broadcast, Rooms};
use crate::socketio::io::Io;
use std::sync::Arc;

impl Socket {
    /// Joins rooms: a name, or several; all of them, or none.
    ///
    /// # Errors
    /// If the client is gone, or it would be in more than [`Options::max_rooms`](crate::Options):
    /// [`Error::is_limit`].
    pub fn join(&self, rooms: impl Rooms) -> Result<()> {
        if self.0.namespace.adapter().join(&self.0.id, &rooms.into_rooms()) {
            return Ok(());
        }
        if self.is_over() {
            return Err(Error::disconnected());
        }
        self.0.refused_rooms();
        Err(Error::limit("the socket is in as many rooms as it may be in"))
    }

    /// Leaves rooms.
    ///
    /// # Errors
    /// None at present: who is not in a room has left it.
    pub fn leave(&self, rooms: impl Rooms) -> Result<()> {
        for room in rooms.into_rooms() {
            self.0.namespace.adapter().leave(&self.0.id, &room);
        }
        Ok(())
    }

    /// Leaves all rooms, the one of its own id excepted.
    pub fn leave_all(&self) {
        for room in self.rooms() {
            self.0.namespace.adapter().leave(&self.0.id, &room);
        }
    }

    /// The rooms it has joined, sorted; the one of its own id is left out.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        self.0.namespace.adapter().rooms(&self.0.id)
    }

    /// To everyone in these rooms except this client.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// To everyone in the namespace except this client.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.0.namespace)).except(Arc::clone(&self.0.id))
    }

    /// To everyone in the namespace on this machine, except this client.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// To everyone in the namespace outside these rooms, except this client.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// The namespace: emits to everyone, this client included.
    #[must_use]
    pub fn io(&self) -> Io {
        Io::new(Arc::clone(&self.0.namespace))
    }
}
