//! How long a session waits for what.

use std::time::Duration;

/// The times of a session, shared by all sessions of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// From the session's beginning and from each pong to the next ping. Default 25 s. In
    /// revision 3 the client pings, and is gone when nothing of it is heard for this and
    /// `ping_timeout`.
    pub ping_interval: Duration,
    /// From a ping to the end of a session of which nothing is heard. Default 20 s.
    pub ping_timeout: Duration,
    /// From the arrival of a second transport to the end of the attempt. Default 10 s. The session
    /// itself stays on polling.
    pub upgrade_timeout: Duration,
    /// Whether a polling session may move to a WebSocket. Default true.
    pub allow_upgrades: bool,
    /// How long a session that this side closed waits until its last packets have left.
    /// Default 5 s.
    pub close_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            allow_upgrades: true,
            close_timeout: Duration::from_secs(5),
        }
    }
}
