//! The server's handshake: the content of the `open` packet.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Transport;

/// What the server tells a client when a session begins.
///
/// ```
/// use std::time::Duration;
/// use rialto_protocol::engine::{Open, Transport};
///
/// let open = Open {
///     sid: "lv_VI97HAXpY6yYWAAAC".into(),
///     upgrades: vec![Transport::WebSocket],
///     ping_interval: Duration::from_secs(25),
///     ping_timeout: Duration::from_secs(20),
///     max_payload: 1_000_000,
/// };
/// let json = r#"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"#;
/// assert!(open.to_json().starts_with(json));
/// assert_eq!(Open::from_json(&open.to_json()).unwrap(), open);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// The session's secret id.
    pub sid: Cow<'a, str>,
    /// The transports the client may move to. Names that this crate does not know are dropped on
    /// reading, since nobody could use them.
    pub upgrades: Vec<Transport>,
    /// How often the server pings; whole milliseconds on the wire.
    pub ping_interval: Duration,
    /// How long after a ping the client counts as gone; whole milliseconds on the wire.
    pub ping_timeout: Duration,
    /// The largest body or message the server takes, in bytes. 0 on reading if it is absent (old
    /// servers do not send it).
    pub max_payload: usize,
}

/// The wire's own names and units.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    sid: Cow<'a, str>,
    #[serde(borrow, default)]
    upgrades: Vec<Cow<'a, str>>,
    ping_interval: u64,
    ping_timeout: u64,
    #[serde(default)]
    max_payload: usize,
}

impl<'a> Open<'a> {
    /// The JSON text of the packet, without the packet's digit.
    pub fn to_json(&self) -> String {
        let wire = Wire {
            sid: Cow::Borrowed(&self.sid),
            upgrades: self.upgrades.iter().map(|t| Cow::Borrowed(t.as_str())).collect(),
            ping_interval: milliseconds(self.ping_interval),
            ping_timeout: milliseconds(self.ping_timeout),
            max_payload: self.max_payload,
        };
        // Strings and integers alone: there is nothing here that could fail.
        serde_json::to_string(&wire).unwrap_or_default()
    }

    /// Reads the packet's JSON text.
    ///
    /// # Errors
    /// [`OpenError`] if the text is not JSON or lacks the id or one of the two times.
    pub fn from_json(json: &'a str) -> Result<Self, OpenError> {
        let wire: Wire<'a> = serde_json::from_str(json).map_err(OpenError)?;
        Ok(Self {
            sid: wire.sid,
            upgrades: wire.upgrades.iter().filter_map(|t| Transport::from_name(t)).collect(),
            ping_interval: Duration::from_millis(wire.ping_interval),
            ping_timeout: Duration::from_millis(wire.ping_timeout),
            max_payload: wire.max_payload,
        })
    }
}

/// The handshake of a server could not be read.
#[derive(Debug)]
pub struct OpenError(serde_json::Error);

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server's open packet is not a handshake")
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
