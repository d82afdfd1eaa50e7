//! CORS: what browsers are told about foreign pages.

use super::reply::Reply;
use crate::handshake::Handshake;
use crate::net::Secured;
use crate::options::{Cors, Options};
use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use rialto_ws::Origins;
use std::borrow::Cow;
use std::future::Future;
use std::net::SocketAddr;
use tokio::time::timeout;

/// Which page asks whom, kept while the request is answered.
pub(crate) struct Asker {
    origin: Option<HeaderValue>,
    host: Option<HeaderValue>,
    /// `Cors::decide` lets it in.
    admitted: bool,
}

/// Marks a request whose page `Cors::decide` lets in: an extension.
#[derive(Clone, Copy)]
pub(super) struct Admitted;

impl Asker {
    /// Who asks; where the options leave the origin to a function, its answer is awaited.
    pub(crate) fn of(
        options: &Options,
        request: &Request<Body>,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = Self> + use<> {
        let value = |name| request.headers().get(name).cloned();
        let origin = value(header::ORIGIN);
        // It matters beside an origin alone, and keeps the whole head in memory as long as it is
        // held.
        let host = origin.as_ref().and_then(|_| value(header::HOST));
        let mut asker = Self { origin, host, admitted: false };
        let deciding = asker.question(options, request, peer);
        let limit = options.connect_timeout;
        async move {
            if let Some(deciding) = deciding {
                asker.admitted = timeout(limit, deciding).await.unwrap_or_else(|_| {
                    tracing::warn!("`Cors::decide` took longer than `connect_timeout`");
                    false
                });
            }
            asker
        }
    }

    /// What the application is asked, if it is.
    fn question(
        &self,
        options: &Options,
        request: &Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Option<BoxFuture<'static, bool>> {
        let cors = options.cors.as_ref()?;
        let (decide, origin) = (cors.decide.as_ref()?, self.origin.as_ref()?.to_str().ok()?);
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        if cors.origins.allow(Some(origin), host) {
            return None;
        }
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        let handshake = Handshake::new(rialto_ws::Request::from_parts(&head.into_parts().0), peer);
        Some(decide.ask(match request.extensions().get::<Secured>() {
            Some(_) => handshake.secured(),
            None => handshake,
        }))
    }

    /// Notes on the request what was decided on its page.
    pub(super) fn mark(&self, request: &mut Request<Body>) {
        if self.admitted {
            request.extensions_mut().insert(Admitted);
        }
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
    if matches!(cors.origins, Origins::Any) {
        // Never the origin's own name: with that, every page could use its visitors' cookies.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &asker.origin else { return };
        if !asker.admitted && !names(&cors, origin) && !asker.is_loopback() {
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
