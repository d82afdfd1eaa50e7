//! Socket.IO: namespaces, sockets, rooms, events and acks.

mod acks;
mod broadcast;
mod connection;
mod core;
mod emit;
mod emitter;
mod event;
mod events;
mod extensions;
mod handler;
#[cfg(doctest)]
mod hints;
mod io;
mod kept;
mod listener;
mod misnamed;
mod namespace;
mod outgoing;
mod owed;
mod pace;
mod pattern;
mod rare;
mod reading;
mod remote;
mod returning;
mod revision4;
mod running;
mod servers;
mod socket;

pub use acks::Acks;
pub use broadcast::{Broadcast, Rooms};
pub(crate) use connection::SocketIo;
pub(crate) use core::{Closer, Core, Plan, by_parsing};
pub use emit::Emit;
pub use emitter::Emitter;
pub use event::Event;
pub use events::Events;
pub use handler::{Guard, Guarded, Handler, Refused, guard};
pub use io::Io;
pub use outgoing::Outgoing;
pub(crate) use pattern::Pattern;
pub use remote::RemoteSocket;
pub use servers::ServerAcks;
pub use socket::Socket;
