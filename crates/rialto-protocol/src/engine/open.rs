//! The server's handshake: the content of the `open` packet.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

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
#[derive(Deserialize)]
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
        let mut json = String::with_capacity(self.sid.len() + 128);
        // A string takes whatever is written into it.
        let _ = self.write_json(&mut json);
        json
    }

    /// [`Open::to_json`] into a text.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str("{\"sid\":")?;
        match is_plain(&self.sid) {
            true => write!(out, "\"{}\"", self.sid)?,
            false => out.write_str(&serde_json::to_string(&self.sid).unwrap_or_default())?,
        }
        out.write_str(",\"upgrades\":[")?;
        for (index, transport) in self.upgrades.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}\"{}\"", transport.as_str())?;
        }
        let interval = milliseconds(self.ping_interval);
        let timeout = milliseconds(self.ping_timeout);
        write!(out, "],\"pingInterval\":{interval},\"pingTimeout\":{timeout}")?;
        write!(out, ",\"maxPayload\":{}}}", self.max_payload)
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

/// Whether JSON writes the text as it is. All ids that servers make for themselves are such.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\')
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
