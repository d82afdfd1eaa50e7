//! Rialto: Socket.IO, Engine.IO, WebSocket, routes and static files on one port.
//!
//! ```no_run
//! use rialto::{Events, Server};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> rialto::Result {
//!     let events = Events::new().on("chat message", async |socket, text: String| {
//!         socket.io().emit("chat message", text).await
//!     });
//!     Server::new(events).files("public").listen("127.0.0.1:3000").await
//! }
//! ```
//!
//! # Tour
//! * [`Server`] puts it together: namespaces, files, routes, raw WebSockets, options; it
//!   [`listen`](Server::listen)s, or becomes part of an axum application by
//!   [`into_router`](Server::into_router).
//! * A namespace is served by a [`Handler`]: an [`Events`] table, an `async` function with a
//!   [`recv`](Socket::recv) loop, or either behind a login by [`guard`].
//! * [`Socket`] is one client: `emit`, `emit_with_ack`, `join`, `to`, `broadcast`.
//!   [`Io`] is everyone in a namespace, from anywhere.
//! * Arguments are serde values: one value is one argument, a tuple several, `()` none;
//!   [`Bytes`] anywhere inside travels as a binary attachment; [`Args`] and [`Value`] are the
//!   dynamic form.
//! * [`parser`] sets how packets are written: JSON, MessagePack, or your own way.
//! * [`adapter`] is the interface behind which many machines act as one.

mod compression;
mod encoded;
mod ends;
mod engine;
mod error;
mod handshake;
mod http;
mod net;
mod options;
mod panics;
mod server;
mod socketio;
mod warnings;

pub mod adapter;
pub mod parser;

pub use axum;
pub use bytes::Bytes;
pub use encoded::Encoded;
pub use engine::{EngineSocket, Stats};
pub use error::{Error, Result};
pub use handshake::Handshake;
pub use options::{
    AddHeaders, AllowRequest, ConnectionError, ConnectionStateRecovery, Cookie, Cors, DecideOrigin,
    Denied, Encoding, GenerateId, HttpCompression, OnConnectionError, OptionalCompression,
    OptionalCookie, Options, Priority, SameSite, ServeClient, SlowPeer, Transport,
};
pub use rialto_protocol::CloseReason;
pub use rialto_protocol::socketio::{Args, Value};
pub use rialto_ws as ws;
pub use server::{Address, Listen, Server};
pub use socketio::{
    Acks, Broadcast, Emit, Emitter, Event, Events, Guard, Guarded, Handler, Io, Outgoing, Refused,
    RemoteSocket, Rooms, ServerAcks, Socket, guard,
};
