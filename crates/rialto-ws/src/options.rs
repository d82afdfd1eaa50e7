//! The options of a connection, server and client alike.

use crate::budget::SharedBudget;
use crate::proto::handshake::origin::Origins;
use crate::proto::handshake::server::Terms;
use crate::proto::{CloseFrame, Deflate, Limits, Role};
use std::time::Duration;

/// What `send` and `feed` do while [`Options::send_budget`] is used up.
///
/// `try_send` refuses by [`is_full`](crate::Error::is_full) whatever the policy, `Sink` waits, and
/// a [`Group`](crate::Group) has a policy of its own.
///
/// ```
/// use rialto_ws::{CloseCode, CloseFrame, Options, SlowPeer};
/// let too_slow = CloseFrame::new(CloseCode::TRY_AGAIN, "try a faster network");
/// let options = Options::default().slow_peer(SlowPeer::Close(too_slow));
/// assert_ne!(options.slow_peer, SlowPeer::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowPeer {
    /// Wait until the peer has read. The default.
    #[default]
    Wait,
    /// Drop the message, count it in [`Sender::dropped`](crate::Sender::dropped), report success.
    /// For news that are worth nothing when they are late.
    Drop,
    /// Close the connection with this frame; `send` fails by [`is_full`](crate::Error::is_full).
    ///
    /// What was queued before still goes first. A peer that has not taken it and answered after
    /// [`Options::close_timeout`] is cut off. [`SlowPeer::close`] has the usual frame.
    Close(CloseFrame),
}

impl SlowPeer {
    /// [`SlowPeer::Close`] with code 1008 and the reason "reading too slowly".
    #[must_use]
    pub fn close() -> Self {
        Self::Close(CloseFrame::new(1008, "reading too slowly"))
    }
}

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
    /// While that much waits, `send` waits (see [`Options::slow_peer`]) and `try_send` refuses. The
    /// message that reaches the budget is still taken, whatever its size.
    pub send_budget: usize,
    /// A bound that this connection shares with others. Default `None`.
    ///
    /// While it is exhausted, a connection for which anything waits has no room for more: what
    /// would be queued is treated as if its own [`send_budget`](Self::send_budget) were used up.
    /// Peers that keep up are not concerned.
    pub shared_budget: Option<SharedBudget>,
    /// What `send` does while that much waits. Default [`SlowPeer::Wait`].
    pub slow_peer: SlowPeer,
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
    /// A slow peer is safe: each byte that the kernel takes begins the time anew.
    /// [`recv`](crate::WebSocket::recv) reports a timeout, `send` fails, and once the handler lets
    /// the socket go the peer finds its connection reset and the kernel's buffers are free.
    pub stall_timeout: Option<Duration>,
    /// Bytes in the head of a handshake, either way: first line, header fields and the empty line.
    /// Default 16 KiB, inclusive, so that large cookies pass; more is answered 431.
    ///
    /// Beside it, a head may have 100 header fields; one more is answered 431, too. A client gives
    /// up on an answer that exceeds either.
    pub max_head: usize,
    /// Subprotocols: what a server speaks, best first, or what a client offers. Default none.
    pub protocols: Vec<String>,
    /// Whether messages may be compressed. Default: a client offers it, a server does not accept.
    pub compression: Compression,
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
            shared_budget: None,
            slow_peer: SlowPeer::Wait,
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            heartbeat: Some(Heartbeat::default()),
            idle_timeout: None,
            stall_timeout: Some(Duration::from_secs(60)),
            max_head: 16 << 10,
            protocols: Vec::new(),
            compression: Compression::default(),
            origins: Origins::default(),
        }
    }
}

impl Options {
    /// What a server with these options wants of those who connect.
    #[must_use]
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            origins: &self.origins,
            protocols: &self.protocols,
            deflate: self.compression.settings(Role::Server),
        }
    }

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

    /// Sets [`Options::shared_budget`].
    #[must_use]
    pub fn shared_budget(mut self, budget: SharedBudget) -> Self {
        self.shared_budget = Some(budget);
        self
    }

    /// Sets [`Options::slow_peer`].
    #[must_use]
    pub fn slow_peer(mut self, policy: SlowPeer) -> Self {
        self.slow_peer = policy;
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

    /// Switches permessage-deflate (RFC 7692) on with these settings: a server accepts it, a
    /// client offers it.
    #[must_use]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.compression = Compression::Deflate(deflate);
        self
    }

    /// Switches compression off, for a client too.
    #[must_use]
    pub fn no_compression(mut self) -> Self {
        self.compression = Compression::Off;
        self
    }

    /// Sets [`Options::origins`]; see [`Origins::list`].
    #[must_use]
    pub fn origins<I: IntoIterator<Item: Into<String>>>(mut self, origins: I) -> Self {
        self.origins = Origins::list(origins);
        self
    }
}

/// Whether a connection may be compressed by permessage-deflate (RFC 7692).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// A client offers it with [`Deflate::default`], a server does not accept it: whoever serves
    /// many pays for it, and decides.
    #[default]
    ByRole,
    /// Neither offered nor accepted.
    Off,
    /// Offered and accepted with these settings.
    Deflate(Deflate),
}

impl Compression {
    /// The settings with which an end of this role offers or accepts, if it does.
    #[must_use]
    pub fn settings(self, role: Role) -> Option<Deflate> {
        match (self, role) {
            (Self::Deflate(settings), _) => Some(settings),
            (Self::ByRole, Role::Client) => Some(Deflate::default()),
            _ => None,
        }
    }
}
