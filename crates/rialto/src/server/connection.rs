//! One connection of the listener: HTTP on a stream, with its deadlines.

use super::front::Front;
use crate::engine::Reply;
use crate::net::{Conn, Deadlines, Held, Phase, Secured};
use axum::body::Body;
use http::{HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rialto_ws::Stream;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// Bytes of a request head, and its header fields.
const MAX_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 100;
/// As much of the first request is read before there is a buffer for it.
const FIRST_READ: usize = 1024;

/// What happens to a connection that was accepted.
pub(super) trait Welcome: Send + Sync {
    /// Serves it in a task of its own.
    fn spawn(&self, stream: TcpStream, guest: Guest);
}

/// Plain TCP.
pub(super) struct Plain;

impl Welcome for Plain {
    fn spawn(&self, mut stream: TcpStream, mut guest: Guest) {
        tokio::spawn(async move {
            guest.hurry(&stream);
            if let Some(first) = guest.first_bytes(&mut stream).await {
                guest.serve_http1(stream, first, false).await;
            }
        });
    }
}

/// Who has come, and what there is to serve.
pub(super) struct Guest {
    pub(super) peer: SocketAddr,
    pub(super) front: Front,
    pub(super) stopped: watch::Receiver<bool>,
    /// Whether its connection has inherited `TCP_NODELAY` from the listener.
    pub(super) prompt: bool,
}

impl Guest {
    pub(super) fn deadlines(&self) -> Deadlines {
        let options = &self.front.core().options;
        Deadlines { header: options.header_timeout, keep_alive: options.keep_alive_timeout }
    }

    /// Has the connection send at once what is written.
    pub(super) fn hurry(&self, stream: &TcpStream) {
        if !self.prompt
            && let Err(error) = stream.set_nodelay(true)
        {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
    }

    /// Waits for the first bytes, within the time in which a request has to come; `None` if they
    /// do not.
    ///
    /// Until then a connection has no buffer, and of many that come at once each has its own only
    /// while it is served: with those of hyper, they would hold 25 KiB each while they wait.
    async fn first_bytes(&mut self, stream: &mut TcpStream) -> Option<Vec<u8>> {
        let limit = self.deadlines().keep_alive;
        tokio::select! {
            first = timeout(limit, first_read(stream)) => {
                first.inspect_err(|_| tracing::debug!(peer = %self.peer, "no request")).ok()?
            }
            () = wait_for_stop(&mut self.stopped) => None,
        }
    }

    /// Serves HTTP/1.1 on a stream of which these bytes have been read.
    pub(super) async fn serve_http1(self, stream: impl Stream, first: Vec<u8>, secure: bool) {
        let phase = Phase::http1();
        let conn = Conn::new(stream, phase.clone(), self.deadlines()).behind(first);
        let io = TokioIo::new(conn);
        let desk = Desk { peer: self.peer, front: self.front, phase, secure };
        let connection = std::pin::pin!(
            http1::Builder::new()
                .max_buf_size(MAX_HEAD)
                .max_headers(MAX_FIELDS)
                .serve_connection(io, service_fn(|request| desk.answer(request)))
                .with_upgrades()
        );
        run(connection, |connection| connection.graceful_shutdown(), self.peer, self.stopped).await;
    }
}

/// What arrives first; `None` if nothing does before the end.
///
/// Reading is the only way to know: tokio takes a stream that was just accepted for readable.
async fn first_read(stream: &mut TcpStream) -> Option<Vec<u8>> {
    poll_fn(|cx| {
        let mut bytes = [MaybeUninit::uninit(); FIRST_READ];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
        let some = read.is_ok() && !buffer.filled().is_empty();
        Poll::Ready(some.then(|| buffer.filled().to_vec()))
    })
    .await
}

/// Answers the requests of one connection.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) peer: SocketAddr,
    pub(super) front: Front,
    pub(super) phase: Phase,
    pub(super) secure: bool,
}

impl Desk {
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Reply, Infallible> {
        let serving = self.phase.serve();
        let connect = request.method() == Method::CONNECT;
        let mut request = request.map(body);
        if self.secure {
            request.extensions_mut().insert(Secured);
        }
        let reply = match without_host(&request) {
            None => self.front.answer(request, Some(self.peer)).await,
            Some(refusal) => refusal,
        };
        let taken = connect && reply.status().is_success();
        let switched = reply.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switched && !self.secure && reply.extensions().get::<Held>().is_some() {
            self.phase.hold();
        } else if taken || switched {
            self.phase.take();
        }
        drop(serving);
        Ok(reply)
    }
}

/// Most requests have none, and need no box for it.
fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() { Body::empty() } else { Body::new(incoming) }
}

/// Drives a connection to its end, which `shutdown` brings about when the server stops. By
/// reference: moved into this future, a connection of hyper would lie in the task twice.
pub(super) async fn run<C, E>(
    mut connection: Pin<&mut C>,
    shutdown: impl FnOnce(Pin<&mut C>),
    peer: SocketAddr,
    mut stopped: watch::Receiver<bool>,
) where
    C: Future<Output = Result<(), E>>,
    E: std::fmt::Display,
{
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = wait_for_stop(&mut stopped) => {
            shutdown(connection.as_mut());
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "the connection failed");
    }
}

/// A request of HTTP/1.1 names its host, once (RFC 9112 §3.2); hyper leaves that to us. Over
/// HTTP/2 the host stands elsewhere.
fn without_host(request: &Request<Body>) -> Option<Reply> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = hosts.next().is_some() || request.version() != Version::HTTP_11;
    if named && hosts.next().is_none() {
        return None;
    }
    let mut reply = Reply::new(Body::from("a request has one Host header\n"));
    *reply.status_mut() = StatusCode::BAD_REQUEST;
    if request.version() < Version::HTTP_2 {
        reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Some(reply)
}

/// Ready when the server stops.
async fn wait_for_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server itself is gone.
    drop(stopped.wait_for(|stop| *stop).await);
}
