//! The load: clients of one kind against one server, measured after a warm-up.
//!
//! One thread and edge-triggered epoll. Messages are framed and masked before the run, every reply
//! is checked, so that a server which cuts a corner fails instead of winning.

mod cost;
mod deliveries;
mod echo;
mod fanout;
mod handshake;
mod idle;
mod inbound;
mod inflater;
mod messages;
mod meter;
mod net;
mod outbound;
pub mod socketio;
mod stream;

pub use cost::{resident_bytes, settled_bytes};

use anyhow::Result;
use std::time::Duration;

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every connection keeps `depth` messages in flight; each comes back as it was sent.
    Echo,
    /// One connection keeps `depth` messages in flight; each comes to all of them.
    Fanout,
    /// `connections` at a time connect, upgrade and are reset.
    Handshake,
    /// Connections that rest, before and after an echo of 16 bytes and of 16 KiB on each.
    Idle,
}

/// What is in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Random bytes.
    Binary,
    /// JSON in ASCII.
    Text,
    /// JSON with characters of two and three bytes.
    NonAscii,
}

/// One scenario's load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What the clients do.
    pub kind: Kind,
    /// Bytes of a message.
    pub size: usize,
    /// What is in a message.
    pub content: Content,
    /// Messages in flight.
    pub depth: usize,
    /// How many clients.
    pub connections: usize,
    /// Whether permessage-deflate is offered, demanded and used.
    pub deflate: bool,
}

/// The server under load.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// Its process, whose CPU time and memory are read.
    pub process: u32,
    /// It returns bytes, not frames: replies are counted, not parsed.
    pub raw: bool,
}

/// How long one run takes.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Time before anything is counted.
    pub warmup: Duration,
    /// Time that is counted.
    pub measured: Duration,
    /// Time for which Socket.IO sessions rest, to see what that costs.
    pub resting: Duration,
}

/// What one run gave.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// Of a load that works.
    Cost(Cost),
    /// Of one that rests.
    Idle(Idle),
}

/// What a server's work cost it.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Messages that came back, deliveries of a fan-out, or upgrades.
    pub messages: u64,
    /// Messages that never came back, of the loads that can tell.
    pub lost: u64,
    /// Seconds in which they did.
    pub seconds: f64,
    /// CPU time of the server per message, in ns: all threads, user and kernel.
    pub nanos: f64,
    /// The kernel's share of it, from 0 to 1.
    pub kernel: f64,
    /// Bytes received per message, frame headers included.
    pub bytes: f64,
    /// Share of one core that the server had.
    pub server_busy: f64,
    /// Share of one core that the clients had.
    pub clients_busy: f64,
}

/// Resident memory of a server, in bytes per connection.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// After the handshakes.
    pub open: f64,
    /// After an echo of 16 bytes on each.
    pub small: f64,
    /// After an echo of 16 KiB on each.
    pub large: f64,
    /// Share of one core that the server had while they rested; Socket.IO alone.
    pub busy: Option<f64>,
}

/// Puts the load on the server.
///
/// # Errors
/// When a connection fails, a reply is wrong, or nothing moves for five seconds.
pub fn run(load: &Load, target: Target, span: Span) -> Result<Outcome> {
    match load.kind {
        Kind::Echo => echo::run(load, target, span).map(Outcome::Cost),
        Kind::Fanout => fanout::run(load, target, span).map(Outcome::Cost),
        Kind::Handshake => handshake::run(load, target, span).map(Outcome::Cost),
        Kind::Idle => idle::run(load, target).map(Outcome::Idle),
    }
}
