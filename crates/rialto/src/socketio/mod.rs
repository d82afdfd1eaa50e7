//! Socket.IO: namespaces, sockets, rooms, events and acks.

mod acks;
mod broadcast;
mod connection;
mod core;
mod emit;
mod event;
mod events;
mod extensions;
mod handler;
mod listener;
mod namespace;
mod returning;
mod running;
mod socket;

pub use acks::Acks;
pub use broadcast::{Broadcast, Rooms};
pub(crate) use connection::SocketIo;
pub(crate) use core::{Closer, Core, Plan};
pub use emit::Emit;
pub use event::Event;
pub use events::Events;
pub use handler::{Guarded, Handler, Refused, guard};
pub use namespace::Io;
pub use socket::{Emitter, Socket};
