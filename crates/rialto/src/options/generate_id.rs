//! Session ids of the application's own making.

use crate::handshake::Handshake;
use std::fmt;
use std::sync::Arc;

type Generate = dyn Fn(&Handshake) -> String + Send + Sync;

/// Makes session ids: see [`Options::generate_id`](crate::Options::generate_id).
#[derive(Clone)]
pub struct GenerateId(Arc<Generate>);

impl GenerateId {
    pub(super) fn new(generate: impl Fn(&Handshake) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(generate))
    }

    /// An id for the session that this request opens; `None` if it is not one that may be used.
    pub(crate) fn make(&self, handshake: &Handshake) -> Option<Box<str>> {
        let id = (self.0)(handshake);
        is_usable(&id).then(|| id.into_boxed_str())
    }
}

/// Long enough to hold 120 random bits, short enough for a query, and the same in a query, a
/// cookie and JSON without being escaped.
fn is_usable(id: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (20..=64).contains(&id.len()) && id.bytes().all(safe)
}

impl fmt::Debug for GenerateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GenerateId")
    }
}

#[cfg(test)]
mod tests {
    use super::is_usable;

    #[test]
    fn ids_are_long_enough_and_need_no_escaping() {
        assert!(is_usable(&"a".repeat(20)) && is_usable(&"Z9-_".repeat(16)));
        assert!(!is_usable(&"a".repeat(19)) && !is_usable(&"a".repeat(65)));
        for wrong in ["/", "+", "=", " ", "\"", "%", "é", "\n", ";", "#"] {
            assert!(!is_usable(&format!("{}{wrong}", "a".repeat(30))), "{wrong:?}");
        }
    }
}
