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
    let mut head = Vec::with_capacity(1024);
    let mut seen = 0;
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(Error::abnormal());
        }
        let end = head_end(&head, seen);
        if end.unwrap_or(head.len()) > max {
            return Err(too_large().into());
        }
        if let Some(end) = end {
            let rest = head.split_off(end);
            return Ok((head, rest));
        }
        seen = head.len();
    }
}

pub(crate) fn too_large() -> Refusal {
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the request head is too large")
}
