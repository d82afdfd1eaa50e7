//! TLS of the server's own listener, with HTTP/2 where both sides speak it.

use super::connection::{Desk, Guest, Welcome, run};
use crate::net::{Conn, Phase};
use crate::server::Server;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rialto_ws::{ServerTls, Stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Requests and WebSockets that one HTTP/2 connection may have open at a time.
const MAX_STREAMS: u32 = 100;
/// How often an HTTP/2 connection is asked whether it is still there, and how long it may take.
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(20);

impl Server {
    /// Speaks TLS on the port: `https://` and `wss://`. Needs the feature `tls`.
    ///
    /// With [`ServerTls::http2`] it offers HTTP/2 as well; browsers then send their polls and open
    /// their WebSockets (RFC 8441) on one connection. The certificate can be exchanged while the
    /// server runs, by a clone of `tls`: [`ServerTls::reload_pem_files`]. A TLS handshake has
    /// [`Options::header_timeout`](crate::Options::header_timeout). An HTTP/2 connection may have
    /// 100 streams open and is pinged every 30 s; one that has carried no WebSocket ends after
    /// [`Options::keep_alive_timeout`](crate::Options::keep_alive_timeout) without a request.
    ///
    /// ```no_run
    /// # async fn example() -> rialto::Result {
    /// use rialto::{Events, Server, ws::ServerTls};
    /// let tls = ServerTls::from_pem_files("chain.pem", "key.pem")?.http2();
    /// Server::new(Events::new()).tls(tls).listen("0.0.0.0:443").await
    /// # }
    /// ```
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.welcome = Arc::new(Secure(tls));
        self
    }
}

struct Secure(ServerTls);

impl Welcome for Secure {
    fn spawn(&self, stream: TcpStream, guest: Guest) {
        let tls = self.0.clone();
        tokio::spawn(async move {
            guest.hurry(&stream);
            let peer = guest.peer;
            let stream = match timeout(guest.deadlines().header, tls.accept(stream)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return tracing::debug!(%peer, %error, "no TLS"),
                Err(_) => return tracing::debug!(%peer, "the TLS handshake took too long"),
            };
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => guest.serve_http2(stream).await,
                _ => guest.serve_http1(stream, Vec::new(), true).await,
            }
        });
    }
}

impl Guest {
    /// Serves HTTP/2 on a stream, WebSockets included.
    async fn serve_http2(self, stream: impl Stream) {
        let phase = Phase::http2();
        let io = TokioIo::new(Conn::new(stream, phase.clone(), self.deadlines()));
        let desk = Desk { peer: self.peer, front: self.front, phase, secure: true };
        let answer = move |request| {
            let desk = desk.clone();
            async move { desk.answer(request).await }
        };
        let connection = std::pin::pin!(
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING)
                .keep_alive_timeout(PONG)
                .max_concurrent_streams(MAX_STREAMS)
                .enable_connect_protocol()
                .serve_connection(io, service_fn(answer))
        );
        run(connection, |connection| connection.graceful_shutdown(), self.peer, self.stopped).await;
    }
}
