//! The browser client at `<path>/socket.io.js` and its relatives.

use crate::options::ServeClient;
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Our own bundles; made by `cargo xtask client`.
const OWN: [(&str, &[u8]); 6] = [
    ("socket.io.js", include_bytes!("../../client/socket.io.js")),
    ("socket.io.js.map", include_bytes!("../../client/socket.io.js.map")),
    ("socket.io.min.js", include_bytes!("../../client/socket.io.min.js")),
    ("socket.io.min.js.map", include_bytes!("../../client/socket.io.min.js.map")),
    ("socket.io.esm.min.js", include_bytes!("../../client/socket.io.esm.min.js")),
    ("socket.io.esm.min.js.map", include_bytes!("../../client/socket.io.esm.min.js.map")),
];

/// The version and a hash of what was built, so that a browser never keeps an older client.
static OWN_TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    OWN.hash(&mut hasher);
    format!("\"{}-{:x}\"", env!("CARGO_PKG_VERSION"), hasher.finish())
});

/// Where the browser client comes from.
#[derive(Debug)]
pub(crate) enum Bundle {
    Own,
    Folder(PathBuf),
    Off,
}

/// True for the names that socket.io serves: `socket.io[.esm|.msgpack][.min].js[.map]`.
pub(crate) fn is_bundle_name(name: &str) -> bool {
    let Some(middle) = name.strip_prefix("socket.io") else { return false };
    let middle = middle.strip_suffix(".map").unwrap_or(middle);
    matches!(middle, ".js" | ".min.js" | ".esm.min.js" | ".msgpack.min.js")
}

impl Bundle {
    pub(crate) fn new(serve: &ServeClient) -> Self {
        match serve {
            ServeClient::Own => Self::Own,
            ServeClient::Folder(folder) => Self::Folder(folder.clone()),
            ServeClient::Off => Self::Off,
        }
    }

    /// Answers a request for a bundle by its name, or `None` if there is none of that name.
    pub(crate) async fn answer(
        &self,
        name: &str,
        method: &Method,
        request: &HeaderMap,
    ) -> Option<Response<Body>> {
        if !is_bundle_name(name) || (method != Method::GET && method != Method::HEAD) {
            return None;
        }
        let (content, tag) = match self {
            Self::Off => return None,
            Self::Own => {
                let (_, content) = OWN.iter().find(|(own, _)| *own == name)?;
                (bytes::Bytes::from_static(content), OWN_TAG.clone())
            }
            Self::Folder(folder) => read(&folder.join(name)).await?,
        };
        let unchanged =
            request.get(header::IF_NONE_MATCH).is_some_and(|known| matches(known, &tag));
        let mut reply = Response::new(Body::empty());
        if unchanged {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let kind = if name.ends_with(".map") {
                "application/json; charset=utf-8"
            } else {
                "application/javascript; charset=utf-8"
            };
            reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            reply.headers_mut().insert(header::CONTENT_LENGTH, content.len().into());
            if method == Method::GET {
                *reply.body_mut() = content.into();
            }
        }
        let caching = HeaderValue::from_static("public, max-age=0");
        reply.headers_mut().insert(header::CACHE_CONTROL, caching);
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            reply.headers_mut().insert(header::ETAG, tag);
        }
        Some(reply)
    }
}

/// Reads a file of a folder; its tag is made of its size and time.
async fn read(path: &Path) -> Option<(bytes::Bytes, String)> {
    let changed = tokio::fs::metadata(path).await.ok()?.modified().ok()?;
    let content = tokio::fs::read(path).await.ok()?;
    let age = changed.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    let tag = format!("\"{:x}-{age:x}\"", content.len());
    Some((content.into(), tag))
}

/// `If-None-Match`, weak comparison (RFC 9110 §13.1.2).
fn matches(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.trim() == "*" || known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_socket_io_are_bundles() {
        for name in ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js.map"] {
            assert!(is_bundle_name(name), "{name}");
        }
        for name in ["socket.io", "x.js", "socket.io.js.map.map", "socket.io/../x", ""] {
            assert!(!is_bundle_name(name), "{name}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        let known = HeaderValue::from_static("W/\"a\", \"b\"");
        assert!(matches(&known, "\"a\"") && matches(&known, "\"b\"") && !matches(&known, "\"c\""));
    }
}
