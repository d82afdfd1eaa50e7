//! Ids of sessions and sockets.

use super::entropy;
use data_encoding::BASE64URL_NOPAD;

/// 20 URL-safe characters that hold 120 random bits of the operating system.
///
/// # Errors
/// If the operating system gives no randomness; there is no weaker fallback.
pub(crate) fn random_id() -> std::io::Result<Box<str>> {
    let mut bytes = [0; 15];
    entropy::take(&mut bytes)?;
    Ok(BASE64URL_NOPAD.encode(&bytes).into_boxed_str())
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
