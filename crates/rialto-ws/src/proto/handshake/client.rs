//! The client's side: the request, and whether the answer accepts it.

use super::extensions::Malformed;
use super::fields::Fields;
use super::{accept_key, has_token};
use crate::proto::deflate::{Agreed, Offer};
use data_encoding::BASE64;
use http::{HeaderMap, StatusCode};

/// Why an answer is not an acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The server answered with another status than 101.
    Status(StatusCode),
    /// It answered 101, but not as RFC 6455 §4.1 asks.
    Malformed(&'static str),
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::Malformed(what) => write!(f, "the server's answer is no handshake: {what}"),
        }
    }
}

/// The `Sec-WebSocket-Key` for a nonce, which has to be random for each connection.
#[must_use]
pub fn key(nonce: [u8; 16]) -> String {
    BASE64.encode(&nonce)
}

/// What a client offers in its request, and checks the answer against.
#[derive(Clone, Debug, Default)]
pub struct Offers<'a> {
    /// Subprotocols, best first.
    pub protocols: &'a [String],
    /// Compression, if it is on.
    pub deflate: Option<Offer>,
}

/// What the server has chosen of the [`Offers`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The subprotocol.
    pub protocol: Option<String>,
    /// The compression.
    pub deflate: Option<Agreed>,
}

/// The HTTP/1.1 request of a handshake.
///
/// `headers` are added as they are, except those that the handshake itself sets.
#[must_use]
pub fn request(
    target: &str,
    host: &str,
    key: &str,
    offers: &Offers<'_>,
    headers: &HeaderMap,
) -> Vec<u8> {
    let mut out = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    )
    .into_bytes();
    if !offers.protocols.is_empty() {
        let line = format!("Sec-WebSocket-Protocol: {}\r\n", offers.protocols.join(", "));
        out.extend_from_slice(line.as_bytes());
    }
    if let Some(deflate) = &offers.deflate {
        let line = format!("Sec-WebSocket-Extensions: {}\r\n", deflate.to_header());
        out.extend_from_slice(line.as_bytes());
    }
    for (name, value) in headers {
        if is_ours(name.as_str()) {
            continue;
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// True if each name is a token, and named once (RFC 6455 §4.1): others could be taken for further
/// names, or end the line.
#[must_use]
pub fn are_protocols(names: &[String]) -> bool {
    let is_token = |name: &String| {
        let mark = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(mark)
    };
    let once = |(at, name)| !names.iter().take(at).any(|earlier| earlier == name);
    names.iter().all(is_token) && names.iter().enumerate().all(once)
}

fn is_ours(name: &str) -> bool {
    // The last two would announce a body, for which a server or a proxy takes the frames.
    matches!(name, "host" | "upgrade" | "connection" | "content-length" | "transfer-encoding")
        || name.starts_with("sec-websocket-")
}

/// Checks the server's answer (RFC 6455 §4.1) and returns what it chose.
///
/// # Errors
/// [`Rejected`] for another status, a missing or wrong header, a subprotocol or an extension
/// that was not offered.
pub fn check(
    status: StatusCode,
    fields: &(impl Fields + ?Sized),
    key: &str,
    offers: &Offers<'_>,
) -> Result<Chosen, Rejected> {
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(Rejected::Status(status));
    }
    if !fields.all("upgrade").any(|value| has_token(value, "websocket")) {
        return Err(Rejected::Malformed("no Upgrade: websocket"));
    }
    if !fields.all("connection").any(|value| has_token(value, "upgrade")) {
        return Err(Rejected::Malformed("no Connection: Upgrade"));
    }
    if fields.first("sec-websocket-accept") != Some(accept_key(key).as_str()) {
        return Err(Rejected::Malformed("wrong Sec-WebSocket-Accept"));
    }
    let answers = fields.all("sec-websocket-extensions");
    let deflate = match &offers.deflate {
        Some(offer) => offer.check(answers),
        None if answers.map(<[u8]>::trim_ascii).any(|value| !value.is_empty()) => Err(Malformed),
        None => Ok(None),
    };
    let deflate =
        deflate.map_err(|Malformed| Rejected::Malformed("an extension that was not offered so"))?;
    let protocol = match fields.first("sec-websocket-protocol") {
        None => None,
        Some(chosen) if offers.protocols.iter().any(|name| name == chosen) => {
            Some(chosen.to_owned())
        }
        Some(_) => return Err(Rejected::Malformed("a subprotocol that was not offered")),
    };
    Ok(Chosen { protocol, deflate })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn answer(extra: &[(&str, &str)]) -> HeaderMap {
        [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ]
        .iter()
        .chain(extra)
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect()
    }

    fn check_answer(status: u16, fields: &HeaderMap) -> Result<Option<String>, Rejected> {
        let protocols = &["chat".to_owned()];
        let status = StatusCode::from_u16(status).unwrap();
        let chosen = check(status, fields, KEY, &Offers { protocols, deflate: None })?;
        assert_eq!(chosen.deflate, None);
        Ok(chosen.protocol)
    }

    #[test]
    fn the_request_carries_what_was_asked_for_once() {
        let mut headers = HeaderMap::new();
        headers.insert("host", "forged".parse().unwrap());
        headers.insert("cookie", "a=b".parse().unwrap());
        headers.insert("content-length", "5".parse().unwrap());
        headers.insert("transfer-encoding", "chunked".parse().unwrap());
        let deflate = Some(Offer::new(&crate::proto::Deflate::default()));
        let offers = Offers { protocols: &["a".into(), "b".into()], deflate };
        let bytes = request("/x?y", "h:1", &key([0; 16]), &offers, &headers);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("GET /x?y HTTP/1.1\r\nHost: h:1\r\n"));
        assert!(text.contains("Sec-WebSocket-Protocol: a, b\r\n"));
        let extension = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
             client_no_context_takeover; client_max_window_bits\r\n";
        assert!(text.contains(extension), "{text}");
        assert!(text.contains("cookie: a=b\r\n"));
        assert!(!text.contains("forged") && !text.contains("content-length"));
        assert!(!text.contains("transfer-encoding"));
        assert!(text.ends_with("\r\n\r\n"));
    }

    #[test]
    fn subprotocols_are_tokens_named_once() {
        let check = |names: &[&str]| {
            are_protocols(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert!(check(&[]) && check(&["chat.v2", "chat.v1", "x!#$%&'*+-.^_`|~9"]));
        for bad in ["", "a b", "a,b", "a\r\nX: y", "a\n", "grün", "a;b", "\"a\""] {
            assert!(!check(&["chat", bad]), "{bad:?}");
        }
        assert!(!check(&["a", "b", "a"]));
    }

    #[test]
    fn only_a_correct_answer_passes() {
        assert_eq!(check_answer(101, &answer(&[])), Ok(None));
        let chosen = answer(&[("sec-websocket-protocol", "chat")]);
        assert_eq!(check_answer(101, &chosen), Ok(Some("chat".to_owned())));
        assert!(matches!(check_answer(403, &answer(&[])), Err(Rejected::Status(_))));
        let mut wrong = answer(&[]);
        wrong.insert("sec-websocket-accept", "x".parse().unwrap());
        for fields in [
            wrong,
            answer(&[("sec-websocket-protocol", "other")]),
            answer(&[("sec-websocket-extensions", "permessage-deflate")]),
            HeaderMap::new(),
        ] {
            assert!(matches!(check_answer(101, &fields), Err(Rejected::Malformed(_))));
        }
    }
}
