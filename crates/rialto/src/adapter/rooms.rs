//! Rooms come and go: who is told, and in which order.

use super::{Host, Room};
use std::collections::VecDeque;
use std::sync::Weak;

/// What has happened to a room on this machine. The room of a socket's own id is none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomChange {
    /// The room has come to be; its first member joins next. Node's `create-room`.
    Created {
        /// The room.
        room: Room,
    },
    /// A socket has joined. Node's `join-room`.
    Joined {
        /// The room.
        room: Room,
        /// The socket's id.
        socket: Room,
    },
    /// A socket has left. Node's `leave-room`.
    Left {
        /// The room.
        room: Room,
        /// The socket's id.
        socket: Room,
    },
    /// The last member has left, and the room is gone. Node's `delete-room`.
    Deleted {
        /// The room.
        room: Room,
    },
}

/// Changes on their way to the namespace: noted under the lock of the rooms, told without it, in
/// the order in which they were noted.
#[derive(Default)]
pub(super) struct Changes {
    noted: VecDeque<RoomChange>,
    /// One thread tells at a time; the others leave their changes to it.
    telling: bool,
}

impl Changes {
    pub(super) fn note(&mut self, change: RoomChange) {
        self.noted.push_back(change);
    }
}

/// Tells the namespace what was noted; `access` lends the changes under their lock.
pub(super) fn tell(host: &Weak<dyn Host>, access: impl Fn(&mut dyn FnMut(&mut Changes))) {
    let next = |begin: bool| {
        let mut next = None;
        access(&mut |changes| {
            if begin && changes.telling {
                return;
            }
            next = changes.noted.pop_front();
            changes.telling = next.is_some();
        });
        next
    };
    let Some(host) = host.upgrade() else { return };
    let Some(mut change) = next(true) else { return };
    // Also after a panic of the user's code, others must be able to go on.
    let _rest = Rest(&access);
    loop {
        host.room_changed(&change);
        match next(false) {
            Some(another) => change = another,
            None => return,
        }
    }
}

struct Rest<'a, A: Fn(&mut dyn FnMut(&mut Changes))>(&'a A);

impl<A: Fn(&mut dyn FnMut(&mut Changes))> Drop for Rest<'_, A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)(&mut |changes| changes.telling = false);
        }
    }
}
