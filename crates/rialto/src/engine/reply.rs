//! HTTP answers.

use crate::ends::{self, RequestEnd};
use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use rialto_protocol::engine::HandshakeError;

/// An HTTP answer.
pub(crate) type Reply = Response<Body>;

/// An answer with a body of that type.
pub(crate) fn plain(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// What was refused, on its way to whoever wants to know: an extension of the answer.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: u8,
    pub(super) message: &'static str,
    pub(super) context: Box<str>,
}

/// The id of the session that a poll has opened, on its way to the hooks: an extension of the
/// answer.
#[derive(Clone, Debug)]
pub(super) struct Began(pub(super) Box<str>);

/// Marks an answer as a refusal.
pub(super) fn mark(mut reply: Reply, error: HandshakeError, context: Option<&str>) -> Reply {
    let (code, message) = (error.code(), error.message());
    let context = context.unwrap_or(message).into();
    reply.extensions_mut().insert(Refusal { code, message, context });
    reply
}

/// A refusal in the reference's form: `{"code":…,"message":…}`.
pub(super) fn refused(error: HandshakeError, message: Option<&str>) -> Reply {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let text = message.unwrap_or(error.message());
    tracing::debug!(status = status.as_u16(), code = error.code(), "request refused: {text}");
    let body = error.to_json_with(text);
    plain(status, "application/json", body)
}

/// A refusal that the reference does not have, in the same form.
pub(super) fn ended(end: RequestEnd) -> Reply {
    let status = StatusCode::from_u16(end.status).unwrap_or(StatusCode::BAD_REQUEST);
    tracing::debug!(status = end.status, code = end.code, "request refused: {}", end.text);
    let body = format!(r#"{{"code":{},"message":"{}"}}"#, end.code, end.text);
    mark_end(plain(status, "application/json", body), end)
}

fn mark_end(mut reply: Reply, end: RequestEnd) -> Reply {
    let RequestEnd { code, text: message, .. } = end;
    reply.extensions_mut().insert(Refusal { code, message, context: message.into() });
    reply
}

/// The same for an upgrade.
pub(super) fn ended_upgrade(end: RequestEnd) -> Reply {
    let status = StatusCode::from_u16(end.status).unwrap_or(StatusCode::BAD_REQUEST);
    mark_end(refused_upgrade(status, end.text), end)
}

/// The answer to a request that a function of the program has failed on.
pub(crate) fn failed(upgrade: bool) -> Reply {
    if upgrade { ended_upgrade(ends::HOOK_FAILED) } else { ended(ends::HOOK_FAILED) }
}

/// A refusal of an upgrade: the bare message, and the connection ends.
pub(super) fn refused_upgrade(status: StatusCode, message: &str) -> Reply {
    tracing::debug!(status = status.as_u16(), "upgrade refused: {message:?}");
    let mut reply = plain(status, "text/plain; charset=UTF-8", message.to_owned());
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    reply
}
