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
    /// Bytes in the head of a handshake, either way: first line, header fields and the empty line.
    /// Default 16 KiB, inclusive, so that large cookies pass; more is answered 431.
    ///
    /// Beside it, a head may have 100 header fields; one more is answered 431, too. A client gives
    /// up on an answer that exceeds either.
    pub max_head: usize,
    /// Subprotocols: what a server speaks, best first, or what a client offers. Default none.
    pub protocols: Vec<String>,
    /// Which pages may connect to a server. Default [`Origins::same`].
    pub origins: Origins,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            send_budget: 1 << 20,
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
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
