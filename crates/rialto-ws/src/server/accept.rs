//! The handshake of HTTP/1.1 on a stream: read, judged, answered.

use super::deadline;
use super::handshake::Handshake;
use crate::error::{Error, Result};
use crate::head::{MAX_FIELDS, read_head_into, too_large};
use crate::io::stream::{Stream, peer_addr, send_at_once};
use crate::options::Options;
use crate::proto::Role;
use crate::proto::handshake::server::Refusal;
use crate::proto::handshake::{Request, server};
use crate::socket::{Opening, WebSocket};
use http::{Method, StatusCode, Version};
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

/// How long, and how many reads, a refused peer may still take.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 64);

/// Accepts a connection on any stream, with default options.
///
/// It reads the handshake and answers it. In a task that you spawn, run the handler by
/// [`run`](crate::run), so that writes are merged as [`serve`](crate::serve) merges them.
///
/// Not cancel safe: it owns the stream, which is closed if this is dropped before it is ready.
///
/// # Errors
/// If the peer sends no valid handshake in time. It has been answered by an HTTP status then,
/// which [`Error::status`] tells.
pub async fn accept<S: Stream>(stream: S) -> Result<WebSocket> {
    accept_with(stream, &Options::default()).await
}

/// [`accept`] with options.
///
/// # Errors
/// As [`accept`].
pub async fn accept_with<S: Stream>(stream: S, options: &Options) -> Result<WebSocket> {
    accept_guarded(stream, options, |handshake| ready(Ok(handshake))).await
}

/// [`accept_with`], and a guard that sees the request before it is answered: it accepts by
/// returning the [`Handshake`], changed or not, and refuses by a [`Refusal`].
///
/// All of it has [`Options::handshake_timeout`], the guard's own work included. What is late is
/// answered as well: 408 where the request did not end in time, 503 where the guard did not.
///
/// Not cancel safe, as [`accept`]: if it is dropped, the stream is closed.
///
/// ```no_run
/// # async fn example(stream: tokio::net::TcpStream) -> rialto_ws::Result<()> {
/// use http::StatusCode;
/// use rialto_ws::{Options, Refusal, accept_guarded};
/// let socket = accept_guarded(stream, &Options::default(), async |handshake| {
///     match handshake.request().path() {
///         "/chat" => Ok(handshake),
///         _ => Err(Refusal::new(StatusCode::NOT_FOUND, "connect to /chat")),
///     }
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`accept`], and if the guard refuses.
pub async fn accept_guarded<S, G, F>(stream: S, options: &Options, guard: G) -> Result<WebSocket>
where
    S: Stream,
    G: FnOnce(Handshake) -> F,
    F: Future<Output = Result<Handshake, Refusal>>,
{
    let deadline = deadline::after(options.handshake_timeout);
    let peer = peer_addr(&stream);
    accept_on(stream, Terms { options, deadline, peer }, guard).await
}

/// What holds for a handshake: the deadline may have begun before, and the peer be known.
pub(super) struct Terms<'a> {
    pub(super) options: &'a Options,
    pub(super) deadline: Instant,
    pub(super) peer: Option<SocketAddr>,
}

/// [`accept_guarded`] on these terms.
pub(super) async fn accept_on<S, G, F>(
    mut stream: S,
    terms: Terms<'_>,
    guard: G,
) -> Result<WebSocket>
where
    S: Stream,
    G: FnOnce(Handshake) -> F,
    F: Future<Output = Result<Handshake, Refusal>>,
{
    let Terms { options, deadline, peer } = terms;
    let (head, input) = match read_request(&mut stream, options, deadline).await? {
        Ok(read) => read,
        Err(refusal) => return Err(refuse(stream, refusal).await),
    };
    let guarded = match check(&head, options) {
        Ok((accept, request)) => {
            drop(head);
            let guarding = guard(Handshake::new(request, accept, peer));
            timeout_at(deadline, guarding).await.unwrap_or_else(|_| Err(undecided()))
        }
        Err(refusal) => Err(refusal),
    };
    match guarded {
        Ok(handshake) => open(stream, input, handshake, options, deadline).await,
        Err(refusal) => Err(refuse(stream, refusal).await),
    }
}

fn undecided() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the server took too long to decide")
        .retry_after(Duration::from_secs(1))
}

/// The head of the request and what came behind it, or the refusal of a head that is too large
/// or too slow.
async fn read_request<S: Stream>(
    stream: &mut S,
    options: &Options,
    deadline: Instant,
) -> Result<Result<(Vec<u8>, Vec<u8>), Refusal>> {
    let mut head = Vec::new();
    let reading = read_head_into(stream, options.max_head, &mut head);
    match timeout_at(deadline, reading).await {
        Ok(Ok(input)) => Ok(Ok((head, input))),
        Ok(Err(error)) if error.status().is_some() => Ok(Err(too_large())),
        Ok(Err(error)) => Err(error),
        // Whoever has said nothing is owed nothing: it may be a browser that connects ahead.
        Err(_) if head.is_empty() => Err(Error::timeout("no handshake")),
        Err(_) => {
            Ok(Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request did not end in time")))
        }
    }
}

/// Answers 101 and opens the connection.
async fn open<S: Stream>(
    mut stream: S,
    input: Vec<u8>,
    handshake: Handshake,
    options: &Options,
    deadline: Instant,
) -> Result<WebSocket> {
    let Handshake { request, accept, extra, options: own, extensions, .. } = handshake;
    let mut answer = accept.to_http1();
    // Before the empty line.
    answer.truncate(answer.len().saturating_sub(2));
    extra.write_http1(&mut answer);
    answer.extend_from_slice(b"\r\n");
    let writing = async {
        stream.write_all(&answer).await?;
        stream.flush().await
    };
    match timeout_at(deadline.max(Instant::now() + LINGER.0), writing).await {
        Ok(written) => written?,
        Err(_) => return Err(Error::timeout("the peer does not take the answer")),
    }
    let protocol = accept.protocol.map(String::into_boxed_str);
    let opening = Opening { request, protocol, deflate: accept.deflate };
    let options = own.as_deref().unwrap_or(options);
    send_at_once(&stream);
    let socket = WebSocket::open(stream, Role::Server, input, opening, options);
    Ok(socket.with_extensions(extensions))
}

/// Answers by an HTTP status and ends the stream.
async fn refuse<S: Stream>(mut stream: S, refusal: Refusal) -> Error {
    let answering = async {
        stream.write_all(&refusal.to_http1()).await?;
        stream.shutdown().await?;
        linger(&mut stream).await;
        Ok::<_, std::io::Error>(())
    };
    // Whoever goes on sending has had the time to read.
    match timeout(LINGER.0, answering).await {
        Ok(Err(error)) => error.into(),
        Ok(Ok(())) | Err(_) => refusal.into(),
    }
}

/// Reads what is still coming, within bounds: a stream that is dropped with unread input is
/// reset, and the reset would destroy the answer on its way.
async fn linger<S: Stream>(stream: &mut S) {
    let mut rest = [0; 1024];
    for _ in 0..LINGER.1 {
        if !matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {
            return;
        }
    }
}

fn check(head: &[u8], options: &Options) -> Result<(server::Accept, Request), Refusal> {
    let bad = |reason| Refusal::new(StatusCode::BAD_REQUEST, reason);
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    // Clients that take it for granted that HTTP/2 is spoken begin with this (RFC 9113 §3.4).
    if head.starts_with(b"PRI * HTTP/2.0\r\n") {
        let reason = "HTTP/2 is not spoken here, only HTTP/1.1";
        return Err(Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, reason));
    }
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Ok(httparse::Status::Partial) | Err(_) => return Err(bad("not an HTTP/1.1 request")),
    }
    let method = parsed.method.and_then(|name| name.parse::<Method>().ok());
    let (Some(method), Some(target)) = (method, parsed.path) else {
        return Err(bad("not an HTTP/1.1 request"));
    };
    let version = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    let fields: &[httparse::Header<'_>] = parsed.headers;
    let accept = server::check(&method, version, fields, &options.terms())?;
    let kept = fields.iter().filter(|field| !is_spent(field.name));
    let request = Request::new(target, kept.map(|field| (field.name, field.value)));
    Ok((accept, request))
}

/// Fields that have said all they had to say: that this is a handshake of WebSocket 13.
fn is_spent(name: &str) -> bool {
    let spent = ["upgrade", "connection", "sec-websocket-key", "sec-websocket-version"];
    spent.iter().any(|field| name.eq_ignore_ascii_case(field))
}
