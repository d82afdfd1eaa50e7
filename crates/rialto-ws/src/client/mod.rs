//! The client's end, from a URL to an open connection.
//!
//! `url` says where to, `dial` and `proxy` lead there, `tls` hides what is said, `handshake` opens
//! the connection, `redirect` begins anew, and `connect` puts them in order. `reconnect` and
//! `messages` repeat it.

mod answer;
mod backoff;
mod connect;
mod dial;
mod handshake;
mod messages;
mod phase;
mod proxy;
mod race;
mod reconnect;
mod redirect;
mod url;
mod wire;

#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "plain.rs"]
mod tls;
#[cfg(feature = "tls")]
mod verifier;

pub use backoff::Backoff;
pub use connect::{Connect, connect};
pub use messages::{Incident, Messages};
pub use phase::Phase;
pub use reconnect::{Reconnect, Reconnections};
#[cfg(feature = "tls")]
pub use tls::{ClientTls, ClientTlsBuilder};
