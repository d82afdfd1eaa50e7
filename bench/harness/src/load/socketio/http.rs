//! A client's keep-alive connection for long-polling: one request at a time.

use super::super::net;
use super::Site;
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::net::TcpStream;

/// The connection.
pub(super) struct Http {
    stream: TcpStream,
    host: String,
    received: Vec<u8>,
    busy: bool,
}

impl Http {
    /// Connects from the address with that number; does not block afterwards.
    pub(super) fn connect(site: &Site, number: usize) -> Result<Self> {
        let stream = net::connect_from(site.target, number)?;
        stream.set_nonblocking(true)?;
        let host = format!("127.0.0.1:{}", site.target.port);
        Ok(Self { stream, host, received: Vec::new(), busy: false })
    }

    /// What lies below.
    pub(super) fn tcp(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether an answer is still to come.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Asks for what there is; without a session, for one.
    pub(super) fn poll(&mut self, session: &str) -> Result<()> {
        let query = if session.is_empty() { "" } else { "&sid=" };
        let host = &self.host;
        let request = format!(
            "GET /socket.io/?EIO=4&transport=polling{query}{session} HTTP/1.1\r\n\
             Host: {host}\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"
        );
        self.send(request.as_bytes())
    }

    /// Sends packets.
    pub(super) fn post(&mut self, session: &str, packets: &[u8]) -> Result<()> {
        let (host, length) = (&self.host, packets.len());
        let mut request = format!(
            "POST /socket.io/?EIO=4&transport=polling&sid={session} HTTP/1.1\r\n\
             Host: {host}\r\nAccept: */*\r\nConnection: keep-alive\r\n\
             Content-type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend(packets);
        self.send(&request)
    }

    fn send(&mut self, request: &[u8]) -> Result<()> {
        if self.busy {
            bail!("a request before the answer to the last");
        }
        self.busy = true;
        self.stream.write_all(request).context("a request cannot be sent")
    }

    /// The body of the answer once it is whole. Anything but status 200 is an error.
    pub(super) fn answer(&mut self, scratch: &mut [u8]) -> Result<Option<Vec<u8>>> {
        while let Some(length) = net::receive(&self.stream, scratch)? {
            self.received.extend(&scratch[..length]);
            if length < scratch.len() {
                break;
            }
        }
        let Some((answer, used)) = parse(&self.received)? else { return Ok(None) };
        if used < self.received.len() || !self.busy {
            bail!("an answer to no request");
        }
        self.received.clear();
        self.busy = false;
        if answer.status != 200 {
            bail!("status {}: `{}`", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(Some(answer.body))
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// The first answer, if it is whole, and the bytes that it takes.
fn parse(bytes: &[u8]) -> Result<Option<(Answer, usize)>> {
    let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end]).context("the head of an answer")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
    let status = status.and_then(|line| line.get(..3)?.parse().ok());
    let status: u16 = status.with_context(|| format!("`{head}` is no answer"))?;
    let field = |wanted: &str| {
        let fields = lines.clone().filter_map(|line| line.split_once(':'));
        let mut values = fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.next().map(|(_, value)| value.trim())
    };
    let rest = &bytes[end + 4..];
    let body = if field("transfer-encoding").is_some_and(|it| it.eq_ignore_ascii_case("chunked")) {
        chunked(rest)?
    } else {
        let length: usize = field("content-length").context("no Content-Length")?.parse()?;
        rest.get(..length).map(|body| (body.to_owned(), length))
    };
    Ok(body.map(|(body, used)| (Answer { status, body }, end + 4 + used)))
}

/// The body of RFC 9112 section 7.1, if it is whole, and the bytes that it takes.
fn chunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|it| it == b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(&rest[..end])?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).context("the size of a chunk")?;
        let Some(chunk) = rest.get(end + 2..end + 2 + size + 2) else { return Ok(None) };
        body.extend(&chunk[..size]);
        at += end + 2 + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_when_it_is_whole() {
        let one = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let two =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\n\r\n";
        for bytes in [&one[..], &two[..]] {
            for length in 0..bytes.len() {
                assert_eq!(parse(&bytes[..length]).unwrap(), None, "{length}");
            }
            let answer = Answer { status: 200, body: b"ok".to_vec() };
            assert_eq!(parse(bytes).unwrap(), Some((answer, bytes.len())));
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for bytes in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
            "nonsense\r\n\r\n",
        ] {
            assert!(parse(bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}
