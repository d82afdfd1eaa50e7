//! The server's end: `serve` on a port, `accept` on any stream, connections that hyper hands over.

mod accept;
mod addresses;
mod connections;
mod deadline;
mod endpoint;
#[cfg(feature = "axum")]
mod extract;
mod handshake;
mod pause;
mod run;
mod serve;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "hyper")]
mod upgrade;
mod workers;

pub use accept::{accept, accept_guarded, accept_with};
pub use connections::{Connections, Place};
pub use endpoint::Endpoint;
pub use handshake::Handshake;
pub use pause::accept_pause;
pub use run::run;
pub use serve::{Serve, serve, serve_on};
#[cfg(feature = "tls")]
pub use tls::ServerTls;
#[cfg(feature = "hyper")]
pub use upgrade::{Upgrade, Upgrading};
pub use workers::Workers;
