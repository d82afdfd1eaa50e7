//! The option of connection state recovery.

use std::time::Duration;

/// Connection state recovery: what is kept of a client whose connection was lost, so that the one
/// it opens next can go on where the last one ended.
///
/// A client that comes back in time has [`Socket::recovered`](crate::Socket::recovered): its id,
/// its rooms, its data and, in order and once, the events without an ack that it missed. The stock
/// clients from 4.6 on do their part by themselves. An application must cope with a client that
/// was *not* recovered: the time may have been too long, or the server may be a new process.
///
/// ```
/// use rialto::{ConnectionStateRecovery, Options};
/// use std::time::Duration;
/// let recovery =
///     ConnectionStateRecovery::default().max_disconnection_duration(Duration::from_secs(60));
/// let options = Options::default().connection_state_recovery(recovery);
/// ```
///
/// While it is on, each event without an ack carries one more argument, its offset, as with Node,
/// and the events of one namespace are handed out one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStateRecovery {
    /// How long after the loss of its connection a client may come back. Default 120 s.
    pub max_disconnection_duration: Duration,
    /// Whether a client that comes back passes by the login of a [`guard`](crate::guard) before a
    /// table. Default false: it may have lost its rights meanwhile. (Node's default is true.) A
    /// handler that is a function needs what its login returns, so that login always runs.
    pub skip_middlewares: bool,
    /// Bytes of events that each namespace keeps. Default 16 MiB.
    ///
    /// Beyond it the oldest go, and a client that may have missed one of them is not recovered.
    /// Nor is one that has missed more than [`Options::send_budget`](crate::Options)
    /// allows to wait.
    pub max_bytes: usize,
    /// Lost connections that the server remembers, in all its namespaces together. Default 10 000;
    /// beyond it the oldest go.
    ///
    /// Of dynamic namespaces, 10 000 that nobody is in are kept for those who may come back; beyond
    /// it the one that was empty first goes, with all that it kept.
    pub max_sessions: usize,
}

impl Default for ConnectionStateRecovery {
    fn default() -> Self {
        Self {
            max_disconnection_duration: Duration::from_secs(120),
            skip_middlewares: false,
            max_bytes: 16 << 20,
            max_sessions: 10_000,
        }
    }
}

impl ConnectionStateRecovery {
    setters! {
        max_disconnection_duration: Duration, skip_middlewares: bool, max_bytes: usize,
        max_sessions: usize,
    }
}
