//! [`Refusal`]: a handshake that is answered by an HTTP error.

use super::extra::Extra;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use std::borrow::Cow;
use std::time::Duration;

/// Why a handshake is refused, and the HTTP answer that says so.
///
/// ```
/// use http::{HeaderValue, StatusCode, header};
/// use rialto_ws::proto::handshake::server::Refusal;
/// let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "log in first")
///     .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
/// assert!(refusal.to_http1().starts_with(b"HTTP/1.1 401 Unauthorized\r\n"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer. One that is no error (1xx, 2xx) is sent as 500, so that no
    /// client takes a refusal for a connection.
    pub status: StatusCode,
    /// A sentence for its body.
    pub reason: Cow<'static, str>,
    extra: Extra,
}

impl Refusal {
    /// A refusal with this status and sentence.
    #[must_use]
    pub fn new(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { status, reason: reason.into(), extra: Extra::default() }
    }

    /// Adds a header field to the answer. `Connection`, `Upgrade`, `Content-Length`,
    /// `Transfer-Encoding` and `Sec-WebSocket-*` are not taken: the answer has its own.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.extra.append(name, value);
        self
    }

    /// Says when to try again (RFC 9110 §10.2.3), in whole seconds.
    #[must_use]
    pub fn retry_after(self, time: Duration) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(time.as_secs()))
    }

    pub(super) fn bad(reason: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// The whole HTTP/1.1 answer; the connection ends after it.
    #[must_use]
    pub fn to_http1(&self) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {}\r\n", self.sent_status()).into_bytes();
        for (name, value) in self.own_fields() {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"Connection: close\r\n");
        if !self.has_type() {
            out.extend_from_slice(b"Content-Type: text/plain; charset=utf-8\r\n");
        }
        self.extra.write_http1(&mut out);
        let length = self.reason.len() + 1;
        out.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        out.extend_from_slice(self.reason.as_bytes());
        out.push(b'\n');
        out
    }

    /// The answer as a value of the `http` crate, for a server that hyper drives.
    #[must_use]
    pub fn to_response<B: From<String>>(&self) -> Response<B> {
        let mut response = Response::new(format!("{}\n", self.reason).into());
        *response.status_mut() = self.sent_status();
        let headers = response.headers_mut();
        if !self.has_type() {
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, text);
        }
        for (name, value) in self.own_fields() {
            if let Ok(name) = HeaderName::try_from(*name) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        for (name, value) in self.extra.iter() {
            headers.append(name.clone(), value.clone());
        }
        response
    }

    fn has_type(&self) -> bool {
        self.extra.iter().any(|(name, _)| name == header::CONTENT_TYPE)
    }

    fn sent_status(&self) -> StatusCode {
        if self.status.as_u16() < 300 { StatusCode::INTERNAL_SERVER_ERROR } else { self.status }
    }

    /// What belongs to a status.
    fn own_fields(&self) -> &[(&'static str, &'static str)] {
        match self.status {
            // RFC 6455 §4.4: say which version would do. RFC 9110 §15.5.22: name the protocol.
            StatusCode::UPGRADE_REQUIRED => {
                &[("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")]
            }
            // RFC 9110 §15.5.6.
            StatusCode::METHOD_NOT_ALLOWED => &[("Allow", "GET")],
            _ => &[],
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_carries_what_was_asked_for_and_its_own_framing() {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "full")
            .retry_after(Duration::from_secs(7))
            .header(header::CONNECTION, HeaderValue::from_static("keep-alive"))
            .header(header::CONTENT_LENGTH, HeaderValue::from_static("1000"));
        let expected = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\
            Content-Type: text/plain; charset=utf-8\r\nretry-after: 7\r\nContent-Length: 5\r\n\
            \r\nfull\n";
        assert_eq!(String::from_utf8(refusal.to_http1()).unwrap(), expected);
        let response = refusal.to_response::<String>();
        assert_eq!(response.headers()["retry-after"], "7");
        assert!(!response.headers().contains_key("connection"));
        assert_eq!(response.body(), "full\n");
    }

    #[test]
    fn a_refusal_never_looks_like_an_acceptance() {
        for status in [StatusCode::SWITCHING_PROTOCOLS, StatusCode::OK] {
            let refusal = Refusal::new(status, "x");
            assert!(refusal.to_http1().starts_with(b"HTTP/1.1 500 "));
            assert_eq!(refusal.to_response::<String>().status(), 500);
        }
    }
}
