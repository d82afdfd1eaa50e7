//! What is told of a request that was refused.

use crate::handshake::Handshake;
use std::fmt;
use std::sync::Arc;

/// A request that was refused: see
/// [`Options::on_connection_error`](crate::Options::on_connection_error).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConnectionError<'a> {
    /// The number in the answer: the reference's, 0 to 5, or one of our own above them.
    pub code: u8,
    /// The text to it.
    pub message: &'static str,
    /// What exactly was wrong.
    pub context: &'a str,
    /// The request, without what a client sends later. Its query may hold a session's id.
    pub handshake: &'a Handshake,
}

pub(super) type ConnectionErrorFn = dyn Fn(&ConnectionError<'_>) + Send + Sync;

/// What is told of refused requests: see
/// [`Options::on_connection_error`](crate::Options::on_connection_error).
#[derive(Clone)]
pub struct OnConnectionError(pub(super) Arc<ConnectionErrorFn>);

impl OnConnectionError {
    pub(crate) fn tell(&self, error: &ConnectionError<'_>) {
        (self.0)(error);
    }
}

impl fmt::Debug for OnConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnConnectionError")
    }
}
