//! Who may open a session: one decision for every transport.

use super::host::Host;
use super::reply::{Reply, ended, ended_upgrade, failed, mark, plain, refused, refused_upgrade};
use crate::ends;
use crate::handshake::Handshake;
use crate::options::{Denied, Options};
use crate::panics::caught_in;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rialto_protocol::engine::HandshakeError;
use std::net::SocketAddr;
use std::sync::Once;

/// Checks the origin of a request against the options; the refusal, if it is foreign.
pub(super) fn foreign_origin(options: &Options, headers: &HeaderMap) -> Option<Reply> {
    // What names no page is none.
    let origin = headers.get(header::ORIGIN)?;
    // An origin that is not even text is foreign.
    let origin = origin.to_str().unwrap_or("null");
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    if options.origins().allow(Some(origin), host) {
        return None;
    }
    explain(origin);
    let reason = "this origin may not use this server";
    let error = HandshakeError::Forbidden;
    Some(mark(refused(error, Some(reason)), error, Some(reason)))
}

/// Checks the name under which the server is asked for; the refusal, if it is not to be.
pub(crate) fn foreign_host(options: &Options, headers: &HeaderMap) -> Option<Reply> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    if options.allows_host(host) {
        return None;
    }
    explain_host(host.unwrap_or_default());
    let reason = "this host is not served here";
    let error = HandshakeError::Forbidden;
    Some(mark(refused(error, Some(reason)), error, Some(reason)))
}

/// Says once in the log how to let foreign pages in.
fn explain(origin: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            ?origin,
            "a page of another origin was refused; \
             `Options::default().cors(Cors::new([\"https://that.origin\"]))` lets it in"
        );
    });
}

/// The refusal of a session whose address has as many as it may have.
pub(super) fn crowded(host: &Host, upgrade: bool, peer: Option<SocketAddr>) -> Reply {
    if host.counters.crowded.due() {
        let (most, address) = (host.options.max_connections_per_address, peer.map(|it| it.ip()));
        tracing::warn!(?address, ?most, "an address has as many connections as it may have");
    }
    let mut reply = if upgrade { ended_upgrade(ends::CROWDED) } else { ended(ends::CROWDED) };
    reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    reply
}

/// Says once in the log how to be asked for by another name.
fn explain_host(host: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            ?host,
            "a request for another host was refused; if it is yours: .allowed_hosts([...])"
        );
    });
}

/// The application's own decision; the refusal, if it is against.
pub(super) async fn deny(options: &Options, handshake: &Handshake, upgrade: bool) -> Option<Reply> {
    let allow = options.allow_request.as_ref()?;
    let deciding = caught_in("allow_request", allow.decide(handshake));
    let decided = tokio::time::timeout(options.connect_timeout, deciding).await;
    let late = || {
        tracing::warn!("`allow_request` took longer than `connect_timeout`");
        let late = Denied::new("admission took too long");
        Err(late.status(StatusCode::SERVICE_UNAVAILABLE))
    };
    let Ok(decided) = decided.unwrap_or_else(|_| Ok(late())) else { return Some(failed(upgrade)) };
    let denied = decided.err()?;
    let reply = match upgrade {
        true => refused_upgrade(upgrade_status(denied.http_status()), denied.message()),
        false => {
            let status = denied.http_status();
            tracing::debug!(status = status.as_u16(), "request denied: {:?}", denied.message());
            plain(status, "application/json", denied.to_json())
        }
    };
    Some(mark(reply, HandshakeError::Forbidden, Some(denied.message())))
}

/// The reference answers a refused upgrade 400 whatever the cause.
fn upgrade_status(status: StatusCode) -> StatusCode {
    if status == StatusCode::FORBIDDEN { StatusCode::BAD_REQUEST } else { status }
}

/// A refusal in the form that the kind of request asks for.
pub(super) fn refuse(upgrade: bool, error: HandshakeError, message: Option<&str>) -> Reply {
    if upgrade {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let reply = refused_upgrade(upgrade_status(status), message.unwrap_or(error.message()));
        return mark(reply, error, message);
    }
    mark(refused(error, message), error, message)
}
