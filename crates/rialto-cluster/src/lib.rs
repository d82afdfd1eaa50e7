//! Adapters that let many Rialto machines act as one, and join clusters of Node servers.
//!
//! There are none yet: this crate is where those for Redis, NATS and Postgres will stand, one
//! feature each, so that nobody pays for the others. What they implement is
//! [`Adapter`], and a server takes them by `Server::adapter`:
//!
//! ```
//! use rialto::{Events, Server, adapter::Memory};
//! // The adapter of a single machine, which is also the default.
//! let server = Server::new(Events::new()).adapter(|_namespace| Memory::new());
//! ```

pub use rialto::adapter::Adapter;
