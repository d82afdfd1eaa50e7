//! Reading the head of an HTTP message off a stream, within bounds.

use crate::error::{Error, Result};
use crate::proto::handshake::head_end;
use crate::proto::handshake::server::Refusal;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Header fields that a handshake may have; more are refused.
pub(crate) const MAX_FIELDS: usize = 100;

/// The first byte of whoever speaks TLS on a plain stream: of a client's handshake, and of the
/// alert by which a server answers plain HTTP. None of them begins a head of HTTP.
const TLS: [u8; 2] = [0x16, 0x15];

/// True if this is the beginning of TLS and not of HTTP.
pub(crate) fn speaks_tls(head: &[u8]) -> bool {
    head.first().is_some_and(|first| TLS.contains(first))
}

/// Reads up to the empty line, into a buffer of the caller, who sees what has come if this is
/// dropped or fails. Returns what came behind it.
///
/// # Errors
/// If the stream ends first, the head is larger than `max` bytes, or what comes is TLS.
pub(crate) async fn read_head_into<S: AsyncRead + Unpin>(
    stream: &mut S,
    max: usize,
    head: &mut Vec<u8>,
) -> Result<Vec<u8>> {
    head.reserve(1024);
    let mut seen = 0;
    loop {
        if stream.read_buf(head).await? == 0 {
            return Err(Error::abnormal());
        }
        if speaks_tls(head) {
            return Err(Error::speaks_tls());
        }
        let end = head_end(head, seen);
        if end.unwrap_or(head.len()) > max {
            return Err(too_large().into());
        }
        if let Some(end) = end {
            return Ok(head.split_off(end));
        }
        seen = head.len();
    }
}

pub(crate) fn too_large() -> Refusal {
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request head is too large")
}
