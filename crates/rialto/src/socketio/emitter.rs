//! [`Emitter`]: emits to one client with flags.

use super::emit::Emit;
use super::socket::Socket;
use crate::encoded::Flags;
use crate::error::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Emits to one client with flags: made by [`Socket::volatile`], [`Socket::compress`] and
/// [`Socket::timeout`].
#[derive(Clone, Copy, Debug)]
pub struct Emitter<'a> {
    socket: &'a Socket,
    flags: Flags,
    timeout: Option<Duration>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(socket: &'a Socket) -> Self {
        Self { socket, flags: Flags::default(), timeout: None }
    }

    /// As [`Socket::volatile`].
    #[must_use]
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// As [`Socket::compress`].
    #[must_use]
    pub fn compress(mut self, on: bool) -> Self {
        self.flags.compress = on;
        self
    }

    /// As [`Socket::timeout`].
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Self {
        Self { timeout: Some(limit), ..self }
    }

    /// As [`Socket::emit`].
    pub fn emit(self, name: &str, args: impl Serialize) -> Emit {
        self.socket.emit_flagged(name, &args, self.flags)
    }

    /// As [`Socket::emit_with_ack`], which volatile does not concern: it would never be answered.
    ///
    /// # Errors
    /// As [`Socket::emit_with_ack`].
    pub async fn emit_with_ack<T: DeserializeOwned>(
        self,
        name: &str,
        args: impl Serialize,
    ) -> Result<T> {
        let limit = self.timeout.unwrap_or_else(|| self.socket.ack_timeout());
        let flags = Flags { volatile: false, ..self.flags };
        self.socket.ask(name, &args, limit, flags).await
    }
}
