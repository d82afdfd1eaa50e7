//! The browser client at `<path>/socket.io.js` and its relatives.

use crate::compression;
use crate::options::{Encoding, HttpCompression, Options, ServeClient};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::LazyLock;

/// Our own bundles; made by `cargo xtask client`.
const OWN: [(&str, &[u8]); 8] = [
    ("socket.io.js", include_bytes!("../../client/socket.io.js")),
    ("socket.io.js.map", include_bytes!("../../client/socket.io.js.map")),
    ("socket.io.min.js", include_bytes!("../../client/socket.io.min.js")),
    ("socket.io.min.js.map", include_bytes!("../../client/socket.io.min.js.map")),
    ("socket.io.esm.min.js", include_bytes!("../../client/socket.io.esm.min.js")),
    ("socket.io.esm.min.js.map", include_bytes!("../../client/socket.io.esm.min.js.map")),
    ("socket.io.msgpack.min.js", include_bytes!("../../client/socket.io.msgpack.min.js")),
    ("socket.io.msgpack.min.js.map", include_bytes!("../../client/socket.io.msgpack.min.js.map")),
];

/// The version and a hash of what was built, so that a browser never keeps an older client.
static OWN_TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    OWN.hash(&mut hasher);
    format!("\"{}-{:x}\"", env!("CARGO_PKG_VERSION"), hasher.finish())
});

/// What is compressed once is compressed well.
const LEVEL: u8 = 9;

/// The browser client, wherever it comes from.
#[derive(Debug)]
pub(crate) struct Bundle {
    from: ServeClient,
    compression: Option<HttpCompression>,
    /// Compressed files by their name, with the tag that they were made for. There are eight
    /// names, so it cannot grow.
    compressed: Mutex<HashMap<(String, Encoding), (String, Bytes)>>,
}

/// True for the names that socket.io serves: those of our own bundles.
pub(crate) fn is_bundle_name(name: &str) -> bool {
    OWN.iter().any(|(own, _)| *own == name)
}

impl Bundle {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            from: options.serve_client.clone(),
            compression: options.http_compression.clone(),
            compressed: Mutex::default(),
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
        let (content, tag) = match &self.from {
            ServeClient::Off => return None,
            ServeClient::Own => {
                let (_, content) = OWN.iter().find(|(own, _)| *own == name)?;
                (Bytes::from_static(content), OWN_TAG.clone())
            }
            ServeClient::Folder(folder) => read(&folder.join(name)).await?,
        };
        let unchanged =
            request.get(header::IF_NONE_MATCH).is_some_and(|known| matches(known, &tag));
        let mut reply = Response::new(Body::empty());
        if unchanged {
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let content = self.encode(name, &tag, content, request, reply.headers_mut()).await;
            reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
            reply.headers_mut().insert(header::CONTENT_LENGTH, content.len().into());
            if method == Method::GET {
                *reply.body_mut() = content.into();
            }
        }
        finish(reply.headers_mut(), &tag);
        Some(reply)
    }

    /// The content as the client wants it; says so in the answer's header.
    async fn encode(
        &self,
        name: &str,
        tag: &str,
        content: Bytes,
        request: &HeaderMap,
        headers: &mut HeaderMap,
    ) -> Bytes {
        let settings = self.compression.as_ref().filter(|some| content.len() >= some.threshold);
        let Some(encoding) = settings.and_then(|some| compression::choose(some, request)) else {
            return content;
        };
        let key = (name.to_owned(), encoding);
        let known = self.compressed.lock().get(&key).filter(|known| known.0 == tag).cloned();
        let compressed = match known {
            Some((_, compressed)) => compressed,
            None => match compression::compress_anywhere(encoding, LEVEL, content).await {
                Ok(compressed) => {
                    let made = (tag.to_owned(), compressed.clone());
                    self.compressed.lock().insert(key, made);
                    compressed
                }
                Err(content) => return content,
            },
        };
        compression::encoded(headers, encoding);
        compressed
    }
}

fn kind(name: &str) -> &'static str {
    match name.ends_with(".map") {
        true => "application/json; charset=utf-8",
        false => "application/javascript; charset=utf-8",
    }
}

/// What the answer says about caches.
fn finish(headers: &mut HeaderMap, tag: &str) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    // A compressed file is the same to its reader, but not byte for byte (RFC 9110 §8.8.1).
    let weak = if headers.contains_key(header::CONTENT_ENCODING) { "W/" } else { "" };
    if let Ok(tag) = HeaderValue::from_str(&format!("{weak}{tag}")) {
        headers.insert(header::ETAG, tag);
    }
}

/// Reads a file of a folder; its tag is made of its size and time.
async fn read(path: &Path) -> Option<(Bytes, String)> {
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
        for script in ["js", "min.js", "esm.min.js", "msgpack.min.js"] {
            let script = format!("socket.io.{script}");
            assert!(is_bundle_name(&script), "{script}");
            assert!(is_bundle_name(&format!("{script}.map")), "{script}.map");
        }
        for name in [
            "socket.io",
            "x.js",
            "socket.io.js.map.map",
            "socket.io.msgpack.js",
            "socket.io/../x",
            "",
        ] {
            assert!(!is_bundle_name(name), "{name}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        let known = HeaderValue::from_static("W/\"a\", \"b\"");
        assert!(matches(&known, "\"a\"") && matches(&known, "\"b\"") && !matches(&known, "\"c\""));
    }
}
