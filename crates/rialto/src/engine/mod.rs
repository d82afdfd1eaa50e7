//! Engine.IO on a server: sessions, their two transports, one task for each session.

mod addresses;
mod admission;
mod cors;
mod driver;
mod entropy;
mod hooks;
mod host;
mod id;
mod jsonp;
mod layers;
mod line;
mod outbox;
mod polling;
mod queues;
mod reply;
mod revision3;
mod server;
mod session;
mod socket;
mod upgrade;

pub(crate) use admission::foreign_host;
pub(crate) use cors::{Asker, add_cors};
pub(crate) use driver::{Client, Fault};
pub(crate) use host::Host;
pub use host::Stats;
pub(crate) use id::random_id;
pub(crate) use layers::Layers;
pub(crate) use reply::{Reply, failed};
pub(crate) use server::{App, Engine};
pub(crate) use session::{SendError, Session};
pub(crate) use socket::EngineApp;
pub use socket::EngineSocket;
pub(crate) use upgrade::accept;
