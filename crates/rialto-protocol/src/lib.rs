//! Engine.IO and Socket.IO as values and state machines: no sockets, no tasks, no clock, no
//! randomness.
//!
//! Rialto's server drives this crate; so can any other runtime, a fuzzer, or a tool that looks at
//! recorded traffic. Bytes and the present time come in as arguments, packets and the next deadline
//! come out. There are two layers, and neither knows the other:
//!
//! - [`engine`]: [`Packet`](engine::Packet), [`PayloadDecoder`](engine::PayloadDecoder),
//!   [`Open`](engine::Open) and [`Query`](engine::Query) are the wire; [`Session`](engine::Session)
//!   is the rules: heartbeat, upgrade, close.
//! - [`socketio`]: [`Packet`](socketio::Packet) and [`encode_event`](socketio::encode_event) are
//!   the wire; [`Assembler`](socketio::Assembler) adds the attachments, and
//!   [`decode`](socketio::decode) turns arguments into serde values.
//!
//! Every method of a state machine is of one of four kinds: `receive*` and `*_started`/`*_ended`
//! take what happened, `handle_timeout` takes the time, `poll_timeout` says when that is due, and
//! the rest look or command. What a peer does wrong is a closed enum, [`engine::Violation`] and
//! [`socketio::Violation`]; what does not fit the user's types is a [`socketio::Error`].
//!
//! # A message in
//!
//! One WebSocket message, through both layers, into the handler's type. Nothing is copied before
//! the last step, and the body is parsed into values once.
//!
//! ```
//! use std::{sync::Arc, time::Instant};
//! use rialto_protocol::engine::{self, Config, Received, Session, Transport};
//! use rialto_protocol::socketio::{Assembler, Limits, decode, event_name};
//!
//! let now = Instant::now();
//! let mut session = Session::new(Arc::new(Config::default()), Transport::WebSocket, now);
//! let mut assembler = Assembler::new(Limits::default());
//!
//! let message = r#"42/chat,7["say","hello",3]"#;
//! let packet = engine::Packet::decode(message)?;
//! assert_eq!(session.receive(&packet, now)?, Received::Message);
//!
//! let engine::Packet::Text(text) = packet else { unreachable!() };
//! let packet = assembler.receive_text(text, now)?.expect("it announces no attachments");
//! assert_eq!((packet.namespace, packet.id), ("/chat", Some(7)));
//!
//! let (name, _) = event_name(packet.data).expect("checked when it was received");
//! assert_eq!(name, "say");
//! let (text, times): (String, u32) = decode(packet.data, true, &[])?;
//! assert_eq!((text.as_str(), times), ("hello", 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A message out
//!
//! ```
//! use bytes::Bytes;
//! use rialto_protocol::socketio::encode_event;
//!
//! // The Engine.IO digit for a message, and the Socket.IO packet straight behind it.
//! let mut out = b"4".to_vec();
//! let picture = Bytes::from_static(&[0x89, 0x50]);
//! let attachments = encode_event(&mut out, "/", None, "drawn", &("cat", &picture))?;
//! assert_eq!(out, br#"451-["drawn","cat",{"_placeholder":true,"num":0}]"#);
//! assert_eq!(attachments, [picture]);
//! # Ok::<(), rialto_protocol::socketio::Error>(())
//! ```
//!
//! # A polling body
//!
//! ```
//! use rialto_protocol::engine::{Packet, PayloadDecoder};
//!
//! for packet in PayloadDecoder::from_bytes(b"40\x1e42[\"hi\"]\x1e3")? {
//!     println!("{:?}", packet?);
//! }
//! # Ok::<(), rialto_protocol::engine::Violation>(())
//! ```
//!
//! # Limits
//!
//! Nothing grows by what a peer announces, and parts are counted as well as bytes:
//! [`socketio::Limits`], [`engine::DEFAULT_MAX_PACKETS`], [`engine::MAX_QUERY_BYTES`],
//! [`socketio::MAX_DEPTH`]. No input makes a function of this crate panic or recurse without bound.

pub mod engine;
mod reason;
pub mod socketio;

pub use reason::CloseReason;

/// Runs the README's example with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
