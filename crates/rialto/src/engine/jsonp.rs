//! Who may ask by JSONP: a script element may come from any page, and carries no `Origin`.

use crate::options::Options;
use http::{HeaderMap, header};
use rialto_protocol::engine::HandshakeError;

/// The refusal of a JSONP request that the options or its page do not allow.
pub(super) fn refusal(
    options: &Options,
    headers: &HeaderMap,
) -> Option<(HandshakeError, &'static str)> {
    if !options.allow_jsonp {
        return Some((HandshakeError::BadRequest, "JSONP is not enabled"));
    }
    let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    if site == Some(b"cross-site") || is_foreign(options, headers) {
        return Some((HandshakeError::Forbidden, "this page may not use JSONP here"));
    }
    None
}

/// Whether the `Referer` names a page of an origin that may not connect. Without one nothing is
/// known: it is no browser, or one that was told to keep it.
fn is_foreign(options: &Options, headers: &HeaderMap) -> bool {
    let Some(referer) = headers.get(header::REFERER) else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = referer.to_str().ok().and_then(origin_of).unwrap_or("null");
    !options.origins().allow(Some(origin), host)
}

/// Scheme and authority of an address.
fn origin_of(url: &str) -> Option<&str> {
    let authority = url.find("://")? + 3;
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    Some(&url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn judged(options: &Options, fields: &[(&'static str, &'static str)]) -> Option<u8> {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("app.example"));
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        refusal(options, &headers).map(|(error, _)| error.code())
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let on = Options::default().allow_jsonp(true);
        assert_eq!(judged(&Options::default(), &[]), Some(3));
        assert_eq!(judged(&on, &[]), None);
        assert_eq!(judged(&on, &[("sec-fetch-site", "same-origin")]), None);
        assert_eq!(judged(&on, &[("sec-fetch-site", "cross-site")]), Some(4));
        assert_eq!(judged(&on, &[("referer", "https://app.example/page?x#y")]), None);
        assert_eq!(judged(&on, &[("referer", "https://app.example")]), None);
        assert_eq!(judged(&on, &[("referer", "https://evil.example/app.example")]), Some(4));
        assert_eq!(judged(&on, &[("referer", "https://app.example.evil.example/")]), Some(4));
        assert_eq!(judged(&on, &[("referer", "no address")]), Some(4));
        let named = on.cors(crate::Cors::new(["https://pages.example"]));
        assert_eq!(judged(&named, &[("referer", "https://pages.example/x")]), None);
    }
}
