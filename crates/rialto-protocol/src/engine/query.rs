//! The query string of an Engine.IO request.

use std::borrow::Cow;

use super::{HandshakeError, Transport};

/// The longest query string that is looked at: 8 KiB, half of what the whole request head may
/// take. A longer one is a bad request.
pub const MAX_QUERY_BYTES: usize = 8 * 1024;

/// How many parameters a query may have: 100. More are a bad request, so that a lookup by name
/// stays cheap whatever the client sends.
pub const MAX_QUERY_PAIRS: usize = 100;

/// The revision of Engine.IO that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `EIO=3`, a missing `EIO`, or any other value, as the reference reads it.
    V3,
    /// `EIO=4`.
    V4,
}

/// A request's query string, parsed.
///
/// Where a parameter is repeated, the first one counts.
///
/// ```
/// use rialto_protocol::engine::{Query, Transport, Version};
///
/// let query = Query::parse("EIO=4&transport=polling&t=abc&token=a%20b").unwrap();
/// assert_eq!(query.version, Version::V4);
/// assert_eq!(query.transport, Transport::Polling);
/// assert_eq!(query.sid, None);
/// assert_eq!(query.get("token").as_deref(), Some("a b"));
/// ```
#[derive(Clone, Debug)]
pub struct Query<'a> {
    raw: &'a str,
    /// The revision asked for by `EIO`.
    pub version: Version,
    /// The transport asked for by `transport`.
    pub transport: Transport,
    /// The session that the request belongs to; `None` if it wants to open one. An empty value
    /// counts as none.
    pub sid: Option<Cow<'a, str>>,
    /// The index of a JSONP request (`j`), which only old browsers send.
    pub jsonp: Option<Cow<'a, str>>,
    /// The cache buster (`t`).
    pub timestamp: Option<Cow<'a, str>>,
    /// Whether the client cannot receive binary (`b64` is present and not empty).
    pub base64: bool,
}

impl<'a> Query<'a> {
    /// Parses the part of the request target behind the `?`.
    ///
    /// # Errors
    /// [`HandshakeError::TransportUnknown`] if `transport` is missing or unknown,
    /// [`HandshakeError::BadRequest`] beyond [`MAX_QUERY_BYTES`] or [`MAX_QUERY_PAIRS`].
    pub fn parse(raw: &'a str) -> Result<Self, HandshakeError> {
        if raw.len() > MAX_QUERY_BYTES || pairs_in(raw) > MAX_QUERY_PAIRS {
            return Err(HandshakeError::BadRequest);
        }
        let (mut version, mut transport) = (None, None);
        let (mut sid, mut jsonp, mut timestamp, mut base64) = (None, None, None, None);
        for (name, value) in query_pairs(raw) {
            let slot = match name.as_ref() {
                "EIO" => &mut version,
                "transport" => &mut transport,
                "sid" => &mut sid,
                "j" => &mut jsonp,
                "t" => &mut timestamp,
                "b64" => &mut base64,
                _ => continue,
            };
            slot.get_or_insert(value);
        }
        let transport = transport.as_deref().and_then(Transport::from_name);
        Ok(Self {
            raw,
            version: if version.as_deref() == Some("4") { Version::V4 } else { Version::V3 },
            transport: transport.ok_or(HandshakeError::TransportUnknown)?,
            sid: sid.filter(|sid| !sid.is_empty()),
            jsonp,
            timestamp,
            base64: base64.is_some_and(|value| !value.is_empty()),
        })
    }

    /// The decoded value of the first parameter of that name.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.pairs().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// All parameters in order, decoded, the protocol's own among them.
    pub fn pairs(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        query_pairs(self.raw)
    }

    /// The query string as it came.
    pub const fn as_str(&self) -> &'a str {
        self.raw
    }
}

/// The parameters of a query string in order, decoded; nothing is required of them.
pub fn query_pairs(raw: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> + use<'_> {
    let mut rest = Some(raw);
    // Most queries have nothing to decode, which one look at the whole tells sooner.
    let encoded = raw.bytes().filter(|&byte| is_encoding(byte)).count() > 0;
    let text = move |part| if encoded { decode(part) } else { Cow::Borrowed(part) };
    std::iter::from_fn(move || {
        loop {
            let (pair, tail) = cut(rest?, b'&');
            rest = tail;
            if !pair.is_empty() {
                let (name, value) = cut(pair, b'=');
                return Some((text(name), text(value.unwrap_or_default())));
            }
        }
    })
}

/// The text before the first `end`, and what follows it. Between two of them stand a few bytes: a
/// plain loop finds the next sooner than a search made for long texts.
fn cut(text: &str, end: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|byte| byte == end) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Whether a byte stands for another one, or begins what does.
fn is_encoding(byte: u8) -> bool {
    byte == b'%' || byte == b'+'
}

fn pairs_in(raw: &str) -> usize {
    raw.bytes().filter(|&byte| byte == b'&').count() + 1
}

/// Decodes `%xx` and `+`. A percent sign that starts no escape stays as it is, and bytes that are
/// not UTF-8 become U+FFFD, as in Node's `querystring`.
fn decode(text: &str) -> Cow<'_, str> {
    let Some(first) = text.bytes().position(is_encoding) else {
        return Cow::Borrowed(text);
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&bytes[..first]);
    let mut rest = &bytes[first..];
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, escaped(tail)) {
            (b'%', Some(value)) => {
                out.push(value);
                rest = &tail[2..];
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The byte that the first two characters spell in hexadecimal.
fn escaped(tail: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*tail.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
