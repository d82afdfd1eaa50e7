//! A folder of static files: `ServeDir` without dotfiles.

use axum::body::Body;
use axum::response::IntoResponse;
use http::{HeaderValue, Request, Response, StatusCode, header};
use std::convert::Infallible;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_http::services::ServeDir;
use tower_service::Service;

/// Serves a folder: `index.html` for folders, ranges, `ETag` and 304, no listing, no dotfiles.
#[derive(Clone, Debug)]
pub(crate) struct Files(ServeDir);

impl Files {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(ServeDir::new(folder))
    }
}

impl Service<Request<Body>> for Files {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if has_dotfile(request.uri().path()) {
            return Box::pin(async { Ok(finish(StatusCode::NOT_FOUND.into_response())) });
        }
        let answer = self.0.call(request);
        Box::pin(async move { answer.await.map(|reply| finish(reply.into_response())) })
    }
}

/// What Express adds to static files, so that pages look and change as people expect.
fn finish(mut reply: Response<Body>) -> Response<Body> {
    if reply.status() == StatusCode::NOT_FOUND {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    let headers = reply.headers_mut();
    // Browsers otherwise guess how long a file stays the same, and show old scripts.
    let caching = HeaderValue::from_static("public, max-age=0");
    headers.entry(header::CACHE_CONTROL).or_insert(caching);
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if let Some(kind) = kind.filter(|kind| is_bare_text(kind))
        && let Ok(kind) = HeaderValue::from_str(&format!("{kind}; charset=utf-8"))
    {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    reply
}

/// True for text whose encoding is not said: without it browsers assume a legacy one.
fn is_bare_text(kind: &str) -> bool {
    let text = kind.starts_with("text/") || kind == "application/javascript";
    text && !kind.contains("charset")
}

/// True if a component of the path begins with a dot, percent-encoded or not.
///
/// `.well-known` is meant to be served (RFC 8615).
fn has_dotfile(path: &str) -> bool {
    path.split('/').any(|part| {
        let dot = part.starts_with('.')
            || part.get(..3).is_some_and(|code| code.eq_ignore_ascii_case("%2e"));
        dot && part != ".well-known"
    })
}

#[cfg(test)]
mod tests {
    use super::has_dotfile;

    #[test]
    fn dotfiles_are_seen_through_their_encoding() {
        for path in ["/.env", "/a/.git/config", "/%2eenv", "/%2E%2E/x", "/.."] {
            assert!(has_dotfile(path), "{path}");
        }
        for path in ["/", "/index.html", "/a.b/c.d", "/.well-known/x"] {
            assert!(!has_dotfile(path), "{path}");
        }
    }
}
