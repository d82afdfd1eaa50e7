//! WebSocket (RFC 6455) for tokio, server and client.
//!
//! ```no_run
//! # async fn example() -> rialto_ws::Result<()> {
//! use rialto_ws::WebSocket;
//!
//! // A server that returns what it is sent.
//! async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
//!     while let Some(message) = socket.recv().await? {
//!         socket.send(message).await?;
//!     }
//!     Ok(())
//! }
//! rialto_ws::serve("127.0.0.1:8080", echo).await
//! # }
//! ```
//!
//! # Tour
//! * [`serve`] listens on an address, [`accept`] takes any stream, [`connect`] calls a server.
//!   All of them give a [`WebSocket`].
//! * [`WebSocket::recv`], [`send`](WebSocket::send) and [`close`](WebSocket::close) are cancel
//!   safe; [`split`](WebSocket::split) gives two halves; `Stream` and `Sink` are implemented.
//! * [`Options`] and [`Limits`] hold every bound with its default and reason.
//! * [`Prepared`] frames a message once for many connections.
//! * [`proto`] is the protocol without I/O, for other runtimes, fuzzers and tools.
//!
//! # What it costs
//! A connection that waits for its peer owns no buffer: it reads into a buffer of the thread and
//! keeps only an unfinished message. Everything that one turn of a task sends leaves in one
//! system call, without any call to `flush` (see [`turn`]). Large payloads are not copied on the
//! way out, and a whole message that arrives in one piece is unmasked where it lies.
//!
//! Compression (RFC 7692) and TLS are not part of this version: [`accept`] and [`Connect::over`]
//! take any stream, a TLS stream included.

mod client;
mod error;
mod group;
mod head;
mod io;
mod options;
mod prepared;
pub mod proto;
mod server;
mod socket;
mod split;
mod streaming;

pub use client::{Backoff, Connect, Connections, Incident, Messages, Phase, Reconnect, connect};
#[cfg(feature = "tls")]
pub use client::{Tls, TlsBuilder};
pub use error::{Error, Result};
pub use group::{Delivery, Group, Membership};
pub use io::stream::Stream;
pub use io::turn;
pub use io::turn::Turned;
pub use options::{Compression, Options, SlowPeer};
pub use prepared::Prepared;
pub use proto::handshake::Request;
pub use proto::handshake::origin::Origins;
pub use proto::{
    CloseCode, CloseFrame, Deflate, Kind, Limits, Message, MessageRef, Role, Text, Violation,
};
pub use server::{accept, accept_pause, accept_with, run, serve, serve_on};
pub use socket::WebSocket;
pub use split::{Receiver, Sender};
pub use streaming::{MessageReader, MessageWriter};
