//! The options of a connection, server and client alike.

use crate::proto::Limits;
use crate::proto::handshake::origin::Origins;
use std::time::Duration;

/// What may be set for a connection. Start from [`Options::default`].
///
/// ```
/// use rialto_ws::Options;
/// let options = Options::default().max_message(1 << 20).protocols(["chat.v2", "chat.v1"]);
/// assert_eq!(options.limits.max_message, 1 << 20);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Bounds on what is received.
    pub limits: Limits,
    /// Bytes that may wait for a peer that reads slowly. Default 1 MiB.
    ///
    /// While that much waits, `send` waits and `try_send` refuses. The message that reaches the
    /// budget is still taken, whatever its size.
    pub send_budget: usize,
    /// Time for the opening handshake, from the first wait to its end. Default 10 s.
    pub handshake_timeout: Duration,
    /// Time for the closing handshake, after which the stream is cut. Default 5 s.
    pub close_timeout: Duration,
    /// Pings, and the end of a peer that answers none. Default 30 s and 20 s; `None` sends none.
    pub heartbeat: Option<Heartbeat>,
    /// Time without a message in either direction, after which the connection is closed with
    /// code 1000. Default `None`: a connection may rest for as long as its peer lives.
    ///
    /// Pings and pongs are no messages, and a message counts when it is complete. It is checked
    /// every quarter of the time, and never ends a connection early.
    pub idle_timeout: Option<Duration>,
    /// Time in which the peer takes none of the bytes that wait for it, after which it is cut
    /// off. Default 60 s; `None` lets a peer stop reading for good and keep its bytes waiting.
    ///
    /// A slow peer is safe: each byte that the kernel takes begins the time anew. [`recv`]
    /// (crate::WebSocket::recv) reports a timeout, and so does the peer: its connection is reset.
    pub stall_timeout: Option<Duration>,
    /// Bytes in the head of a handshake, either way. Default 16 KiB; more is answered 431.
    pub max_head: usize,
    /// Subprotocols: what a server speaks, best first, or what a client offers. Default none.
    pub protocols: Vec<String>,
    /// Which pages may connect to a server. Default [`Origins::same`].
    pub origins: Origins,
}

/// Pings that tell a silent peer from a dead one. Both ends may have one.
///
/// Whatever arrives is a sign of life: a connection with traffic sends no pings at all.
/// Time in which this process did not read never counts against the peer. Where the connection is
/// a TCP or Unix socket, its kernel is asked whether something waits to be read; of other streams
/// (TLS) only a task that waits in [`recv`](crate::WebSocket::recv) can tell, and as long as
/// nobody receives, nothing is decided.
///
/// A dead peer's connection is cut without a Close frame, and its own end, if it lives on after
/// all, finds it reset. `recv` fails with [`is_timeout`](crate::Error::is_timeout); a browser in
/// the peer's place would report 1006.
///
/// ```
/// use rialto_ws::{Heartbeat, Options};
/// use std::time::Duration;
/// let heartbeat = Heartbeat::new(Duration::from_secs(10), Duration::from_secs(5));
/// let options = Options::default().heartbeat(heartbeat);
/// let silent = Options::default().heartbeat(None);
/// # assert!(options.heartbeat.is_some() && silent.heartbeat.is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Heartbeat {
    /// The longest silence of the peer before it is pinged. Default 30 s, below the 60 s after
    /// which common proxies cut a connection that carries nothing.
    ///
    /// The ping leaves between half of it and the whole: a peer that only pongs is pinged once
    /// per interval.
    pub interval: Duration,
    /// Time for any byte to come back. Default 20 s.
    ///
    /// No peer is given less; a dead one is found after at most half as much again.
    pub timeout: Duration,
}

impl Heartbeat {
    /// A heartbeat. Times below a few milliseconds are as good as that.
    #[must_use]
    pub const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout }
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::new(Duration::from_secs(30), Duration::from_secs(20))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            send_budget: 1 << 20,
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            heartbeat: Some(Heartbeat::default()),
            idle_timeout: None,
            stall_timeout: Some(Duration::from_secs(60)),
            max_head: 16 << 10,
            protocols: Vec::new(),
            origins: Origins::default(),
        }
    }
}

impl Options {
    /// Sets [`Limits::max_message`], in bytes.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.limits.max_message = bytes;
        self
    }

    /// Sets [`Options::limits`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`Options::send_budget`], in bytes.
    #[must_use]
    pub fn send_budget(mut self, bytes: usize) -> Self {
        self.send_budget = bytes;
        self
    }

    /// Sets [`Options::handshake_timeout`].
    #[must_use]
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }

    /// Sets [`Options::close_timeout`].
    #[must_use]
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.close_timeout = time;
        self
    }

    /// Sets [`Options::heartbeat`]; `None` switches it off.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: impl Into<Option<Heartbeat>>) -> Self {
        self.heartbeat = heartbeat.into();
        self
    }

    /// Sets [`Options::idle_timeout`].
    #[must_use]
    pub fn idle_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = time.into();
        self
    }

    /// Sets [`Options::stall_timeout`]; `None` switches it off.
    #[must_use]
    pub fn stall_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.stall_timeout = time.into();
        self
    }

    /// Sets [`Options::protocols`].
    #[must_use]
    pub fn protocols<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`Options::origins`]; see [`Origins::list`].
    #[must_use]
    pub fn origins<I: IntoIterator<Item: Into<String>>>(mut self, origins: I) -> Self {
        self.origins = Origins::list(origins);
        self
    }
}
