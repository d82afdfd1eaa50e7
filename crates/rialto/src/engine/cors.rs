//! CORS: what browsers are told about foreign pages.

use super::reply::Reply;
use crate::options::{Cors, Options};
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use rialto_ws::Origins;
use std::borrow::Cow;

/// Which page asks whom, kept while the request is answered.
pub(crate) struct Asker {
    origin: Option<HeaderValue>,
    host: Option<HeaderValue>,
}

impl Asker {
    pub(crate) fn of(request: &HeaderMap) -> Self {
        let value = |name| request.get(name).cloned();
        let origin = value(header::ORIGIN);
        // It matters beside an origin alone, and keeps the whole head in memory as long as it is
        // held.
        let host = origin.as_ref().and_then(|_| value(header::HOST));
        Self { origin, host }
    }

    /// True for a page on loopback that asks a server on loopback: it may connect by default
    /// (see [`Origins`]), so it has to be able to read the answers.
    fn is_loopback(&self) -> bool {
        fn text(value: Option<&HeaderValue>) -> Option<&str> {
            value.and_then(|value| value.to_str().ok())
        }
        match (text(self.origin.as_ref()), text(self.host.as_ref())) {
            (Some(origin), Some(host)) => Origins::is_loopback(origin, host),
            _ => false,
        }
    }

    /// The rules for this page: those of the options, or the default ones between loopbacks.
    fn rules<'a>(&self, options: &'a Options) -> Option<Cow<'a, Cors>> {
        match &options.cors {
            Some(cors) => Some(Cow::Borrowed(cors)),
            None if self.is_loopback() => Some(Cow::Owned(Cors::new(Vec::<String>::new()))),
            None => None,
        }
    }
}

/// The answer to a preflight request, if CORS is on for this page and this is one.
pub(super) fn preflight(
    options: &Options,
    asker: &Asker,
    method: &Method,
    request: &HeaderMap,
) -> Option<Reply> {
    if method != Method::OPTIONS {
        return None;
    }
    let cors = asker.rules(options).filter(|cors| !cors.preflight_continue)?;
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = cors.success_status;
    let headers = reply.headers_mut();
    insert(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.methods);
    if cors.allowed_headers.is_empty() {
        if let Some(asked) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
            headers
                .append(header::VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        }
    } else {
        insert(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allowed_headers.join(","));
    }
    if let Some(age) = cors.max_age {
        insert(headers, header::ACCESS_CONTROL_MAX_AGE, &age.as_secs().to_string());
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    Some(reply)
}

/// Adds the headers that let a page of an allowed origin read the answer.
///
/// An origin is named only if it may connect, and then always beside `Vary: Origin`.
pub(crate) fn add_cors(options: &Options, asker: &Asker, reply: &mut Reply) {
    let Some(cors) = asker.rules(options) else { return };
    let headers = reply.headers_mut();
    if matches!(cors.origins, Origins::Any) && !cors.credentials {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &asker.origin else { return };
        if !names(&cors, origin) && !asker.is_loopback() {
            return;
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    if cors.credentials {
        let yes = HeaderValue::from_static("true");
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
    if !cors.exposed_headers.is_empty() {
        insert(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.exposed_headers.join(","));
    }
}

/// True if the options themselves name the origin.
fn names(cors: &Cors, origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| cors.origins.names(origin))
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
