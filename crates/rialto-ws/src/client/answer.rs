//! The answer of an HTTP server that is no acceptance: its fields and a part of its body.

use crate::error::{Error, Result};
use crate::head::{MAX_FIELDS, read_head_into, speaks_tls};
use crate::proto::handshake::client::Rejected;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// Bytes of a refusal's body that are read: enough for its reason.
const MAX_BODY: usize = 16 << 10;

/// How long a refusal's body may take; its status is known by then.
const BODY_TIME: Duration = Duration::from_secs(1);

/// Interim answers before the one that counts; more are refused.
const MAX_INTERIM: usize = 8;

/// Why there is no head.
#[derive(Debug)]
pub(crate) enum Unread {
    /// What came is none, or too much.
    Malformed(&'static str),
    Failed(Error),
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Malformed(what) => Rejected::Malformed(what).into(),
            Unread::Failed(error) => error,
        }
    }
}

/// The head of an HTTP/1 answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    /// What came behind the head.
    pub(crate) rest: Vec<u8>,
}

impl Head {
    /// Reads a head of at most `max` bytes; interim answers before it (100, 103) are passed over
    /// (RFC 9110 §15.2), 101 is none of them.
    pub(crate) async fn read<S: AsyncRead + Unpin>(
        stream: &mut S,
        max: usize,
    ) -> Result<Self, Unread> {
        let mut rest = Vec::new();
        for _ in 0..=MAX_INTERIM {
            let mut input = rest.as_slice().chain(&mut *stream);
            let mut head = Self::read_one(&mut input, max).await?;
            let (unread, _) = input.into_inner();
            head.rest.extend_from_slice(unread);
            let last = head.status == StatusCode::SWITCHING_PROTOCOLS;
            if last || !head.status.is_informational() {
                return Ok(head);
            }
            rest = head.rest;
        }
        Err(Unread::Malformed("interim answers without end"))
    }

    async fn read_one<S: AsyncRead + Unpin>(stream: &mut S, max: usize) -> Result<Self, Unread> {
        let mut head = Vec::new();
        let rest = read_head_into(stream, max, &mut head).await.map_err(|error| {
            if speaks_tls(&head) {
                Unread::Malformed("the server speaks TLS here, as wss:// does")
            } else if error.status().is_some() {
                Unread::Malformed("its head is larger than Options::max_head")
            } else if error.is_closed() {
                Unread::Malformed("the connection ended within its head")
            } else {
                Unread::Failed(error)
            }
        })?;
        let parsed = parse(&head).ok_or(Unread::Malformed("not an HTTP/1.1 answer"))?;
        Ok(Self { status: parsed.0, fields: parsed.1, rest })
    }

    /// Reads what there is of the body, within bounds, and makes the answer whole.
    pub(crate) async fn with_body<S: AsyncRead + Unpin>(self, stream: &mut S) -> Response<Bytes> {
        let mut body = Body::new(self.status, &self.fields, self.rest);
        // What has arrived is worth having, whatever happened to the remainder.
        let _ = timeout(BODY_TIME, body.read(stream)).await;
        let mut response = Response::new(Bytes::from(body.finish()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.fields;
        response
    }
}

fn parse(head: &[u8]) -> Option<(StatusCode, HeaderMap)> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(_)) = answer.parse(head) else { return None };
    let status = StatusCode::from_u16(answer.code?).ok()?;
    let mut map = HeaderMap::with_capacity(answer.headers.len());
    for field in answer.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        map.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some((status, map))
}

/// How a body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
    UntilTheEnd,
}

struct Body {
    length: Length,
    bytes: Vec<u8>,
}

impl Body {
    fn new(status: StatusCode, fields: &HeaderMap, rest: Vec<u8>) -> Self {
        let text = |name| fields.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let chunked = text(header::TRANSFER_ENCODING)
            .is_some_and(|coding| coding.trim_end().to_ascii_lowercase().ends_with("chunked"));
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
        let without = status.is_informational() || matches!(status.as_u16(), 204 | 304);
        let length = match length {
            _ if without => Length::Known(0),
            _ if chunked => Length::Chunked,
            Some(length) => Length::Known(length),
            None => Length::UntilTheEnd,
        };
        Self { length, bytes: rest }
    }

    fn is_complete(&self) -> bool {
        let whole = match self.length {
            Length::Known(length) => self.bytes.len() >= length,
            Length::Chunked => unchunk(&self.bytes).1,
            Length::UntilTheEnd => false,
        };
        whole || self.bytes.len() >= MAX_BODY
    }

    async fn read<S: AsyncRead + Unpin>(&mut self, stream: &mut S) {
        while !self.is_complete() {
            let room = MAX_BODY - self.bytes.len();
            let mut piece = stream.take(room as u64);
            if !matches!(piece.read_buf(&mut self.bytes).await, Ok(read) if read > 0) {
                return;
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        match self.length {
            Length::Known(length) => self.bytes.truncate(length.min(MAX_BODY)),
            Length::Chunked => self.bytes = unchunk(&self.bytes).0,
            Length::UntilTheEnd => self.bytes.truncate(MAX_BODY),
        }
        self.bytes
    }
}

/// The data of the chunks that are there (RFC 9112 §7.1), and whether the last one was reached
/// (or something that is no chunk).
fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    loop {
        let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
            return (out, false);
        };
        let (line, rest) = bytes.split_at(at);
        let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size).ok().map(str::trim);
        match size.and_then(|size| usize::from_str_radix(size, 16).ok()) {
            None | Some(0) => return (out, true),
            Some(size) => {
                let data = rest.get(2..).unwrap_or_default();
                out.extend_from_slice(data.get(..size).unwrap_or(data));
                match size.checked_add(2).and_then(|end| data.get(end..)) {
                    Some(next) => bytes = next,
                    None => return (out, false),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut wire: &[u8]) -> Response<Bytes> {
        let head = Head::read(&mut wire, 1 << 10).await.unwrap();
        head.with_body(&mut wire).await
    }

    #[tokio::test]
    async fn bodies_of_every_kind_of_length() {
        for (fields, body, whole) in [
            ("Content-Length: 5\r\n", "helloXX", "hello"),
            ("Content-Length: 50\r\n", "cut", "cut"),
            ("", "to the end", "to the end"),
            ("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde"),
            ("Transfer-Encoding: gzip, Chunked\r\n", "5\r\nab", "ab"),
            ("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nab", "ab"),
            ("Transfer-Encoding: chunked\r\n", "nonsense\r\nab", ""),
        ] {
            let wire = format!("HTTP/1.1 403 No\r\n{fields}X-A: b\r\n\r\n{body}");
            let answer = read(wire.as_bytes()).await;
            assert_eq!(answer.status(), 403);
            assert_eq!(answer.headers()["x-a"], "b");
            assert_eq!(answer.body(), whole.as_bytes(), "{fields}");
        }
    }

    #[tokio::test]
    async fn a_body_is_cut_at_its_limit() {
        for fields in ["", "Content-Length: 100000\r\n"] {
            let wire = format!("HTTP/1.1 500 Oh\r\n{fields}\r\n{}", "x".repeat(100_000));
            assert_eq!(read(wire.as_bytes()).await.body().len(), MAX_BODY);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let (mut near, mut far) = tokio::io::duplex(1 << 10);
        let wire = b"HTTP/1.1 503 Oh\r\nContent-Length: 9\r\n\r\npart";
        tokio::io::AsyncWriteExt::write_all(&mut far, wire).await.unwrap();
        let head = Head::read(&mut near, 1 << 10).await.unwrap();
        assert_eq!(head.with_body(&mut near).await.body(), "part");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_has_no_body_is_whole_at_once() {
        for status in [204, 304] {
            let (mut near, mut far) = tokio::io::duplex(1 << 10);
            let wire = format!("HTTP/1.1 {status} X\r\nContent-Length: 9\r\n\r\nnext");
            tokio::io::AsyncWriteExt::write_all(&mut far, wire.as_bytes()).await.unwrap();
            let start = tokio::time::Instant::now();
            let head = Head::read(&mut near, 1 << 10).await.unwrap();
            assert!(head.with_body(&mut near).await.body().is_empty());
            assert_eq!(start.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn interim_answers_are_passed_over_however_they_are_cut() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n";
        let wire = format!("{interim}HTTP/1.1 101 Yes\r\nA: b\r\n\r\nframes");
        for cut in 0..wire.len() {
            let (first, second) = wire.as_bytes().split_at(cut);
            let head = Head::read(&mut first.chain(second), 1 << 10).await.unwrap();
            assert_eq!((head.status.as_u16(), head.fields.len()), (101, 1));
            assert!(b"frames".starts_with(&head.rest), "{cut}");
        }
        let head = Head::read(&mut wire.as_bytes(), 1 << 10).await.unwrap();
        assert_eq!(head.rest, b"frames");
        let endless = "HTTP/1.1 103 Hints\r\n\r\n".repeat(MAX_INTERIM + 1);
        let refused = Head::read(&mut endless.as_bytes(), 1 << 10).await.unwrap_err();
        assert!(matches!(refused, Unread::Malformed(what) if what.contains("without end")));
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_as_chunks_does_no_harm(
            bytes: Vec<u8>,
            sizes in proptest::collection::vec("[0-9a-fA-F]{1,20}", 0..4),
        ) {
            let lines: String = sizes.iter().map(|size| format!("{size}\r\nabc\r\n")).collect();
            for wire in [bytes.clone(), [lines.as_bytes(), &bytes].concat()] {
                assert!(unchunk(&wire).0.len() <= wire.len());
            }
        }
    }

    #[tokio::test]
    async fn heads_that_are_none_are_refused() {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2_000));
        for wire in ["GARBAGE\r\n\r\n", "", "HTTP/1.1 200 OK\r\n", long.as_str()] {
            let unread = Head::read(&mut wire.as_bytes(), 1 << 10).await.unwrap_err();
            let refused = Error::from(unread);
            assert!(refused.is_handshake() && refused.status().is_none(), "{refused}");
        }
    }
}
