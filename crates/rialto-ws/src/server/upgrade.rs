//! [`Upgrade`]: connections that hyper hands over, by HTTP/1.1 `Upgrade` and by RFC 8441.

use super::connections::{Connections, Place};
use super::run::run;
use crate::error::{Error, Result};
use crate::io::stream::{Stream, send_at_once};
use crate::options::Options;
use crate::proto::Role;
use crate::proto::handshake::server::{self, Refusal, Terms};
use crate::proto::handshake::{Extra, Fields, Request};
use crate::socket::{Opening, WebSocket};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use hyper::ext::Protocol;
use hyper::rt::{Read, Write};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::timeout;

/// An HTTP request that asks for a WebSocket, on a server that hyper drives.
///
/// It takes HTTP/1.1 `Upgrade`, and extended CONNECT over HTTP/2 (RFC 8441) where the server has
/// announced it: hyper's `http2::Builder::enable_connect_protocol`. The server has to serve its
/// connections `with_upgrades`. With the feature `axum` it is an extractor, too; routes have to
/// take CONNECT (`axum::routing::any`) for HTTP/2.
///
/// ```
/// use http_body_util::Full;
/// use hyper::body::{Bytes, Incoming};
/// use hyper::{Request, Response};
/// use rialto_ws::{Upgrade, WebSocket};
///
/// async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
///     while let Some(message) = socket.recv().await? {
///         socket.send(message).await?;
///     }
///     Ok(())
/// }
///
/// // For `hyper::service::service_fn`.
/// async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
///     Ok(match request.uri().path() {
///         "/echo" => Upgrade::new(request).on_upgrade(echo),
///         _ => Response::new(Full::from("a page")),
///     })
/// }
/// ```
pub struct Upgrade {
    parts: Parts,
    on_upgrade: Option<OnUpgrade>,
    options: Arc<Options>,
    protocols: Option<Vec<String>>,
    extra: Extra,
    connections: Option<Connections>,
    failed: Option<Failed>,
    forgets: bool,
}

type Failed = Box<dyn FnOnce(Error) + Send>;

impl Upgrade {
    /// Takes a request; its body, which a handshake does not have, is dropped.
    ///
    /// Nothing is checked before it is answered.
    pub fn new<B>(request: http::Request<B>) -> Self {
        Self::from_parts(request.into_parts().0)
    }

    /// Takes the head of a request.
    #[must_use]
    pub fn from_parts(mut parts: Parts) -> Self {
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        Self {
            parts,
            on_upgrade,
            options: Arc::default(),
            protocols: None,
            extra: Extra::default(),
            connections: None,
            failed: None,
            forgets: false,
        }
    }

    /// Sets the options of the connection, the origins that may connect included.
    #[must_use]
    pub fn options(mut self, options: impl Into<Arc<Options>>) -> Self {
        self.options = options.into();
        self
    }

    /// Sets what the server speaks, best first, instead of [`Options::protocols`].
    #[must_use]
    pub fn protocols<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.protocols = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a header field to the answer that accepts, for instance a cookie.
    /// `Connection`, `Upgrade`, `Sec-WebSocket-*` and what frames a body are not taken.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.extra.append(name, value);
        self
    }

    /// Counts the connection among these, which may refuse it (503) and will end it.
    #[must_use]
    pub fn connections(mut self, connections: &Connections) -> Self {
        self.connections = Some(connections.clone());
        self
    }

    /// Is told if the connection is lost between the answer and the handler's start. Without it,
    /// that is logged.
    #[must_use]
    pub fn on_failed_upgrade(mut self, failed: impl FnOnce(Error) + Send + 'static) -> Self {
        self.failed = Some(Box::new(failed));
        self
    }

    /// Keeps nothing of the request: [`WebSocket::request`] will be empty. For servers that keep
    /// what they need of it themselves, and would hold it twice as long as the connection lives.
    #[must_use]
    pub fn forget_request(mut self) -> Self {
        self.forgets = true;
        self
    }

    /// The head of the request.
    #[must_use]
    pub fn request(&self) -> &Parts {
        &self.parts
    }

    /// The subprotocols that the client offers, in its order.
    pub fn offered(&self) -> impl Iterator<Item = &str> {
        let offers = self.parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let names = offers.filter_map(|value| value.to_str().ok());
        names.flat_map(|value| value.split(',').map(str::trim).filter(|name| !name.is_empty()))
    }

    /// The subprotocol that will be answered.
    #[must_use]
    pub fn protocol(&self) -> Option<String> {
        server::choose(&self.parts.headers, self.speaks())
    }

    fn speaks(&self) -> &[String] {
        self.protocols.as_deref().unwrap_or(&self.options.protocols)
    }

    /// Checks the request and answers it; the handler runs once the connection is handed over,
    /// in its own task, as [`run`] does. A request that is no handshake, or is not welcome, gets
    /// the answer that says so.
    #[must_use = "the response has to be sent"]
    pub fn on_upgrade<B, H, F, E>(self, handler: H) -> Response<B>
    where
        B: Default + From<String>,
        H: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
    {
        match self.answer() {
            Ok((response, upgrading)) => {
                upgrading.spawn(handler);
                response
            }
            Err(refusal) => {
                tracing::debug!(%refusal, "a handshake was refused");
                refusal.to_response()
            }
        }
    }

    /// Checks the request: the answer to send, and the connection to come.
    ///
    /// The answer is 101, or 200 over HTTP/2; its body is empty.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with: as [`server::check`], 501 for a CONNECT with another
    /// `:protocol`, 503 by [`Upgrade::connections`], 500 where the server does not hand over
    /// connections.
    pub fn answer<B: Default>(self) -> Result<(Response<B>, Upgrading), Refusal> {
        let accept = self.check(&Terms { protocols: self.speaks(), ..self.options.terms() })?;
        let place = self.connections.as_ref().map(Connections::reserve).transpose()?;
        let request = if self.forgets { Request::default() } else { self.opening_request() };
        let Some(on_upgrade) = self.on_upgrade else {
            tracing::error!("hyper has to serve connections with upgrades");
            let reason = "this server does not hand over connections";
            return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, reason));
        };
        let response = acceptance(&accept, &self.extra);
        let protocol = accept.protocol.map(String::into_boxed_str);
        let opening = Opening { request, protocol, deflate: accept.deflate };
        let (options, failed) = (self.options, self.failed);
        Ok((response, Upgrading { on_upgrade, opening, options, place, failed }))
    }

    /// Checks what does not depend on options.
    #[cfg(feature = "axum")]
    pub(super) fn check_form(&self) -> Result<(), Refusal> {
        self.check(&Terms { origins: &crate::Origins::Any, protocols: &[], deflate: None })
            .map(drop)
    }

    fn check(&self, terms: &Terms<'_>) -> Result<server::Accept, Refusal> {
        let Parts { method, version, headers, .. } = &self.parts;
        if *version < Version::HTTP_2 {
            return server::check(method, *version, headers, terms);
        }
        if method == Method::CONNECT {
            let asked = self.parts.extensions.get::<Protocol>();
            if asked.is_none_or(|asked| asked.as_ref() != b"websocket") {
                let reason = "of extended CONNECT, only the protocol websocket is spoken here";
                return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, reason));
            }
        }
        let authority = self.parts.uri.authority().map(http::uri::Authority::as_str);
        let fields = WithAuthority { headers, authority };
        server::check(method, *version, &fields, terms)
    }

    /// What is kept of the request: over HTTP/2, `Host` is what `:authority` says.
    fn opening_request(&self) -> Request {
        let host = self.parts.uri.authority().filter(|_| self.parts.version >= Version::HTTP_2);
        let target = self.parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let named = host.map(|host| ("host", host.as_str().as_bytes()));
        let fields =
            self.parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let fields = fields.filter(|(name, _)| host.is_none() || *name != "host");
        Request::new(target, named.into_iter().chain(fields))
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("uri", &self.parts.uri)
            .field("version", &self.parts.version)
            .finish_non_exhaustive()
    }
}

/// Header fields of HTTP/2, which names the host beside them (RFC 9113 §8.3.1).
struct WithAuthority<'h> {
    headers: &'h HeaderMap,
    authority: Option<&'h str>,
}

impl Fields for WithAuthority<'_> {
    fn all<'a>(&'a self, name: &'a str) -> Box<dyn Iterator<Item = &'a [u8]> + 'a> {
        match self.authority {
            Some(authority) if name == "host" => Box::new(std::iter::once(authority.as_bytes())),
            _ => self.headers.all(name),
        }
    }
}

/// The answer that accepts.
fn acceptance<B: Default>(accept: &server::Accept, extra: &Extra) -> Response<B> {
    let mut response = Response::new(B::default());
    let headers = response.headers_mut();
    if let Some(key) = &accept.key {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        insert(headers, header::SEC_WEBSOCKET_ACCEPT, key);
    }
    if let Some(protocol) = &accept.protocol {
        insert(headers, header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    if let Some(deflate) = &accept.deflate {
        insert(headers, header::SEC_WEBSOCKET_EXTENSIONS, &deflate.to_header());
    }
    for (name, value) in extra.iter() {
        headers.append(name.clone(), value.clone());
    }
    if accept.key.is_some() {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    }
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A connection that hyper hands over once the answer is sent, by [`Upgrade::answer`].
///
/// The hand-over has [`Options::handshake_timeout`].
pub struct Upgrading {
    on_upgrade: OnUpgrade,
    opening: Opening,
    options: Arc<Options>,
    place: Option<Place>,
    failed: Option<Failed>,
}

impl Upgrading {
    /// Waits for the connection and opens it. TCP, TLS (rustls) and Unix streams are taken back
    /// from hyper as they are, others stay in hyper's box.
    ///
    /// Take the place before, if the connection is to be counted ([`Upgrading::take_place`]).
    /// Not cancel safe: if it is dropped, the connection is closed.
    ///
    /// # Errors
    /// If the connection is lost before, or not handed over in time.
    pub async fn open(self) -> Result<WebSocket> {
        let handed = self.handed_over().await?;
        Ok(open_known(handed.upgraded, handed.opening, &handed.options))
    }

    /// [`Upgrading::open`] on a server that gives hyper streams of a type of its own: if the
    /// stream is an `I`, `take` makes of it the stream to use. A TCP stream is used as it is: see
    /// to `TCP_NODELAY` before.
    ///
    /// # Errors
    /// As [`Upgrading::open`], and what `take` fails with.
    pub async fn open_as<I, S>(self, take: impl FnOnce(I) -> io::Result<S>) -> Result<WebSocket>
    where
        I: Read + Write + Unpin + 'static,
        S: Stream,
    {
        let Handed { upgraded, opening, options } = self.handed_over().await?;
        Ok(match upgraded.downcast::<I>() {
            Ok(parts) => open(take(parts.io)?, &parts.read_buf, opening, &options),
            Err(upgraded) => open_known(upgraded, opening, &options),
        })
    }

    /// The connection's place among those of [`Upgrade::connections`], to run its handler by
    /// [`Place::spawn`].
    pub fn take_place(&mut self) -> Option<Place> {
        self.place.take()
    }

    /// Runs the handler on the connection in a task of its own, as [`run`] does.
    pub fn spawn<H, F, E>(mut self, handler: H)
    where
        H: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
    {
        let (place, failed) = (self.place.take(), self.failed.take());
        tokio::spawn(async move {
            // The hand-over's memory goes with this task; the handler gets one of its own.
            match (self.open().await, place, failed) {
                (Ok(socket), Some(place), _) => place.spawn(socket, handler),
                (Ok(socket), None, _) => drop(tokio::spawn(run(socket, handler))),
                (Err(error), _, Some(failed)) => failed(error),
                (Err(error), _, None) => {
                    tracing::debug!(%error, "the connection was lost during its upgrade");
                }
            }
        });
    }

    async fn handed_over(self) -> Result<Handed> {
        let Self { on_upgrade, opening, options, .. } = self;
        match timeout(options.handshake_timeout, on_upgrade).await {
            Ok(Ok(upgraded)) => Ok(Handed { upgraded, opening, options }),
            Ok(Err(error)) => Err(io::Error::other(error).into()),
            Err(_) => Err(Error::timeout("the connection was not handed over")),
        }
    }
}

impl fmt::Debug for Upgrading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").field("opening", &self.opening).finish_non_exhaustive()
    }
}

struct Handed {
    upgraded: Upgraded,
    opening: Opening,
    options: Arc<Options>,
}

/// Takes the stream back as what it is, so that nothing stands between it and the connection.
fn open_known(upgraded: Upgraded, opening: Opening, options: &Options) -> WebSocket {
    let upgraded = match take_back::<TcpStream>(upgraded) {
        Ok((stream, input)) => {
            send_at_once(&stream);
            return open(stream, &input, opening, options);
        }
        Err(upgraded) => upgraded,
    };
    #[cfg(feature = "tls")]
    let upgraded = match take_back::<tokio_rustls::server::TlsStream<TcpStream>>(upgraded) {
        Ok((stream, input)) => return open(stream, &input, opening, options),
        Err(upgraded) => upgraded,
    };
    #[cfg(unix)]
    let upgraded = match take_back::<UnixStream>(upgraded) {
        Ok((stream, input)) => return open(stream, &input, opening, options),
        Err(upgraded) => upgraded,
    };
    open(TokioIo::new(upgraded), &[], opening, options)
}

/// A stream that hyper was given, and what it has read of it; the builder that tells HTTP/1.1
/// from HTTP/2 by itself (axum's, too) has wrapped it once more.
fn take_back<S: Stream>(upgraded: Upgraded) -> Result<(S, Bytes), Upgraded> {
    let upgraded = match upgraded.downcast::<TokioIo<S>>() {
        Ok(parts) => return Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    let parts = auto::upgrade::downcast::<TokioIo<S>>(upgraded)?;
    Ok((parts.io.into_inner(), parts.read_buf))
}

fn open<S: Stream>(stream: S, input: &[u8], opening: Opening, options: &Options) -> WebSocket {
    WebSocket::open(stream, Role::Server, input.to_vec(), opening, options)
}
