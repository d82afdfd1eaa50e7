//! The gallery's files, built into the program: it works from any folder.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::routing::get;
use std::hash::{DefaultHasher, Hasher};

/// A file, by its path under `web/gallery` or `source`.
struct File {
    path: &'static str,
    content: &'static [u8],
}

macro_rules! files {
    ($folder:literal: $($path:literal)+) => {
        &[$(File { path: $path, content: include_bytes!(concat!($folder, $path)) }),+]
    };
}

/// Every file of `web/gallery` that is served.
const PAGES: &[File] = files!("../../../../web/gallery/":
    "404.html"
    "chat/chat.js"
    "chat/index.html"
    "chat/talk.js"
    "clock/clock.js"
    "clock/index.html"
    "echo/echo.js"
    "echo/index.html"
    "events/events.js"
    "events/hex.js"
    "events/index.html"
    "index.html"
    "index.js"
    "shared/badge.js"
    "shared/code.js"
    "shared/connection.js"
    "shared/dom.js"
    "shared/gallery.css"
    "shared/icon.svg"
    "shared/icons.svg"
    "shared/log.js"
    "shared/page.js"
    "shared/pages.js"
    "shared/tabs.js"
    "shared/theme.js"
    "transports/index.html"
    "transports/meter.js"
    "transports/report.js"
    "transports/transports.js"
    "welcome/index.html"
    "welcome/welcome.js"
    "whiteboard/board.js"
    "whiteboard/index.html"
    "whiteboard/input.js"
    "whiteboard/tools.js"
    "whiteboard/whiteboard.js"
);

/// The Rust code of each page: the very modules that this program is made of.
const SOURCES: &[File] = files!("":
    "chat.rs" "clock.rs" "echo.rs" "events.rs" "index.rs" "transports.rs" "welcome.rs"
    "whiteboard.rs"
);

/// Scripts, styles and pictures come from this server alone, and no page is framed by another.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; object-src 'none'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    // Browsers keep a copy, and ask by its tag whether it is still good.
    (header::CACHE_CONTROL, "no-cache"),
];

/// `/health`, and the files for everything else.
pub(super) fn router() -> Router {
    Router::new().route("/health", get(async || "ok")).fallback(answer)
}

async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    let mut reply = match find(uri.path()) {
        Found::File(_) if method != Method::GET && method != Method::HEAD => {
            let mut reply = status(StatusCode::METHOD_NOT_ALLOWED);
            reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            reply
        }
        Found::File(file) => send(file, StatusCode::OK, &method, &headers),
        Found::Folder => redirect(&uri),
        // No tag: a copy of this page is no copy of what was asked for.
        Found::Nothing => match look_up(PAGES, "404.html") {
            Some(page) => send(page, StatusCode::NOT_FOUND, &method, &HeaderMap::new()),
            None => status(StatusCode::NOT_FOUND),
        },
    };
    for (name, value) in HEADERS {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}

enum Found {
    File(&'static File),
    /// The address of a page without its last slash.
    Folder,
    Nothing,
}

fn find(path: &str) -> Found {
    let path = path.trim_start_matches('/');
    // What browsers ask for beside a file that is no page, such as `/source/chat.rs`.
    let path = if path == "favicon.ico" { "shared/icon.svg" } else { path };
    let page = if path.is_empty() || path.ends_with('/') {
        look_up(PAGES, &format!("{path}index.html"))
    } else if let Some(source) = path.strip_prefix("source/") {
        look_up(SOURCES, source)
    } else {
        look_up(PAGES, path)
    };
    match page {
        Some(file) => Found::File(file),
        None if look_up(PAGES, &format!("{path}/index.html")).is_some() => Found::Folder,
        None => Found::Nothing,
    }
}

fn look_up(files: &'static [File], path: &str) -> Option<&'static File> {
    files.iter().find(|file| file.path == path)
}

fn send(file: &File, code: StatusCode, method: &Method, asked: &HeaderMap) -> Response<Body> {
    let tag = tag(file.content);
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    // Weak comparison (RFC 9110 §13.1.2): a proxy that compresses makes our tags weak.
    let mut known = known.flat_map(|tags| tags.split(',')).map(|known| known.trim());
    let unchanged = known.any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    let mut reply = status(if unchanged { StatusCode::NOT_MODIFIED } else { code });
    let fields = reply.headers_mut();
    if code == StatusCode::OK
        && let Ok(tag) = HeaderValue::from_str(&tag)
    {
        fields.insert(header::ETAG, tag);
    }
    if unchanged {
        return reply;
    }
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(file.path)));
    fields.insert(header::CONTENT_LENGTH, file.content.len().into());
    if method != Method::HEAD {
        *reply.body_mut() = Body::from(file.content);
    }
    reply
}

/// To the same address with a slash at the end of its path.
fn redirect(uri: &Uri) -> Response<Body> {
    let path = uri.path().trim_start_matches('/');
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut reply = status(StatusCode::PERMANENT_REDIRECT);
    if let Ok(place) = HeaderValue::try_from(format!("/{path}/{query}")) {
        reply.headers_mut().insert(header::LOCATION, place);
    }
    reply
}

fn status(code: StatusCode) -> Response<Body> {
    let mut reply = Response::new(Body::empty());
    *reply.status_mut() = code;
    reply
}

/// Another content has another tag.
fn tag(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    format!("\"{:016x}\"", hasher.finish())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("rs") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_file_of_the_gallery_is_built_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/gallery");
        let mut expected = BTreeSet::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_none_or(|extension| extension != "md") {
                    let path = path.strip_prefix(&root).unwrap().to_str().unwrap();
                    expected.insert(path.replace('\\', "/"));
                }
            }
        }
        let built_in: BTreeSet<_> = PAGES.iter().map(|file| file.path.to_owned()).collect();
        assert!(expected.contains("index.html"));
        assert_eq!(built_in, expected);
        for file in PAGES {
            assert_ne!(content_type(file.path), "application/octet-stream", "{}", file.path);
        }
    }

    #[test]
    fn every_page_has_its_source() {
        let pages = PAGES.iter().filter_map(|file| file.path.strip_suffix("index.html"));
        let sources = pages.map(|folder| match folder.trim_end_matches('/') {
            "" => "index.rs".to_owned(),
            page => format!("{page}.rs"),
        });
        let sources: BTreeSet<_> = sources.collect();
        assert_eq!(sources, SOURCES.iter().map(|file| file.path.to_owned()).collect());
    }
}
