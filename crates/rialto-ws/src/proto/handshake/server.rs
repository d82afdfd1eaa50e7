//! The server's side: is this request a handshake, and what is the answer?

pub use super::refusal::Refusal;

use super::extensions::Malformed;
use super::fields::Fields;
use super::origin::Origins;
use super::{accept_key, has_token};
use crate::proto::deflate::{Agreed, Deflate};
use data_encoding::BASE64;
use http::{Method, StatusCode, Version};

/// A handshake that is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// The value of `Sec-WebSocket-Accept`; none where HTTP/2 needs none (RFC 8441 §5).
    pub key: Option<String>,
    /// The subprotocol agreed on, if any.
    pub protocol: Option<String>,
    /// The compression agreed on, if any.
    pub deflate: Option<Agreed>,
}

/// What a server wants of those who connect.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Which pages may connect.
    pub origins: &'a Origins,
    /// Subprotocols, best first.
    pub protocols: &'a [String],
    /// The settings of compression, if it is on.
    pub deflate: Option<Deflate>,
}

impl Accept {
    /// The whole HTTP/1.1 answer.
    #[must_use]
    pub fn to_http1(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
              Connection: Upgrade",
        );
        if let Some(key) = &self.key {
            out.extend_from_slice(b"\r\nSec-WebSocket-Accept: ");
            out.extend_from_slice(key.as_bytes());
        }
        if let Some(protocol) = &self.protocol {
            out.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
            out.extend_from_slice(protocol.as_bytes());
        }
        if let Some(deflate) = &self.deflate {
            out.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
            out.extend_from_slice(deflate.to_header().as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out
    }
}

/// Checks a request against RFC 6455 §4.2.1, or RFC 8441 §5 where it is an extended CONNECT,
/// and the rules of this server.
///
/// Of the subprotocols, the first that the client offers is chosen; where they share none,
/// the answer names none (RFC 6455 §4.2.2).
/// Over HTTP/2 the caller has seen `:protocol = websocket`, and gives `:authority` as the field
/// `host`.
///
/// # Errors
/// The [`Refusal`] to answer with: 400 for a malformed handshake, 405 for another method,
/// 426 for another version of the protocol, 403 for a foreign origin.
pub fn check(
    method: &Method,
    version: Version,
    fields: &(impl Fields + ?Sized),
    terms: &Terms<'_>,
) -> Result<Accept, Refusal> {
    let extended = method == Method::CONNECT && version >= Version::HTTP_2;
    if !extended {
        check_upgrade(method, version, fields)?;
    }
    if fields.first("sec-websocket-version") != Some("13") {
        return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, "only version 13 is spoken here"));
    }
    let key = if extended { None } else { Some(accept_key(key(fields)?)) };
    if !terms.origins.allow(fields.first("origin"), fields.first("host")) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "this origin may not connect"));
    }
    let deflate = match &terms.deflate {
        Some(settings) => settings.accept(fields.all("sec-websocket-extensions")),
        None => Ok(None),
    };
    let deflate = deflate
        .map_err(|Malformed| Refusal::bad("the Sec-WebSocket-Extensions header is malformed"))?;
    Ok(Accept { key, protocol: choose(fields, terms.protocols), deflate })
}

/// What only a request of HTTP/1.1 has to say.
fn check_upgrade(
    method: &Method,
    version: Version,
    fields: &(impl Fields + ?Sized),
) -> Result<(), Refusal> {
    if method != Method::GET {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a handshake is a GET request"));
    }
    if version < Version::HTTP_11 {
        return Err(Refusal::bad("a handshake needs HTTP/1.1"));
    }
    if !fields.all("upgrade").any(|value| has_token(value, "websocket")) {
        return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket endpoint"));
    }
    if !fields.all("connection").any(|value| has_token(value, "upgrade")) {
        return Err(Refusal::bad("the Connection header lacks Upgrade"));
    }
    if fields.all("host").count() != 1 {
        return Err(Refusal::bad("a handshake has one Host header"));
    }
    // What follows the head is frames. Where a proxy before us takes it for a body, somebody else
    // may have written it.
    let body = fields.all("content-length").any(|length| length.trim_ascii() != b"0");
    if body || fields.all("transfer-encoding").next().is_some() {
        return Err(Refusal::bad("a handshake has no body"));
    }
    Ok(())
}

fn key<F: Fields + ?Sized>(fields: &F) -> Result<&str, Refusal> {
    let key = fields.first("sec-websocket-key").filter(|key| is_key(key));
    key.ok_or_else(|| Refusal::bad("the Sec-WebSocket-Key header is not 16 bytes in base64"))
}

/// The first of `protocols` that the client offers.
pub(crate) fn choose(fields: &(impl Fields + ?Sized), protocols: &[String]) -> Option<String> {
    let mut ours = protocols.iter();
    ours.find(|name| fields.all("sec-websocket-protocol").any(|offer| offers(offer, name))).cloned()
}

fn is_key(key: &str) -> bool {
    key.len() == 24 && BASE64.decode(key.as_bytes()).is_ok_and(|nonce| nonce.len() == 16)
}

/// Subprotocol names are compared as they are, case included.
fn offers(offer: &[u8], name: &str) -> bool {
    offer.split(|&byte| byte == b',').any(|part| part.trim_ascii() == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn good() -> HeaderMap {
        [
            ("host", "localhost:3000"),
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "chat.v1, chat.v2"),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect()
    }

    fn check_with(change: impl FnOnce(&mut HeaderMap)) -> Result<Accept, Refusal> {
        let mut fields = good();
        change(&mut fields);
        let protocols = ["chat.v2".to_owned(), "chat.v1".to_owned()];
        check(&Method::GET, Version::HTTP_11, &fields, &terms(&protocols))
    }

    const SAME: &Origins = &Origins::same();

    fn terms(protocols: &[String]) -> Terms<'_> {
        let deflate = Some(Deflate::default());
        Terms { origins: SAME, protocols, deflate }
    }

    #[test]
    fn a_handshake_with_a_body_is_refused() {
        for (name, value) in [
            ("content-length", "5"),
            ("content-length", "0, 5"),
            ("content-length", ""),
            ("transfer-encoding", "chunked"),
        ] {
            let refusal = check_with(|fields| {
                fields.insert(name, value.parse().unwrap());
            });
            assert_eq!(refusal.unwrap_err().status, StatusCode::BAD_REQUEST, "{name}: {value}");
        }
        let empty = check_with(|fields| {
            fields.insert("content-length", "0".parse().unwrap());
        });
        assert!(empty.is_ok());
    }

    #[test]
    fn compression_is_agreed_on_where_it_is_offered_and_wanted() {
        let offer = |value: &str| {
            let value = value.parse().unwrap();
            check_with(|fields| drop(fields.insert("sec-websocket-extensions", value)))
        };
        let answer = |accept: Accept| String::from_utf8(accept.to_http1()).unwrap();
        let agreed = answer(offer("permessage-deflate; client_max_window_bits").unwrap());
        let expected = "Sec-WebSocket-Extensions: permessage-deflate; \
             server_no_context_takeover; client_no_context_takeover\r\n";
        assert!(agreed.contains(expected), "{agreed}");
        assert!(!answer(offer("x-webkit-deflate-frame").unwrap()).contains("Extensions"));
        assert!(!answer(check_with(|_| ()).unwrap()).contains("Extensions"));
        assert_eq!(offer("permessage-deflate; =").unwrap_err().status, 400);
    }

    #[test]
    fn a_good_request_is_accepted_with_our_first_common_subprotocol() {
        let accept = check_with(|_| ()).unwrap();
        assert_eq!(accept.key.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(accept.protocol.as_deref(), Some("chat.v2"));
        let answer = String::from_utf8(accept.to_http1()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "));
        assert!(answer.contains("Sec-WebSocket-Protocol: chat.v2\r\n\r\n"));
    }

    #[test]
    fn no_common_subprotocol_is_no_error() {
        let accept = check_with(|f| drop(f.insert("sec-websocket-protocol", "x".parse().unwrap())));
        assert_eq!(accept.unwrap().protocol, None);
    }

    #[test]
    fn each_fault_has_its_status() {
        type Change = fn(&mut HeaderMap);
        let cases: [(Change, u16); 9] = [
            (|f| drop(f.remove("host")), 400),
            (|f| assert!(f.append("host", "other".parse().unwrap())), 400),
            (|f| drop(f.remove("upgrade")), 426),
            (|f| drop(f.insert("upgrade", "h2c".parse().unwrap())), 426),
            (|f| drop(f.remove("connection")), 400),
            (|f| drop(f.insert("sec-websocket-version", "8".parse().unwrap())), 426),
            (|f| drop(f.remove("sec-websocket-key")), 400),
            (|f| drop(f.insert("sec-websocket-key", "c2hvcnQ=".parse().unwrap())), 400),
            (|f| drop(f.insert("origin", "http://evil.example".parse().unwrap())), 403),
        ];
        for (change, status) in cases {
            let refusal = check_with(change).unwrap_err();
            assert_eq!(refusal.status.as_u16(), status, "{refusal}");
        }
        let fields = good();
        let refused = |method, version| {
            check(method, version, &fields, &terms(&[])).unwrap_err().status.as_u16()
        };
        assert_eq!(refused(&Method::POST, Version::HTTP_11), 405);
        assert_eq!(refused(&Method::GET, Version::HTTP_10), 400);
    }

    #[test]
    fn a_refusal_of_the_version_names_ours() {
        let refusal = check_with(|f| drop(f.remove("sec-websocket-version"))).unwrap_err();
        let answer = String::from_utf8(refusal.to_http1()).unwrap();
        assert!(answer.contains("Sec-WebSocket-Version: 13\r\n"), "{answer}");
    }

    #[test]
    fn an_extended_connect_needs_neither_key_nor_upgrade() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("host", "a.example"),
            ("origin", "https://a.example"),
            ("sec-websocket-version", "13"),
        ] {
            fields.insert(name, value.parse().unwrap());
        }
        let check_as =
            |method, version, fields: &HeaderMap| check(&method, version, fields, &terms(&[]));
        let accept = check_as(Method::CONNECT, Version::HTTP_2, &fields).unwrap();
        assert_eq!(accept.key, None);
        let refused = check_as(Method::CONNECT, Version::HTTP_11, &fields).unwrap_err();
        assert_eq!(refused.status, 405);
        let refused = check_as(Method::GET, Version::HTTP_2, &fields).unwrap_err();
        assert_eq!(refused.status, 426);
        fields.insert("origin", "https://evil.example".parse().unwrap());
        let refused = check_as(Method::CONNECT, Version::HTTP_2, &fields).unwrap_err();
        assert_eq!(refused.status, 403);
        fields.remove("sec-websocket-version");
        let refused = check_as(Method::CONNECT, Version::HTTP_2, &fields).unwrap_err();
        assert_eq!(refused.status, 426);
    }
}
