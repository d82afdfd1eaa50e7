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
//! **Open.** [`serve`] listens on an address, [`accept`] takes any stream, [`connect`] calls a
//! server; all of them give a [`WebSocket`]. [`WebSocket::recv`], [`send`](WebSocket::send) and
//! [`close`](WebSocket::close) are cancel safe, [`split`](WebSocket::split) gives two halves, and
//! `Stream` and `Sink` are implemented.
//!
//! **Serve.** [`Serve`] has the rest of a server: several addresses and Unix sockets, a guard that
//! sees each [`Handshake`] and may refuse it, bounds on connections, and a graceful stop, which
//! says 1001 and waits until all is flushed. Which pages may connect is decided by [`Origins`].
//! A server that hyper or axum drives hands its connections over by `Upgrade` (features `hyper`
//! and `axum`), over HTTP/1.1 and HTTP/2 (RFC 8441).
//!
//! ```no_run
//! # async fn echo(_: rialto_ws::WebSocket) -> rialto_ws::Result<()> { Ok(()) }
//! # async fn example(stop: tokio::sync::oneshot::Receiver<()>) -> rialto_ws::Result<()> {
//! use http::StatusCode;
//! use rialto_ws::{Handshake, Refusal};
//!
//! rialto_ws::serve("127.0.0.1:8080", echo)
//!     .guard(async |handshake: Handshake| match handshake.request().path() {
//!         "/chat" => Ok(handshake),
//!         _ => Err(Refusal::new(StatusCode::NOT_FOUND, "connect to /chat")),
//!     })
//!     .max_connections(10_000)
//!     .with_graceful_shutdown(async { drop(stop.await) })
//!     .await
//! # }
//! ```
//!
//! **Call.** [`Connect`] says more about a connection to be made: header fields, proxies (HTTP
//! CONNECT and SOCKS5, by the usual environment variables or by a URL), redirects, Unix sockets, a
//! time limit for every phase. [`Reconnect`] makes it again whenever it is lost, with growing
//! pauses; its [`Messages`] are one conversation over many connections.
//!
//! ```no_run
//! # async fn example() -> rialto_ws::Result<()> {
//! use rialto_ws::{Connect, Incident};
//!
//! let feed = Connect::new("wss://feed.example/").header("authorization", "Bearer ...");
//! let mut messages = feed.reconnect().messages();
//! loop {
//!     match messages.recv().await? {
//!         Incident::Opened(sender) => sender.send("subscribe").await?,
//!         Incident::Message(message) => println!("{message}"),
//!         lost => eprintln!("connecting again: {lost:?}"),
//!     }
//! }
//! # }
//! ```
//!
//! **TLS** at both ends is rustls, by the feature `tls`, which is on by default: `wss://` URLs and
//! `ClientTls` (own roots, client certificates) for clients, `Serve::tls` and `ServerTls`
//! (certificates that are replaced while it runs) for servers.
//!
//! **Bound.** [`Options`] and [`Limits`] hold every bound with its default and reason. A
//! [`Heartbeat`] is on by default: a peer that is gone is noticed, and cut.
//!
//! **Compress.** permessage-deflate (RFC 7692) is offered by clients and switched on at a server
//! by [`Options::deflate`]; [`Deflate`] has its settings. [`Sender::uncompressed`] and
//! [`Prepared::compress`] leave out what is compressed already.
//!
//! **Send to many.** A [`Group`] is a topic: it frames and compresses a message once for all of
//! its members. [`Prepared`] is such a message by itself.
//!
//! **Stream.** [`WebSocket::recv_stream`] and [`WebSocket::message_writer`] are for messages too
//! large to be held: they come and go piece by piece, compressed or not.
//!
//! **Below.** [`proto`] is the protocol without I/O, for other runtimes, fuzzers and tools.
//!
//! # Features
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `tls` | yes | `wss://` at both ends |
//! | `hyper` | no | connections that hyper hands over |
//! | `axum` | no | the same as an extractor of axum |
//!
//! Pages for those who run it are in [`guide`]: [memory](guide::memory),
//! [flow control](guide::flow_control), [compression](guide::compression),
//! [deployment](guide::deployment), [migration](guide::migrate) from tungstenite and from `ws`.
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

mod budget;
mod client;
mod error;
mod group;
pub mod guide;
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
/// The types of requests and answers, as [`Refusal`] has them.
#[doc(no_inline)]
pub use http;
pub use io::stream::Stream;
pub use io::turn;
pub use io::turn::Turned;
pub use options::{Compression, Heartbeat, Options, SlowPeer};
pub use prepared::Prepared;
pub use proto::handshake::Request;
pub use proto::handshake::origin::{Matcher, Origins};
pub use proto::handshake::server::Refusal;
pub use proto::{
    CloseCode, CloseFrame, Deflate, Kind, Limits, Message, MessageRef, Role, Text, Violation,
};
#[cfg(feature = "tls")]
pub use server::ServerTls;
pub use server::{
    Connections, Endpoint, Handshake, Place, Serve, Workers, accept, accept_guarded, accept_pause,
    accept_with, run, serve, serve_on,
};
#[cfg(feature = "hyper")]
pub use server::{Upgrade, Upgrading};
pub use socket::WebSocket;
pub use split::{Receiver, Sender, Sending, Uncompressed};
pub use streaming::{MessageReader, MessageWriter};
