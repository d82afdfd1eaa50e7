//! Header fields that the application adds to answers.

use super::reply::{Began, Reply, failed};
use super::server::Engine;
use crate::ends;
use crate::options::Options;
use crate::panics::caught;
use axum::body::Body;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Request, StatusCode, header};
use rialto_protocol::CloseReason;

/// The head of a request, kept for the hooks while it is answered.
pub(super) struct Hooked {
    request: Parts,
    initial: bool,
}

/// Keeps the head of a request, if a hook will ask for it.
pub(super) fn note(options: &Options, request: &Request<Body>) -> Option<Hooked> {
    if options.headers.is_none() && options.initial_headers.is_none() {
        return None;
    }
    let query = request.uri().query().unwrap_or_default();
    let initial = !query.split('&').any(|pair| pair.starts_with("sid="));
    if options.headers.is_none() && !initial {
        return None;
    }
    let mut copy = Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    Some(Hooked { request: copy.into_parts().0, initial })
}

impl Hooked {
    /// Adds what the application wants to an answer of a transport; refusals are none.
    pub(super) fn add(&self, engine: &Engine, mut reply: Reply) -> Reply {
        if !reply.status().is_success() && reply.status() != StatusCode::SWITCHING_PROTOCOLS {
            return reply;
        }
        let mut added = HeaderMap::new();
        let options = engine.options();
        let initial = options.initial_headers.as_ref().filter(|_| self.initial);
        let initial = initial.map(|hook| ("initial_headers", hook));
        let always = options.headers.as_ref().map(|hook| ("headers", hook));
        for (name, hook) in initial.into_iter().chain(always) {
            if caught(name, || hook.call(&mut added, &self.request)).is_err() {
                return self.failed(engine, &reply);
            }
        }
        merge(reply.headers_mut(), &added);
        reply
    }

    /// Ends the session whose answer is lost with the hook's panic. One that was to begin on a
    /// WebSocket, or to move to it, does not, since the answer is no 101.
    fn failed(&self, engine: &Engine, lost: &Reply) -> Reply {
        let upgrade = lost.status() != StatusCode::OK;
        let query = self.request.uri.query().unwrap_or_default();
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("sid="));
        let began = lost.extensions().get::<Began>().map(|Began(sid)| &**sid);
        if !upgrade && let Some(session) = began.or(asked).and_then(|sid| engine.find(sid)) {
            session.fail(CloseReason::ForcedClose, ends::HANDLER_FAILED);
        }
        failed(upgrade)
    }
}

fn merge(headers: &mut HeaderMap, added: &HeaderMap) {
    for name in added.keys().filter(|name| !is_ours(name)) {
        if *name != header::SET_COOKIE && *name != header::VARY {
            headers.remove(name);
        }
        for value in added.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
}

/// Fields that say where the answer ends, or what the WebSocket handshake has agreed on.
fn is_ours(name: &HeaderName) -> bool {
    let framing = [
        header::CONNECTION,
        header::UPGRADE,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONTENT_ENCODING,
    ];
    framing.contains(name) || name.as_str().starts_with("sec-websocket-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn cookies_gather_others_replace_and_framing_is_ours() {
        let value = HeaderValue::from_static;
        let mut headers = HeaderMap::new();
        headers.insert(header::SET_COOKIE, value("io=1"));
        headers.insert(header::CACHE_CONTROL, value("no-store"));
        let mut added = HeaderMap::new();
        added.append(header::SET_COOKIE, value("a=1"));
        added.append(header::SET_COOKIE, value("b=1"));
        added.insert(header::CACHE_CONTROL, value("no-cache"));
        added.insert(header::CONTENT_LENGTH, value("7"));
        added.insert(header::SEC_WEBSOCKET_ACCEPT, value("x"));
        merge(&mut headers, &added);
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["io=1", "a=1", "b=1"]);
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(headers.len(), 4);
    }
}
