//! Reading the head of an HTTP message off a stream, within bounds.

use crate::error::{Error, Result};
use crate::proto::handshake::head_end;
use crate::proto::handshake::server::Refusal;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Header fields that a handshake may have; more are refused.
pub(crate) const MAX_FIELDS: usize = 100;

/// Reads up to the empty line. Returns the head and what came behind it.
///
/// # Errors
/// If the stream ends first, or the head is larger than `max` bytes.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    max: usize,
) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::new();
    let rest = read_head_into(stream, max, &mut head).await?;
    Ok((head, rest))
}

/// [`read_head`] into a buffer of the caller, who sees what has come if this is dropped.
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
