//! [`Handshake`]: a request that could become a connection, shown to a guard before the answer.

use crate::options::Options;
use crate::proto::handshake::{Extra, Request, server};
use http::{Extensions, HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::sync::Arc;

/// A handshake that is in order and not answered yet, as a guard sees it
/// ([`Serve::guard`](crate::Serve::guard), [`accept_guarded`](crate::accept_guarded)).
///
/// The guard returns it, with what it wants to change, to accept the connection;
/// a [`Refusal`](crate::Refusal) refuses it.
///
/// ```
/// use http::{HeaderValue, StatusCode, header};
/// use rialto_ws::{Handshake, Refusal};
///
/// #[derive(Clone)]
/// struct User(String);
///
/// async fn guard(mut handshake: Handshake) -> Result<Handshake, Refusal> {
///     if handshake.request().path() != "/chat" {
///         return Err(Refusal::new(StatusCode::NOT_FOUND, "connect to /chat"));
///     }
///     let Some(name) = handshake.request().header("x-user").map(str::to_owned) else {
///         return Err(Refusal::new(StatusCode::UNAUTHORIZED, "who are you?"));
///     };
///     // The handler finds it in `WebSocket::extensions`.
///     handshake.extensions_mut().insert(User(name));
///     Ok(handshake.header(header::SERVER, HeaderValue::from_static("chat")))
/// }
/// ```
#[derive(Debug)]
pub struct Handshake {
    pub(super) request: Request,
    pub(super) accept: server::Accept,
    pub(super) peer: Option<SocketAddr>,
    pub(super) extra: Extra,
    pub(super) options: Option<Arc<Options>>,
    pub(super) extensions: Extensions,
}

impl Handshake {
    pub(super) fn new(request: Request, accept: server::Accept, peer: Option<SocketAddr>) -> Self {
        let (extra, extensions) = (Extra::default(), Extensions::new());
        Self { request, accept, peer, extra, options: None, extensions }
    }

    /// The request: path, query, header fields.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The address of the peer, where the stream has one.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The subprotocols that the client offers, in its order.
    pub fn offered(&self) -> impl Iterator<Item = &str> {
        let fields = self.request.headers();
        let offers = fields.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-protocol"));
        offers
            .flat_map(|(_, value)| value.split(',').map(str::trim).filter(|name| !name.is_empty()))
    }

    /// The subprotocol that will be answered.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.accept.protocol.as_deref()
    }

    /// Chooses the subprotocol anew: the first of `names` that the client offers, else none.
    #[must_use]
    pub fn protocols<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        let mut names = names.into_iter().map(Into::into);
        let chosen = names.find(|name| self.offered().any(|offer| offer == name));
        self.accept.protocol = chosen;
        self
    }

    /// Adds a header field to the answer that accepts, for instance a cookie.
    /// `Connection`, `Upgrade`, `Sec-WebSocket-*` and what frames a body are not taken.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.extra.append(name, value);
        self
    }

    /// Gives this connection options of its own, for instance smaller limits on one path.
    ///
    /// What the handshake has decided already stays: origins, subprotocol, extensions.
    #[must_use]
    pub fn options(mut self, options: impl Into<Arc<Options>>) -> Self {
        self.options = Some(options.into());
        self
    }

    /// Values for the handler, which finds them in
    /// [`WebSocket::extensions`](crate::WebSocket::extensions).
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }
}
