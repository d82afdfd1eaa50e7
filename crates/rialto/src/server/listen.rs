//! The server's own listener: accepts, serves HTTP/1.1, stops.

use super::front::Front;
use crate::engine::Reply;
use crate::error::Result;
use crate::net::{Conn, Deadlines, Phase};
use crate::socketio::Io;
use axum::body::Body;
use http::{HeaderValue, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes of a request head, and its header fields.
const MAX_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 100;

/// A server that is bound to its address.
///
/// ```no_run
/// # async fn example() -> rialto::Result {
/// let listen = rialto::Server::new(rialto::Events::new()).bind("127.0.0.1:0").await?;
/// println!("listening on http://{}", listen.address());
/// listen.run_until(async { drop(tokio::signal::ctrl_c().await) }).await
/// # }
/// ```
pub struct Listen {
    listener: TcpListener,
    address: SocketAddr,
    front: Front,
}

impl Listen {
    pub(super) fn new(listener: TcpListener, front: Front) -> Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, front })
    }

    /// The address, with the port that the system chose if it was asked for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Emits to everyone from anywhere.
    #[must_use]
    pub fn io(&self) -> Io {
        self.front.core().main()
    }

    /// Serves until the future is dropped.
    ///
    /// # Errors
    /// None at present: what goes wrong with a connection ends that connection.
    pub async fn run(self) -> Result<()> {
        self.run_until(std::future::pending()).await
    }

    /// Serves until `stop` is ready; then accepts no more, closes every client
    /// ([`Io::close`]), and lets answers under way finish within
    /// [`Options::drain_timeout`](crate::Options).
    ///
    /// # Errors
    /// None at present.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<()> {
        let (stopping, stopped) = watch::channel(false);
        let io = self.io();
        let drain = self.front.core().options.drain_timeout;
        let mut stop = std::pin::pin!(stop);
        let mut pause = Duration::ZERO;
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    pause = Duration::ZERO;
                    tokio::spawn(serve(stream, peer, self.front.clone(), stopped.clone()));
                }
                Err(error) => pause = rialto_ws::accept_pause(&error, pause).await,
            }
        }
        drop(self.listener);
        drop(stopped);
        io.close().await;
        stopping.send_replace(true);
        // Every connection holds a receiver until it has ended.
        let _ = tokio::time::timeout(drain, stopping.closed()).await;
        Ok(())
    }
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listen").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Serves one connection.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    front: Front,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let options = &front.core().options;
    let deadlines =
        Deadlines { header: options.header_timeout, keep_alive: options.keep_alive_timeout };
    let phase = Phase::new();
    let io = TokioIo::new(Conn::new(stream, phase.clone(), deadlines));
    let service = service_fn(move |request: http::Request<Incoming>| {
        let serving = phase.serve();
        let front = front.clone();
        async move {
            let reply = match without_host(&request) {
                None => front.answer(request.map(Body::new), Some(peer)).await,
                Some(refusal) => refusal,
            };
            drop(serving);
            Ok::<_, Infallible>(reply)
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = wait_for_stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "the connection failed");
    }
}

/// A request of HTTP/1.1 names its host, once (RFC 9112 §3.2); hyper leaves that to us.
fn without_host(request: &http::Request<Incoming>) -> Option<Reply> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = hosts.next().is_some() || request.version() < Version::HTTP_11;
    if named && hosts.next().is_none() {
        return None;
    }
    let mut reply = Reply::new(Body::from("a request has one Host header\n"));
    *reply.status_mut() = StatusCode::BAD_REQUEST;
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(reply)
}

/// Ready when the server stops.
async fn wait_for_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the server itself is gone.
    drop(stopped.wait_for(|stop| *stop).await);
}
