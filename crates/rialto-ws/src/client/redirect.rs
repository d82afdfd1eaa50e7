//! What a redirect leads to, and what may be taken along.

use super::url::Target;
use crate::error::{Error, Result};
use http::{HeaderMap, StatusCode, header};

/// Where the answer in `refusal` leads, if it is a redirect.
///
/// # Errors
/// The refusal itself, with a note, if it is none or must not be followed.
pub(crate) fn follow(from: &Target, refusal: Error, left: usize) -> Result<Target> {
    let Some(location) = location(&refusal) else { return Err(refusal) };
    if left == 0 {
        return Err(refusal.note("no more redirects are followed, see Connect::redirects"));
    }
    let Ok(to) = location.and_then(|location| from.join(&location)) else {
        return Err(refusal.note("it leads to no WebSocket URL"));
    };
    if from.secure && !to.secure {
        return Err(refusal.note("a redirect from wss:// to ws:// is not followed"));
    }
    if from.socket.is_some() && to.socket != from.socket {
        return Err(refusal.note("a redirect away from a Unix socket is not followed"));
    }
    Ok(to)
}

/// The `Location` of a redirect; an error inside if it is not text.
fn location(refusal: &Error) -> Option<Result<String>> {
    let answer = refusal.response()?;
    if !is_redirect(answer.status()) {
        return None;
    }
    let value = answer.headers().get(header::LOCATION)?;
    let text = value.to_str().map(str::to_owned);
    Some(text.map_err(|_| Error::url("a redirect to a place that is not text")))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Takes from the fields what only the host that they were meant for may see.
pub(crate) fn drop_credentials(headers: &mut HeaderMap) {
    for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
}
