//! The opening handshake, from both sides: no head makes it panic, what is accepted is a handshake
//! by RFC 6455 §4, and a wrong key is never accepted.
//!
//! Input: one byte of switches, then for an even one the head of a request, for an odd one the
//! head of an answer. The origin rule is asked with the head's own fields and with its lines.
#![no_main]

use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use libfuzzer_sys::fuzz_target;
use rialto_ws::Origins;
use rialto_ws::proto::deflate::{Deflate, Offer};
use rialto_ws::proto::handshake::client::{self, Offers, Rejected};
use rialto_ws::proto::handshake::server::{self, Accept, Refusal, Terms};
use rialto_ws::proto::handshake::{Request, accept_key, head_end};
use std::net::IpAddr;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

fuzz_target!(|data: &[u8]| {
    let Some((switches, head)) = data.split_first() else { return };
    let protocols = if switches & 2 == 0 { vec![] } else { vec!["chat".into(), "v2".into()] };
    ends(head);
    origin_rule(head);
    if switches & 1 == 0 { request(head, &protocols) } else { answer(head, &protocols) }
});

/// The end of a head is the same wherever reads have cut it.
fn ends(head: &[u8]) {
    let end = head_end(head, 0);
    for cut in [head.len() / 2, head.len().saturating_sub(3)] {
        let early = head_end(&head[..cut], 0);
        assert_eq!(early.or_else(|| head_end(head, cut)), end);
    }
}

fn request(head: &[u8], protocols: &[String]) {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut fields);
    if !matches!(parsed.parse(head), Ok(httparse::Status::Complete(_))) {
        return;
    }
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return };
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let version = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    let fields: &[httparse::Header<'_>] = parsed.headers;
    kept(target, fields);
    let origins = Origins::list(["https://app.example"]);
    let terms = Terms { origins: &origins, protocols, deflate: Some(Deflate::default()) };
    let outcome = server::check(&method, version, fields, &terms);
    if let Some(map) = map_of(fields) {
        let by_map = server::check(&method, version, &map, &terms);
        assert_eq!(outcome, by_map, "the same fields, parsed by another");
    }
    match outcome {
        Ok(accept) => accepted(&accept, fields, protocols),
        Err(refusal) => refused(&refusal),
    }
}

/// What the connection keeps of a request is what was sent.
fn kept(target: &str, fields: &[httparse::Header<'_>]) {
    let request = Request::new(target, fields.iter().map(|field| (field.name, field.value)));
    assert_eq!(request.target(), target);
    assert_eq!(request.path(), target.split('?').next().unwrap());
    assert_eq!(request.query(), target.split_once('?').map(|(_, query)| query));
    let sent: Vec<(&str, &str)> = fields
        .iter()
        .filter_map(|field| Some((field.name, std::str::from_utf8(field.value).ok()?)))
        .collect();
    assert_eq!(request.headers().collect::<Vec<_>>(), sent);
}

fn map_of(fields: &[httparse::Header<'_>]) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        map.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some(map)
}

fn accepted(accept: &Accept, fields: &[httparse::Header<'_>], protocols: &[String]) {
    let field = |name: &str| {
        let found = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| field.value)
    };
    let key = field("sec-websocket-key").and_then(|key| std::str::from_utf8(key).ok()).unwrap();
    assert_eq!(BASE64.decode(key.as_bytes()).map(|nonce| nonce.len()), Ok(16));
    assert_eq!(field("sec-websocket-version"), Some(&b"13"[..]));
    assert_eq!(accept.key.as_deref(), Some(accept_key(key).as_str()));
    assert!(accept.protocol.as_ref().is_none_or(|protocol| protocols.contains(protocol)));

    let head = accept.to_http1();
    let offered = accept.protocol.as_slice();
    assert_eq!(check_answer(&head, key, offered), Some(Ok(accept.protocol.clone())));
    let wrong = if key == OTHER_KEY { KEY } else { OTHER_KEY };
    assert!(matches!(check_answer(&head, wrong, offered), Some(Err(Rejected::Malformed(_)))));
}

/// A refusal is a whole answer, and no acceptance.
fn refused(refusal: &Refusal) {
    let answer = refusal.to_http1();
    let end = head_end(&answer, 0).expect("the answer has a head");
    let mut fields = [httparse::EMPTY_HEADER; 8];
    let mut parsed = httparse::Response::new(&mut fields);
    assert_eq!(parsed.parse(&answer), Ok(httparse::Status::Complete(end)));
    assert_eq!(parsed.code, Some(refusal.status.as_u16()));
    let length = parsed.headers.iter().find(|field| field.name == "Content-Length").unwrap();
    assert_eq!(length.value, (answer.len() - end).to_string().as_bytes());
    assert!(matches!(check_answer(&answer, KEY, &[]), Some(Err(Rejected::Status(_)))));
}

fn answer(head: &[u8], protocols: &[String]) {
    let Some(Ok(chosen)) = check_answer(head, KEY, protocols) else { return };
    // As text, since this must not rest on what it checks.
    let text = String::from_utf8_lossy(head);
    assert!(text.contains(" 101"), "{text}");
    assert!(text.contains(ACCEPT), "{text}");
    assert!(chosen.is_none_or(|chosen| protocols.contains(&chosen)));
    assert!(!matches!(check_answer(head, OTHER_KEY, protocols), Some(Ok(_))));
}

/// `None` if the head is no answer at all.
fn check_answer(
    head: &[u8],
    key: &str,
    protocols: &[String],
) -> Option<Result<Option<String>, Rejected>> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Response::new(&mut fields);
    if !matches!(parsed.parse(head), Ok(httparse::Status::Complete(_))) {
        return None;
    }
    let status = StatusCode::from_u16(parsed.code?).ok()?;
    let fields: &[httparse::Header<'_>] = parsed.headers;
    let offers = Offers { protocols, deflate: Some(Offer::new(&Deflate::default())) };
    Some(client::check(status, fields, key, &offers).map(|chosen| chosen.protocol))
}

/// The first line as origin, the second as host: whoever passes unnamed is of the same name and
/// port, or both ends are of this machine.
fn origin_rule(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut lines = text.lines();
    let (origin, host) = (lines.next(), lines.next());
    assert!(Origins::Any.allow(origin, host));
    assert!(Origins::same().allow(None, host));
    let Some(origin) = origin else { return };
    // A slash at the end, or a star for a name, people write in lists, but no browser sends it.
    let listed = Origins::list([origin]).allow(Some(origin), None);
    assert!(listed || origin.ends_with('/') || origin.contains('*'));
    assert!(!Origins::same().allow(Some(origin), None));
    if !Origins::same().allow(Some(origin), host) {
        return;
    }
    let (scheme, authority) = origin.split_once("://").expect("an origin without scheme passed");
    let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let (origin, host) = (Address::new(authority, port), Address::new(host.unwrap(), port));
    assert!(origin == host || origin.is_loopback() && host.is_loopback(), "{origin:?} {host:?}");
}

/// Name and port, read from the front: the decoder reads from the back.
#[derive(Debug, PartialEq)]
struct Address {
    name: String,
    port: String,
}

impl Address {
    fn new(authority: &str, default_port: u16) -> Self {
        let authority = authority.to_ascii_lowercase();
        let behind = authority.rfind(']').unwrap_or(0);
        let (name, port) = match authority[behind..].rfind(':') {
            Some(colon) => (&authority[..behind + colon], authority[behind + colon + 1..].into()),
            None => (authority.as_str(), default_port.to_string()),
        };
        Self { name: name.to_owned(), port }
    }

    fn is_loopback(&self) -> bool {
        let bare = self.name.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}
