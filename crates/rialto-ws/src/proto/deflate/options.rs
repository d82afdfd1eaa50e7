//! What one side wishes.

use std::ops::RangeInclusive;

/// Window sizes that RFC 7692 §7.1.2 knows, as powers of two.
pub(super) const WINDOWS: RangeInclusive<u8> = 8..=15;

/// The settings of permessage-deflate (RFC 7692), for a server as for a client.
///
/// The defaults keep no memory for an idle connection: both sides start each message anew.
/// Keeping the context from message to message makes small messages smaller, and costs about
/// 380 KB for what is sent and 48 KB for what is received, per connection.
///
/// ```
/// use rialto_ws::{Deflate, Options};
/// let options = Options::default().deflate(Deflate::default().threshold(256).level(6));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deflate {
    /// How hard to compress, 1 (fastest) to 9. Default 1.
    pub level: u8,
    /// Messages of fewer bytes are sent as they are. Default 1024.
    pub threshold: usize,
    /// The server starts each message anew (RFC 7692 §7.1.1.1). Default true.
    pub server_no_context_takeover: bool,
    /// The client starts each message anew (RFC 7692 §7.1.1.2). Default true.
    pub client_no_context_takeover: bool,
    /// The server's window, a power of two from 8 to 15 (RFC 7692 §7.1.2.1). Default 15.
    pub server_max_window_bits: u8,
    /// The client's window, a power of two from 8 to 15 (RFC 7692 §7.1.2.2). Default 15.
    ///
    /// A server that wants less cannot accept a client that does not offer the parameter.
    pub client_max_window_bits: u8,
    /// Contexts kept in the whole process, both directions counted. Default 1024.
    ///
    /// Beyond it connections are made as if no context takeover had been wished.
    pub max_contexts: usize,
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            level: 1,
            threshold: 1024,
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
            max_contexts: 1024,
        }
    }
}

impl Deflate {
    /// Sets [`Deflate::level`]; what is out of range becomes the nearest that is not.
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = level.clamp(1, 9);
        self
    }

    /// Sets [`Deflate::threshold`], in bytes.
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Keeps the context from message to message in both directions, if the peer agrees.
    #[must_use]
    pub fn context_takeover(mut self) -> Self {
        self.server_no_context_takeover = false;
        self.client_no_context_takeover = false;
        self
    }

    /// Sets [`Deflate::server_no_context_takeover`].
    #[must_use]
    pub fn server_no_context_takeover(mut self, on: bool) -> Self {
        self.server_no_context_takeover = on;
        self
    }

    /// Sets [`Deflate::client_no_context_takeover`].
    #[must_use]
    pub fn client_no_context_takeover(mut self, on: bool) -> Self {
        self.client_no_context_takeover = on;
        self
    }

    /// Sets [`Deflate::server_max_window_bits`]; what is out of range becomes the nearest that is
    /// not.
    #[must_use]
    pub fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = bits;
        self
    }

    /// Sets [`Deflate::client_max_window_bits`]; as with the server's.
    #[must_use]
    pub fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_max_window_bits = bits;
        self
    }

    /// Sets [`Deflate::max_contexts`].
    #[must_use]
    pub fn max_contexts(mut self, count: usize) -> Self {
        self.max_contexts = count;
        self
    }

    /// The same with every number in its range, whoever wrote the fields.
    pub(super) fn in_range(mut self) -> Self {
        let (least, most) = (*WINDOWS.start(), *WINDOWS.end());
        self.level = self.level.clamp(1, 9);
        self.server_max_window_bits = self.server_max_window_bits.clamp(least, most);
        self.client_max_window_bits = self.client_max_window_bits.clamp(least, most);
        self
    }
}
