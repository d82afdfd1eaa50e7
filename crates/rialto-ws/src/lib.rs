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
//! * [`Connect`] says more about a connection to be made: header fields, TLS, proxies, redirects,
//!   Unix sockets, time limits. [`Reconnect`] makes it again whenever it is lost.
//! * [`Options`] and [`Limits`] hold every bound with its default and reason.
//! * [`Group`] sends to many, framed once; [`Prepared`] is such a message by itself.
//! * [`WebSocket::recv_stream`] and [`WebSocket::message_writer`] are for messages too large to be
//!   held: they come and go piece by piece.
//! * [`proto`] is the protocol without I/O, for other runtimes, fuzzers and tools.
//!
//! # Flow
//! [`send`](WebSocket::send) waits while [`Options::send_budget`] bytes wait for the peer, or does
//! what [`Options::slow_peer`] says; [`try_send`](WebSocket::try_send) refuses;
//! [`feed`](WebSocket::feed) saves a system call and [`flush`](WebSocket::flush) waits for the
//! kernel. [`buffered`](WebSocket::buffered) and [`dropped`](WebSocket::dropped) tell how it goes.
//!
//! | send budget is used up | what happens | else |
//! | --- | --- | --- |
//! | `send`, `feed` | they wait | [`SlowPeer::Drop`], [`SlowPeer::Close`] |
//! | `try_send`, `ping` | [`Error::is_full`] | |
//! | `Sink` | `poll_ready` waits | |
//! | [`MessageWriter`] | waits | |
//! | [`Group`] | `publish` drops it for that member | `closing_slow`, `publish_wait` |
//!
//! # What it costs
//! A connection that waits for its peer owns no buffer: it reads into a buffer of the thread and
//! keeps only an unfinished message. Everything that one turn of a task sends leaves in one
//! system call, without any call to `flush` (see [`turn`]). Large payloads are not copied on the
//! way out, and a whole message that arrives in one piece is unmasked where it lies.
//!
//! TLS at both ends is the feature `tls`, which is on by default.

mod budget;
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

pub use budget::{Charge, SharedBudget};
pub use client::{Backoff, Connect, Incident, Messages, Phase, Reconnect, Reconnections, connect};
#[cfg(feature = "tls")]
pub use client::{ClientTls, ClientTlsBuilder};
pub use error::{Error, Result};
pub use group::{Delivery, Group, Membership};
pub use io::stream::Stream;
pub use io::turn;
pub use io::turn::Turned;
pub use options::{Compression, Heartbeat, Options, SlowPeer};
pub use prepared::Prepared;
pub use proto::handshake::Request;
pub use proto::handshake::origin::Origins;
pub use proto::handshake::server::Refusal;
pub use proto::{
    CloseCode, CloseFrame, Deflate, Kind, Limits, Message, MessageRef, Role, Text, Violation,
};
#[cfg(feature = "tls")]
pub use server::ServerTls;
pub use server::{
    Connections, Endpoint, Handshake, Place, Serve, accept, accept_guarded, accept_pause,
    accept_with, run, serve, serve_on,
};
#[cfg(feature = "hyper")]
pub use server::{Upgrade, Upgrading};
pub use socket::WebSocket;
pub use split::{Receiver, Sender, Sending};
pub use streaming::{MessageReader, MessageWriter};
