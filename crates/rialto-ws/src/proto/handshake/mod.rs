//! The opening handshake (RFC 6455 §4) as values: no sockets, no randomness.

pub mod client;
pub mod extensions;
pub mod origin;
pub mod server;

mod extra;
mod fields;
mod refusal;
mod request;

pub(crate) use extra::Extra;
pub use fields::Fields;
pub use request::Request;

use data_encoding::BASE64;
use sha1::{Digest, Sha1};

/// What RFC 6455 §1.3 appends to the key before hashing.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455 §4.2.2).
///
/// ```
/// use rialto_ws::proto::handshake::accept_key;
/// assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
#[must_use]
pub fn accept_key(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    BASE64.encode(&hash.finalize())
}

/// The end of an HTTP head, if it is there: the index behind the empty line.
///
/// `from` is where new bytes start, so that each byte is looked at once however they arrive.
#[must_use]
pub fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let start = from.saturating_sub(3);
    bytes[start..].windows(4).position(|window| window == b"\r\n\r\n").map(|at| start + at + 4)
}

/// True if `value`, a comma-separated list, has `token` in any case of letters.
pub(crate) fn has_token(value: &[u8], token: &str) -> bool {
    value
        .split(|&byte| byte == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_end_is_found_at_every_split() {
        let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
        for cut in 0..head.len() {
            let early = head_end(&head[..cut], 0);
            assert_eq!(early, (cut >= 27).then_some(27), "cut {cut}");
            if early.is_none() {
                assert_eq!(head_end(head, cut), Some(27), "cut {cut}");
            }
        }
    }

    #[test]
    fn tokens_are_compared_whole_and_without_case() {
        assert!(has_token(b"keep-alive, Upgrade", "upgrade"));
        assert!(!has_token(b"upgraded", "upgrade"));
        assert!(!has_token(b"", "upgrade"));
    }
}
