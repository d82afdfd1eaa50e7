//! Header fields that an application adds to an answer.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Fields beside those of the handshake; nothing is allocated while there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra(Option<Box<HeaderMap>>);

impl Extra {
    /// Adds a field; those that the handshake sets itself are left out.
    pub(crate) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        if !is_ours(name.as_str()) {
            self.0.get_or_insert_default().append(name, value);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().flat_map(|map| map.iter())
    }

    /// The lines of an HTTP/1.1 head.
    pub(crate) fn write_http1(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Fields that say where a message ends or what the handshake has agreed on.
fn is_ours(name: &str) -> bool {
    const FRAMING: [&str; 4] = ["connection", "upgrade", "content-length", "transfer-encoding"];
    FRAMING.contains(&name) || name.starts_with("sec-websocket-")
}
