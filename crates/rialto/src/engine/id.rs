//! Ids of sessions and sockets.

use super::entropy;
use crate::ends::{self, RequestEnd};
use crate::handshake::Handshake;
use crate::options::GenerateId;
use crate::panics::caught_in;
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;

/// The id of a session. Every session has one, so our own lies in it.
pub(crate) enum Id {
    /// 20 URL-safe characters that hold 120 random bits of the operating system.
    Random([u8; 20]),
    /// The application's: see [`Options::generate_id`](crate::Options::generate_id).
    Made(Box<str>),
}

impl Id {
    /// # Errors
    /// If the operating system gives no randomness; there is no weaker fallback.
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 15];
        entropy::take(&mut bytes)?;
        let mut text = [0; 20];
        BASE64URL_NOPAD.encode_mut(&bytes, &mut text);
        Ok(Self::Random(text))
    }

    /// One of the application's making, within this time.
    ///
    /// # Errors
    /// If it makes none that may be used; the log says why.
    pub(super) async fn made(
        generate: &GenerateId,
        handshake: &Handshake,
        limit: Duration,
    ) -> Result<Self, RequestEnd> {
        let making = caught_in("generate_id", generate.make(handshake));
        let Ok(made) = tokio::time::timeout(limit, making).await else {
            tracing::warn!("`generate_id` took longer than `connect_timeout`");
            return Err(ends::NOT_AN_ID);
        };
        let id = made.map_err(|_| ends::HOOK_FAILED)?;
        if let Some(fault) = fault(&id) {
            tracing::error!("`generate_id` has made an id {fault}: {FORM}");
            return Err(ends::NOT_AN_ID);
        }
        Ok(Self::Made(id.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            // It is ASCII.
            Self::Random(text) => str::from_utf8(text).unwrap_or_default(),
            Self::Made(text) => text,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Random(text) => text,
            Self::Made(text) => text.as_bytes(),
        }
    }
}

/// What an id is: long enough to hold 120 random bits, short enough for a query, and the same in a
/// query, a cookie and JSON without being escaped.
const FORM: &str = "it has to have 20 to 64 characters of `A-Z a-z 0-9 - _`";

/// What an id has that none may have; the id itself is for no log.
fn fault(id: &str) -> Option<String> {
    let safe = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    if let Some(other) = id.chars().find(|char| !safe(char)) {
        return Some(format!("with the character {other:?}"));
    }
    let length = id.len();
    (!(20..=64).contains(&length)).then(|| format!("of {length} characters"))
}

/// Says in the log what is wrong with an id that a client has sent, if it cannot be one of ours.
pub(super) fn explain(sid: &str) {
    if let Some(fault) = fault(sid) {
        tracing::debug!("a client has sent a session id {fault}: {FORM}");
    }
}

/// [`Id::random`] as text.
///
/// # Errors
/// As [`Id::random`].
pub(crate) fn random_id() -> std::io::Result<Box<str>> {
    Ok(Id::random()?.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::{fault, random_id};

    #[test]
    fn ids_are_long_enough_and_need_no_escaping() {
        assert!(fault(&"a".repeat(20)).is_none() && fault(&"Z9-_".repeat(16)).is_none());
        assert_eq!(fault(&"a".repeat(19)).unwrap(), "of 19 characters");
        assert_eq!(fault(&"a".repeat(65)).unwrap(), "of 65 characters");
        assert_eq!(fault("").unwrap(), "of 0 characters");
        for wrong in ["/", "+", "=", " ", "\"", "%", "é", "\n", ";", "#"] {
            let fault = fault(&format!("{}{wrong}", "a".repeat(30))).unwrap();
            assert_eq!(fault, format!("with the character {:?}", wrong.chars().next().unwrap()));
        }
    }

    #[test]
    fn ids_have_twenty_url_safe_characters_and_differ() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| random_id().unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.len(), 20);
            assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        }
    }
}
