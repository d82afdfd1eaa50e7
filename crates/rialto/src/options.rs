//! The options of a server, under socket.io's names in Rust spelling, with its defaults.

macro_rules! setters {
    ($($name:ident: $type:ty),+ $(,)?) => {$(
        #[doc = concat!("Sets [`Self::", stringify!($name), "`].")]
        #[must_use]
        pub fn $name(mut self, value: $type) -> Self {
            self.$name = value;
            self
        }
    )+};
}

mod admission;
mod check;
mod compression;
mod connection_error;
mod cookie;
mod cors;
mod generate_id;
mod hooks;
mod hosts;
mod recovery;
mod slow_peer;

pub use admission::{AllowRequest, Denied};
pub use compression::{Encoding, HttpCompression, OptionalCompression};
pub use connection_error::{ConnectionError, OnConnectionError};
pub use cookie::{Cookie, OptionalCookie, Priority, SameSite};
pub use cors::{Cors, DecideOrigin};
pub use generate_id::GenerateId;
pub use hooks::AddHeaders;
pub use recovery::ConnectionStateRecovery;
pub use slow_peer::SlowPeer;

use crate::handshake::Handshake;
use crate::parser::{Parser, ParserRef};
use http::HeaderMap;
use http::request::Parts;
use rialto_ws::{Deflate, Origins};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The transports of Engine.IO.
pub use rialto_protocol::engine::Transport;

/// What may be set for a server. Start from [`Options::default`].
///
/// ```
/// use rialto::Options;
/// use std::time::Duration;
/// let options = Options::default()
///     .ping_interval(Duration::from_secs(10))
///     .ping_timeout(Duration::from_secs(5))
///     .cookie(true);
/// assert_eq!(options.max_payload, 1_000_000);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The path of Socket.IO, its client included. Default `/socket.io`; a trailing slash in
    /// requests is optional.
    ///
    /// With `/`, requests to it that name a `transport` are Socket.IO's; others are for a page, as
    /// all other paths are for files and routes.
    pub path: String,
    /// How often the server pings. Default 25 s.
    pub ping_interval: Duration,
    /// How long after a ping a silent peer counts as gone. Default 20 s.
    pub ping_timeout: Duration,
    /// How long a client may take to join its first namespace. Default 45 s; then it is closed.
    pub connect_timeout: Duration,
    /// How long a client may stay that was refused a namespace, by its login or because there is no
    /// such namespace, and is in no other. Default `None`, as in socket.io: until
    /// [`connect_timeout`](Self::connect_timeout) if it has never been in one, or as long as it
    /// likes.
    ///
    /// It counts from the first refusal, so leave time for a second try with another login.
    pub refused_timeout: Option<Duration>,
    /// How long an upgrade from polling may take. Default 10 s; then it stays on polling.
    pub upgrade_timeout: Duration,
    /// Bytes in one message or POST body, inclusive. Default 1 000 000.
    ///
    /// A larger POST is answered 413, a larger WebSocket message closed with 1009.
    pub max_payload: usize,
    /// The transports that are served. Default both.
    pub transports: Vec<Transport>,
    /// Whether clients may upgrade from long-polling. Default true. With false they are not told
    /// that they may, and one that tries is refused with 400; its session goes on as it is.
    pub allow_upgrades: bool,
    /// Whether clients of Engine.IO 3 may connect: those of Socket.IO 1 and 2. Default false, as in
    /// socket.io; they are refused with code 5.
    pub allow_eio3: bool,
    /// Whether polling by JSONP is answered, which only browsers without CORS need. Default false.
    ///
    /// A script element may stand on any page, so a request is refused with 403 if the browser says
    /// that it comes from another site (`Sec-Fetch-Site`) or its `Referer` may not connect.
    pub allow_jsonp: bool,
    /// The cookie that carries the session id on polling handshakes, for sticky load balancers.
    /// Default none.
    pub cookie: Option<Cookie>,
    /// Which foreign pages may use the server, and how CORS answers them. Default none: only
    /// pages of the same origin (loopback pages reach loopback servers on any port).
    pub cors: Option<Cors>,
    /// The names under which the server may be asked for: what may stand in `Host`. Default `None`:
    /// any.
    ///
    /// A page can give its own name the address of your server (DNS rebinding); then page and
    /// server are of one origin for the browser, and the check of origins lets it in. With the list
    /// such a request is refused with 403, whatever it is for: Socket.IO, the browser client,
    /// WebSockets of [`Server::websocket`](crate::Server::websocket), routes and files. Inside an
    /// axum application ([`Server::into_router`](crate::Server::into_router)) that is what this
    /// server was given; the application's own routes are there for any host. The list matters most
    /// where no login stands between a browser and the server: on a developer's machine, in a home
    /// or a company. A probe that asks by an address, as a load balancer's, needs that address in
    /// it.
    pub allowed_hosts: Option<Vec<String>>,
    /// The browser client at `<path>/socket.io.js`, `.min.js`, `.esm.min.js` and `.msgpack.min.js`
    /// (for `parser::Msgpack`), each with its `.map`. Default: Rialto's own.
    pub serve_client: ServeClient,
    /// Whether clients that come back soon get their id, rooms, data and missed events back.
    /// Default off.
    pub connection_state_recovery: Option<ConnectionStateRecovery>,
    /// Decides on each new connection, before anything is kept for it. Default: all may connect.
    pub allow_request: Option<AllowRequest>,
    /// Makes the ids of sessions. Default none: 120 random bits of the operating system.
    pub generate_id: Option<GenerateId>,
    /// Adds header fields to the answer that opens a session. Default none.
    pub initial_headers: Option<AddHeaders>,
    /// Adds header fields to every answer of a transport: polls, POSTs and WebSocket handshakes.
    /// Default none.
    pub headers: Option<AddHeaders>,
    /// Compression of HTTP answers: long-polling, and the browser client. Default on, from 1024
    /// bytes.
    pub http_compression: Option<HttpCompression>,
    /// Bytes that may wait for one slow peer. Default `None`: twice
    /// [`max_payload`](Self::max_payload), but 1 MiB at least.
    ///
    /// While that much waits, [`Options::slow_peer`] says what becomes of more. The message that
    /// reaches the budget is still taken. A client on long-polling is this far behind whatever was
    /// sent since its last poll: raise it where bursts are large and polling is common.
    pub send_budget: Option<usize>,
    /// What becomes of an event for a peer that has no room for it. Default [`SlowPeer::Wait`].
    pub slow_peer: SlowPeer,
    /// How long a peer may take nothing of what waits for it. Default 30 s; then it is cut off, and
    /// an `emit` that waited for it fails. `None` leaves that to the heartbeat, which ends only
    /// peers that are silent: one that sends and never reads would be waited for without end.
    ///
    /// On long-polling it counts from the last poll, and is looked at once per `ping_interval` at
    /// least.
    pub stall_timeout: Option<Duration>,
    /// Bytes that may wait for all slow peers together. Default 256 MiB.
    ///
    /// While more waits, each peer for which anything waits has no room, as if its own
    /// [`send_budget`](Self::send_budget) were used up. Peers that keep up are not concerned. A
    /// broadcast counts for each receiver, although it lies in memory once.
    pub max_buffered: usize,
    /// Compression of WebSocket messages (RFC 7692). Default off, as in socket.io: it costs time
    /// and, with context takeover, memory. `Deflate::default()` keeps none.
    pub per_message_deflate: Option<Deflate>,
    /// Whether a dynamic namespace ends with its last client. Default true, unlike in socket.io:
    /// clients choose the names. With false they are kept, 10 000 of them at most; beyond it the
    /// one that was empty first goes. What the program holds (an [`Io`](crate::Io)) stays.
    pub cleanup_empty_child_namespaces: bool,
    /// Is told of each request that was refused. Default: nobody is.
    pub on_connection_error: Option<OnConnectionError>,
    /// How packets are written, on both sides. Default none: JSON with attachments, as stock
    /// clients speak it.
    pub parser: Option<ParserRef>,
    /// How long `emit_with_ack` waits unless told otherwise. Default 30 s.
    pub ack_timeout: Duration,
    /// Handlers of one connection that may be suspended at a time. Default 64, and fewer if their
    /// events have more bytes than [`Options::max_payload`] together; further events of that
    /// connection wait, its acks do not. When as many bytes of events wait, 64 KiB at least,
    /// nothing more is read until a handler ends.
    pub max_running_handlers: usize,
    /// Acks of one socket that may be awaited at a time. Default 10 000.
    pub max_pending_acks: usize,
    /// Connections at a time of one IPv4 address, or of one IPv6 network of 64 bits. Default none,
    /// because many people may stand behind the address of one proxy: behind your own, all have
    /// that one.
    ///
    /// One beyond it is refused with 429 and `Retry-After`, before
    /// [`allow_request`](Self::allow_request) is asked. Sessions of every transport count, each
    /// once and for the address that opened it, until they and their suspended handlers are gone;
    /// so do those that are being admitted. Unix sockets are not counted, nor are WebSockets of
    /// [`Server::websocket`](crate::Server::websocket), nor, inside an application of yours, those
    /// whose requests come without `ConnectInfo<SocketAddr>`
    /// ([`Server::into_router`](crate::Server::into_router)).
    pub max_connections_per_address: Option<usize>,
    /// Events of one connection that are read in a second. Default none.
    ///
    /// Beyond it reading pauses, before anything is parsed: what the client sends waits in its own
    /// buffers (on long-polling, its POST for its answer), nothing is lost, and the time does not
    /// count as silence of the client. One that goes away meanwhile is seen to be gone when all it
    /// sent is read, so leave room above what an honest client sends. What comes behind these
    /// events waits with them, acks too, which do not count themselves; a CONNECT counts as an
    /// event. Of a bare Engine.IO session ([`Server::engine`](crate::Server::engine)) nothing is
    /// counted.
    pub max_events_per_second: Option<u32>,
    /// Events of one connection that may come at once, after a rest:
    /// [`max_events_per_second`](Self::max_events_per_second) is what it has regained in a second.
    /// Default `None`: as many.
    pub max_event_burst: Option<u32>,
    /// Namespaces that one connection may join. Default 64.
    pub max_namespaces: usize,
    /// Rooms that one socket may be in, that of its own id left out. Default 10 000.
    ///
    /// A client cannot join a room by itself, but handlers often let it choose. Beyond the limit
    /// [`Socket::join`](crate::Socket::join) fails, and `sockets_join` leaves that socket out; both
    /// are a warning in the log, once for each socket. Adapters of others see to it themselves
    /// ([`Member::max_rooms`](crate::adapter::Member::max_rooms)).
    pub max_rooms: usize,
    /// Binary attachments of one packet from a client. Default 10, as in the stock parser; with 0
    /// none may come. More closes the connection.
    ///
    /// Each is a message of its own to wait for, and together they are bounded by
    /// [`Options::max_payload`]. A [`parser`](Self::parser) of the server's own has binary values
    /// inside its messages: 1024 in one packet ([`MAX_BINARY`](crate::parser::MAX_BINARY)), or this
    /// many, if it is more. What the server sends is the client's to limit: the stock one takes 10,
    /// unless its parser is told otherwise.
    pub max_attachments: usize,
    /// How long a request head may take from its first byte. Default 10 s.
    pub header_timeout: Duration,
    /// How long a POST body may take in all. Default 15 s.
    pub body_timeout: Duration,
    /// How long a connection is kept without a request, or while it takes nothing of an answer.
    /// Default 75 s.
    pub keep_alive_timeout: Duration,
    /// How long [`Io::close`](crate::Io::close) waits for clients to take the news, and
    /// for their handlers to end. Default 10 s.
    pub drain_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            refused_timeout: None,
            upgrade_timeout: Duration::from_secs(10),
            max_payload: 1_000_000,
            transports: vec![Transport::Polling, Transport::WebSocket],
            allow_upgrades: true,
            allow_eio3: false,
            allow_jsonp: false,
            cookie: None,
            cors: None,
            allowed_hosts: None,
            serve_client: ServeClient::Own,
            connection_state_recovery: None,
            allow_request: None,
            generate_id: None,
            initial_headers: None,
            headers: None,
            http_compression: Some(HttpCompression::default()),
            send_budget: None,
            slow_peer: SlowPeer::Wait,
            stall_timeout: Some(Duration::from_secs(30)),
            max_buffered: 256 << 20,
            per_message_deflate: None,
            cleanup_empty_child_namespaces: true,
            on_connection_error: None,
            parser: None,
            ack_timeout: Duration::from_secs(30),
            max_running_handlers: 64,
            max_pending_acks: 10_000,
            max_connections_per_address: None,
            max_events_per_second: None,
            max_event_burst: None,
            max_namespaces: 64,
            max_rooms: 10_000,
            max_attachments: 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            keep_alive_timeout: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// What [`Options::room_for_events`] is at least: room for some hundred small events.
const LEAST_ROOM: usize = 64 << 10;

impl Options {
    /// Bytes of events that one connection may have waiting, and as many with suspended handlers.
    pub(crate) fn room_for_events(&self) -> usize {
        self.max_payload.max(LEAST_ROOM)
    }

    setters! {
        ping_interval: Duration, ping_timeout: Duration, connect_timeout: Duration,
        upgrade_timeout: Duration, max_payload: usize, allow_upgrades: bool,
        allow_eio3: bool, allow_jsonp: bool,
        serve_client: ServeClient, slow_peer: SlowPeer,
        stall_timeout: Option<Duration>, max_buffered: usize, ack_timeout: Duration,
        max_running_handlers: usize, max_pending_acks: usize, max_namespaces: usize,
        max_rooms: usize, max_attachments: usize,
        header_timeout: Duration, body_timeout: Duration, keep_alive_timeout: Duration,
        drain_timeout: Duration, cleanup_empty_child_namespaces: bool,
    }

    /// Sets [`Options::send_budget`].
    #[must_use]
    pub fn send_budget(mut self, bytes: usize) -> Self {
        self.send_budget = Some(bytes);
        self
    }

    /// Sets [`Options::max_connections_per_address`].
    #[must_use]
    pub fn max_connections_per_address(mut self, connections: usize) -> Self {
        self.max_connections_per_address = Some(connections);
        self
    }

    /// Sets [`Options::max_events_per_second`].
    ///
    /// ```
    /// use rialto::Options;
    /// // Someone who draws may send many at once, but not all the time.
    /// let options = Options::default().max_events_per_second(20).max_event_burst(200);
    /// ```
    #[must_use]
    pub fn max_events_per_second(mut self, events: u32) -> Self {
        self.max_events_per_second = Some(events);
        self
    }

    /// Sets [`Options::max_event_burst`].
    #[must_use]
    pub fn max_event_burst(mut self, events: u32) -> Self {
        self.max_event_burst = Some(events);
        self
    }

    /// Sets [`Options::refused_timeout`].
    #[must_use]
    pub fn refused_timeout(mut self, time: Duration) -> Self {
        self.refused_timeout = Some(time);
        self
    }

    /// Switches [`Options::per_message_deflate`] on, with these settings.
    #[must_use]
    pub fn per_message_deflate(mut self, settings: Deflate) -> Self {
        self.per_message_deflate = Some(settings);
        self
    }

    /// Sets [`Options::path`].
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = format!("/{}", path.into().trim_matches('/'));
        self
    }

    /// Sets [`Options::parser`]: `Msgpack` of [`crate::parser`], or one of your own.
    #[must_use]
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.parser = Some(ParserRef::new(parser));
        self
    }

    /// Sets [`Options::transports`].
    #[must_use]
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        self.transports = transports.into_iter().collect();
        self
    }

    /// Sets [`Options::cookie`]: `true` for socket.io's cookie, or a [`Cookie`].
    #[must_use]
    pub fn cookie(mut self, cookie: impl Into<OptionalCookie>) -> Self {
        self.cookie = cookie.into().0;
        self
    }

    /// Sets [`Options::cors`].
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Sets [`Options::connection_state_recovery`].
    #[must_use]
    pub fn connection_state_recovery(mut self, recovery: ConnectionStateRecovery) -> Self {
        self.connection_state_recovery = Some(recovery);
        self
    }

    /// Sets [`Options::allow_request`]: `Err` refuses with 403 and its text, or as its [`Denied`]
    /// says.
    ///
    /// ```
    /// use rialto::Options;
    /// let options = Options::default().allow_request(|handshake| {
    ///     match handshake.query("room") {
    ///         Some(_) => Ok(()),
    ///         None => Err("say which room"),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn allow_request<E: Into<Denied>>(
        mut self,
        allow: impl Fn(&Handshake) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.allow_request = Some(AllowRequest::plain(allow));
        self
    }

    /// Sets [`Options::allow_request`] to a decision that takes its time, such as a look into a
    /// database.
    ///
    /// A client that leaves meanwhile ends it where it waits. One that is not made within
    /// [`Options::connect_timeout`] refuses with 503.
    ///
    /// ```
    /// use rialto::{Denied, Handshake, Options};
    /// use rialto::axum::http::StatusCode;
    /// # async fn is_known(ticket: &str) -> bool { ticket == "t" }
    /// let options = Options::default().allow_request_async(async |handshake: Handshake| {
    ///     let ticket = handshake.query("ticket").ok_or("no ticket")?;
    ///     match is_known(&ticket).await {
    ///         true => Ok(()),
    ///         false => Err(Denied::new("unknown ticket").status(StatusCode::UNAUTHORIZED)),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn allow_request_async<F, E: Into<Denied>>(
        mut self,
        allow: impl Fn(Handshake) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        self.allow_request = Some(AllowRequest::future(allow));
        self
    }

    /// Sets [`Options::generate_id`]: `io.engine.generateId`, for load balancers that read in the
    /// id where a session lives.
    ///
    /// Whoever knows an id has the session: most of it must be random. It has 20 to 64 characters,
    /// `A-Z a-z 0-9 - _`; one of another form, or that a session already has, is logged, and the
    /// request is answered 500 with code 9.
    ///
    /// ```
    /// use rialto::Options;
    /// # fn random() -> String { "uJ3_9aXk2Lq-7Zb0Qw5T".to_owned() }
    /// let options = Options::default().generate_id(|_request| format!("node-7-{}", random()));
    /// ```
    #[must_use]
    pub fn generate_id(
        mut self,
        generate: impl Fn(&Handshake) -> String + Send + Sync + 'static,
    ) -> Self {
        self.generate_id = Some(GenerateId::plain(generate));
        self
    }

    /// As [`Options::generate_id`], for ids whose making takes its time: a node's number out of a
    /// database, for instance.
    ///
    /// A client that leaves meanwhile ends it where it waits. An id that is not there within
    /// [`Options::connect_timeout`] is none: 500 with code 9, and a line in the log.
    ///
    /// ```
    /// use rialto::{Handshake, Options};
    /// # async fn next(_: &str) -> String { "uJ3_9aXk2Lq-7Zb0Qw5T".to_owned() }
    /// let options = Options::default().generate_id_async(async |request: Handshake| {
    ///     let region = request.header("x-region").unwrap_or("eu").to_owned();
    ///     format!("{region}-{}", next(&region).await)
    /// });
    /// ```
    #[must_use]
    pub fn generate_id_async<F>(
        mut self,
        generate: impl Fn(Handshake) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = String> + Send + 'static,
    {
        self.generate_id = Some(GenerateId::future(generate));
        self
    }

    /// Sets [`Options::initial_headers`], socket.io's event `initial_headers`: what `add` puts into
    /// the map is added to the answer that opens a session, by long-polling or WebSocket.
    ///
    /// `Set-Cookie` and `Vary` stand beside those that are there, other fields replace them; what
    /// frames the answer or belongs to the WebSocket handshake is left as it is.
    ///
    /// ```
    /// use rialto::Options;
    /// use rialto::axum::http::{HeaderValue, header};
    /// let options = Options::default().initial_headers(|headers, request| {
    ///     if request.headers.get(header::COOKIE).is_none() {
    ///         headers.append(header::SET_COOKIE, HeaderValue::from_static("seen=1"));
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn initial_headers(
        mut self,
        add: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static,
    ) -> Self {
        self.initial_headers = Some(AddHeaders::new(add));
        self
    }

    /// Sets [`Options::headers`], socket.io's event `headers`: as [`Options::initial_headers`] for
    /// every answer of a transport, the first included. Refusals are not among them.
    #[must_use]
    pub fn headers(mut self, add: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static) -> Self {
        self.headers = Some(AddHeaders::new(add));
        self
    }

    /// Sets [`Options::http_compression`]: `true` for the default, `false` for none, or an
    /// [`HttpCompression`].
    #[must_use]
    pub fn http_compression(mut self, compression: impl Into<OptionalCompression>) -> Self {
        self.http_compression = compression.into().0;
        self
    }

    /// Sets [`Options::on_connection_error`]: Node's `io.engine.on("connection_error", …)`. The
    /// request that was refused is not kept, and neither should you: peers send as many as they
    /// like.
    ///
    /// ```
    /// use rialto::Options;
    /// let options = Options::default().on_connection_error(|error| {
    ///     println!("{} {} ({})", error.code, error.message, error.context);
    /// });
    /// ```
    #[must_use]
    pub fn on_connection_error(
        mut self,
        tell: impl Fn(&ConnectionError<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_connection_error = Some(OnConnectionError(Arc::new(tell)));
        self
    }

    /// Bytes that may wait for one slow peer, now that all options are known: room for two of the
    /// largest messages, unless [`Options::send_budget`] says otherwise.
    pub(crate) fn budget(&self) -> usize {
        const LEAST: usize = 1 << 20;
        self.send_budget.unwrap_or_else(|| self.max_payload.saturating_mul(2).max(LEAST))
    }

    /// The origins that may connect, as CORS names them.
    pub(crate) fn origins(&self) -> Origins {
        self.cors.as_ref().map_or_else(Origins::same, |cors| cors.origins.clone())
    }

    /// The path without a trailing slash.
    pub(crate) fn trimmed_path(&self) -> &str {
        self.path.trim_end_matches('/')
    }
}

/// Where the browser client comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServeClient {
    /// Rialto's own client, built in.
    Own,
    /// The `.js` and `.map` files of a folder, such as `node_modules/socket.io-client/dist`.
    Folder(PathBuf),
    /// None.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_follows_the_largest_message_unless_it_is_set() {
        let options = Options::default();
        assert_eq!(options.budget(), 2_000_000);
        assert_eq!(options.clone().max_payload(10_000_000).budget(), 20_000_000);
        assert_eq!(options.clone().max_payload(1_000).budget(), 1 << 20);
        assert_eq!(options.clone().max_payload(usize::MAX).budget(), usize::MAX);
        assert_eq!(options.send_budget(5).max_payload(10_000_000).budget(), 5);
    }
}
