//! The load on a Socket.IO server: the clients' side of Engine.IO 4 and Socket.IO 5, by WebSocket
//! and by long-polling. What a server has to answer is in `bench/README.md`.

mod broadcast;
mod connect;
mod exchange;
mod http;
mod idle;
mod link;
mod opening;
mod polling;
mod rally;
mod template;
mod window;

use super::{Outcome, Span, Target};
use anyhow::{Context, Result};
use rustls::ClientConfig;
use std::sync::Arc;

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Each keeps `depth` events in flight that are acknowledged with what they carried.
    Ack,
    /// Each keeps `depth` events in flight that come back as events.
    Event,
    /// Each keeps `depth` events with one attachment in flight; the ack brings it back.
    Binary,
    /// As `Ack`, by long-polling: a poll that waits and a POST at a time.
    Polling,
    /// One client keeps `depth` events in flight, each of which comes to `connections` others.
    Broadcast,
    /// `connections` at a time open a session by WebSocket, have an event acknowledged and leave.
    Connect,
    /// The same by long-polling with an upgrade to WebSocket.
    Upgrade,
    /// Sessions that rest, before and after an ack of 16 bytes and of 16 KiB on each.
    Idle,
}

impl Kind {
    /// Whether it needs long-polling.
    #[must_use]
    pub fn polls(self) -> bool {
        matches!(self, Self::Polling | Self::Upgrade)
    }
}

/// One scenario's load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What the clients do.
    pub kind: Kind,
    /// Bytes of the text, or of the attachment, in a message.
    pub size: usize,
    /// Messages in flight.
    pub depth: usize,
    /// How many clients.
    pub connections: usize,
    /// Whether all of it goes through TLS.
    pub tls: bool,
    /// Whether permessage-deflate is offered and demanded; clients themselves do not compress.
    pub deflate: bool,
}

/// The server as its clients see it.
struct Site {
    target: Target,
    tls: Option<Arc<ClientConfig>>,
    deflate: bool,
}

/// Puts the load on the server.
///
/// # Errors
/// When a connection fails, a reply is wrong, or nothing moves for five seconds. Acks that never
/// come are no error but a part of the outcome.
pub fn run(
    load: &Load,
    target: Target,
    span: Span,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Outcome> {
    let tls = match load.tls {
        true => Some(Arc::clone(tls.context("no certificate")?)),
        false => None,
    };
    let site = Site { target, tls, deflate: load.deflate };
    match load.kind {
        Kind::Ack | Kind::Event | Kind::Binary => rally::run(load, &site, span).map(Outcome::Cost),
        Kind::Polling => polling::run(load, &site, span).map(Outcome::Cost),
        Kind::Broadcast => broadcast::run(load, &site, span).map(Outcome::Cost),
        Kind::Connect | Kind::Upgrade => connect::run(load, &site, span).map(Outcome::Cost),
        Kind::Idle => idle::run(load, &site, span).map(Outcome::Idle),
    }
}
