//! What is kept of the request that opened a connection.

use std::fmt;

/// The request that opened a WebSocket, in one compact block.
///
/// Header fields are looked up in the text itself, so that a connection keeps
/// just the bytes that the client sent and no table beside them.
#[derive(Clone, Default)]
pub struct Request {
    /// Request target and `name: value` lines, each ended by CR LF, then the subprotocol. No peer
    /// can put a line's end into any of them: it would have ended the line in the head.
    block: Box<[u8]>,
}

impl Request {
    /// From a request target (`/path?query`) and its header fields.
    pub fn new<'a>(target: &str, fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut block = Vec::with_capacity(256);
        block.extend_from_slice(target.as_bytes());
        block.extend_from_slice(b"\r\n");
        for (name, value) in fields {
            block.extend_from_slice(name.as_bytes());
            block.extend_from_slice(b": ");
            block.extend_from_slice(value);
            block.extend_from_slice(b"\r\n");
        }
        Self { block: block.into() }
    }

    /// Keeps the subprotocol that was agreed on with the rest, in place of an earlier one.
    pub(crate) fn set_protocol(&mut self, protocol: Option<&str>) {
        let protocol = protocol.unwrap_or_default();
        if self.protocol().unwrap_or_default() == protocol {
            return;
        }
        let mut block = std::mem::take(&mut self.block).into_vec();
        block.truncate(block.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1));
        if block.is_empty() {
            block.extend_from_slice(b"\r\n");
        }
        block.extend_from_slice(protocol.as_bytes());
        self.block = block.into();
    }

    /// The subprotocol; none has an empty name (RFC 6455 §4.1).
    pub(crate) fn protocol(&self) -> Option<&str> {
        let last = self.block.rsplit(|&byte| byte == b'\n').next()?;
        std::str::from_utf8(last).ok().filter(|name| !name.is_empty())
    }

    /// The lines without their ends, the target's first.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.block.split(|&byte| byte == b'\n').filter_map(|line| {
            let line = line.strip_suffix(b"\r")?;
            Some(std::str::from_utf8(line).unwrap_or_default())
        })
    }

    /// From the head of an `http` request.
    #[must_use]
    pub fn from_parts(parts: &http::request::Parts) -> Self {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        Self::new(target, parts.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())))
    }

    /// The request target as sent: `/path?query`.
    #[must_use]
    pub fn target(&self) -> &str {
        self.lines().next().unwrap_or_default()
    }

    /// The path, as sent (percent-encoded).
    #[must_use]
    pub fn path(&self) -> &str {
        let target = self.target();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// The query without its `?`, as sent, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    /// The first value of the header field `name` (any case), if it is there and UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All header fields whose value is UTF-8, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines().skip(1).filter_map(|line| line.split_once(": "))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Header values may be credentials: name the fields only.
        let names: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Request").field("target", &self.target()).field("headers", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_and_fields_come_back_as_sent() {
        let fields: [(&str, &[u8]); 3] =
            [("Host", b"x:1"), ("Cookie", b"a=b; c: d"), ("X-Bad", b"\xff")];
        let request = Request::new("/echo?a=1&b=2", fields.into_iter());
        assert_eq!(request.target(), "/echo?a=1&b=2");
        assert_eq!(request.path(), "/echo");
        assert_eq!(request.query(), Some("a=1&b=2"));
        assert_eq!(request.header("host"), Some("x:1"));
        assert_eq!(request.header("COOKIE"), Some("a=b; c: d"));
        assert_eq!(request.header("x-bad"), None);
        assert_eq!(request.headers().count(), 2);
        assert_eq!(Request::new("/", std::iter::empty()).query(), None);
        assert_eq!(Request::new("/?", std::iter::empty()).query(), Some(""));
        assert!(!format!("{request:?}").contains("a=b"));
        let mut request = request;
        assert_eq!(request.protocol(), None);
        for protocol in [Some("chat.v1"), Some("v2"), None] {
            request.set_protocol(protocol);
            assert_eq!(request.protocol(), protocol);
            assert_eq!((request.headers().count(), request.target()), (2, "/echo?a=1&b=2"));
        }
    }
}
