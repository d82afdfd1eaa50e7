//! Ids of sessions and sockets.

use super::entropy;
use data_encoding::BASE64URL_NOPAD;

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

/// [`Id::random`] as text.
///
/// # Errors
/// As [`Id::random`].
pub(crate) fn random_id() -> std::io::Result<Box<str>> {
    Ok(Id::random()?.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::random_id;

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
