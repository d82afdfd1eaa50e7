//! The options of a server, under socket.io's names in Rust spelling, with its defaults.

use crate::handshake::Handshake;
use rialto_ws::{Deflate, Origins};
use std::fmt;
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
    pub path: String,
    /// How often the server pings. Default 25 s.
    pub ping_interval: Duration,
    /// How long after a ping a silent peer counts as gone. Default 20 s.
    pub ping_timeout: Duration,
    /// How long a client may take to join its first namespace. Default 45 s; then it is closed.
    pub connect_timeout: Duration,
    /// How long an upgrade from polling may take. Default 10 s; then it stays on polling.
    pub upgrade_timeout: Duration,
    /// Bytes in one message or POST body, inclusive. Default 1 000 000.
    ///
    /// A larger POST is answered 413, a larger WebSocket message closed with 1009.
    pub max_payload: usize,
    /// The transports that are served. Default both.
    pub transports: Vec<Transport>,
    /// Whether clients are told that they may upgrade. Default true.
    pub allow_upgrades: bool,
    /// The cookie that carries the session id on polling handshakes, for sticky load balancers.
    /// Default none.
    pub cookie: Option<Cookie>,
    /// Which foreign pages may use the server, and how CORS answers them. Default none: only
    /// pages of the same origin (loopback pages reach loopback servers on any port).
    pub cors: Option<Cors>,
    /// The browser client at `<path>/socket.io.js`. Default: Rialto's own.
    pub serve_client: ServeClient,
    /// Whether clients that come back soon get their id, rooms, data and missed events back.
    /// Default off.
    pub connection_state_recovery: Option<ConnectionStateRecovery>,
    /// Decides on each new connection, before anything is kept for it. Default: all may connect.
    pub allow_request: Option<AllowRequest>,
    /// Bytes that may wait for one slow peer. Default 2 000 000 (twice `max_payload`).
    ///
    /// While that much waits, [`Options::slow_peer`] says what becomes of more. The message that
    /// reaches the budget is still taken. A client on long-polling is this far behind whatever was
    /// sent since its last poll: raise it where bursts are large and polling is common.
    pub send_budget: usize,
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
    /// How long `emit_with_ack` waits unless told otherwise. Default 30 s.
    pub ack_timeout: Duration,
    /// Handlers of one connection that may be suspended at a time. Default 64; further events
    /// of that connection wait, its acks do not.
    pub max_running_handlers: usize,
    /// Acks of one socket that may be awaited at a time. Default 10 000.
    pub max_pending_acks: usize,
    /// Namespaces that one connection may join. Default 64.
    pub max_namespaces: usize,
    /// How long a request head may take from its first byte. Default 10 s.
    pub header_timeout: Duration,
    /// How long a POST body may take in all. Default 15 s.
    pub body_timeout: Duration,
    /// How long an idle keep-alive connection is kept. Default 75 s.
    pub keep_alive_timeout: Duration,
    /// How long [`Io::close`](crate::Io::close) waits for clients to take the news. Default 10 s.
    pub drain_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            upgrade_timeout: Duration::from_secs(10),
            max_payload: 1_000_000,
            transports: vec![Transport::Polling, Transport::WebSocket],
            allow_upgrades: true,
            cookie: None,
            cors: None,
            serve_client: ServeClient::Own,
            connection_state_recovery: None,
            allow_request: None,
            send_budget: 2_000_000,
            slow_peer: SlowPeer::Wait,
            stall_timeout: Some(Duration::from_secs(30)),
            max_buffered: 256 << 20,
            per_message_deflate: None,
            ack_timeout: Duration::from_secs(30),
            max_running_handlers: 64,
            max_pending_acks: 10_000,
            max_namespaces: 64,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            keep_alive_timeout: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

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

impl Options {
    setters! {
        ping_interval: Duration, ping_timeout: Duration, connect_timeout: Duration,
        upgrade_timeout: Duration, max_payload: usize, allow_upgrades: bool,
        serve_client: ServeClient, send_budget: usize, slow_peer: SlowPeer,
        stall_timeout: Option<Duration>, max_buffered: usize, ack_timeout: Duration,
        max_running_handlers: usize, max_pending_acks: usize, max_namespaces: usize,
        header_timeout: Duration, body_timeout: Duration, keep_alive_timeout: Duration,
        drain_timeout: Duration,
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

    /// Sets [`Options::allow_request`]: `Err` refuses with 403 and its text.
    ///
    /// ```
    /// use rialto::Options;
    /// let options = Options::default().allow_request(|handshake| {
    ///     match handshake.query("room") {
    ///         Some(_) => Ok(()),
    ///         None => Err("say which room".to_owned()),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn allow_request(
        mut self,
        allow: impl Fn(&Handshake) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.allow_request = Some(AllowRequest(Arc::new(allow)));
        self
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

/// What becomes of an event for a peer whose [`Options::send_budget`] is used up.
///
/// Volatile events are dropped before that: as soon as anything waits. Acks, and events that ask
/// for one, wait in any case. [`Io::stats`](crate::Io::stats) counts what was dropped and closed.
///
/// | | `socket.emit` | a broadcast, which cannot wait |
/// | --- | --- | --- |
/// | `Wait` | waits for room when it is awaited | closes the peer |
/// | `Drop` | drops the event | drops it for this peer |
/// | `Close` | closes the peer and fails | closes the peer |
///
/// An `emit` that fails by `Close` has [`is_full`](crate::Error::is_full).
/// A peer is closed with 1013 and the text `this client reads too slowly`, on long-polling by the
/// end of its polls; the reason on this side is `transport error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SlowPeer {
    /// Wait for it. The default.
    #[default]
    Wait,
    /// Drop the event.
    Drop,
    /// Close the connection.
    Close,
}

/// Connection state recovery: what is kept of a client whose connection was lost, so that the one
/// it opens next can go on where the last one ended.
///
/// A client that comes back in time has [`Socket::recovered`](crate::Socket::recovered): its id,
/// its rooms, its data and, in order and once, the events without an ack that it missed. The stock
/// clients from 4.6 on do their part by themselves. An application must cope with a client that
/// was *not* recovered: the time may have been too long, or the server may be a new process.
///
/// ```
/// use rialto::{ConnectionStateRecovery, Options};
/// use std::time::Duration;
/// let recovery =
///     ConnectionStateRecovery::default().max_disconnection_duration(Duration::from_secs(60));
/// let options = Options::default().connection_state_recovery(recovery);
/// ```
///
/// While it is on, each event without an ack carries one more argument, its offset, as with Node,
/// and the events of one namespace are handed out one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStateRecovery {
    /// How long after the loss of its connection a client may come back. Default 120 s.
    pub max_disconnection_duration: Duration,
    /// Whether a client that comes back passes by the login of a [`guard`](crate::guard) before a
    /// table. Default false: it may have lost its rights meanwhile. (Node's default is true.) A
    /// handler that is a function needs what its login returns, so that login always runs.
    pub skip_middlewares: bool,
    /// Bytes of events that each namespace keeps. Default 16 MiB.
    ///
    /// Beyond it the oldest go, and a client that may have missed one of them is not recovered.
    /// Nor is one that has missed more than [`Options::send_budget`].
    pub max_bytes: usize,
    /// Lost connections that each namespace remembers. Default 10 000; beyond it the oldest go.
    pub max_sessions: usize,
}

impl Default for ConnectionStateRecovery {
    fn default() -> Self {
        Self {
            max_disconnection_duration: Duration::from_secs(120),
            skip_middlewares: false,
            max_bytes: 16 << 20,
            max_sessions: 10_000,
        }
    }
}

impl ConnectionStateRecovery {
    setters! {
        max_disconnection_duration: Duration, skip_middlewares: bool, max_bytes: usize,
        max_sessions: usize,
    }
}

type AllowFn = dyn Fn(&Handshake) -> Result<(), String> + Send + Sync;

/// A decision on new connections: see [`Options::allow_request`].
#[derive(Clone)]
pub struct AllowRequest(Arc<AllowFn>);

impl AllowRequest {
    pub(crate) fn decide(&self, handshake: &Handshake) -> Result<(), String> {
        (self.0)(handshake)
    }
}

impl fmt::Debug for AllowRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AllowRequest")
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

/// The cookie of polling handshakes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cookie {
    /// Its name. Default `io`.
    pub name: String,
    /// Its path. Default `/`.
    pub path: String,
    /// Keep it from scripts. Default true.
    pub http_only: bool,
    /// Send it over TLS alone. Default false.
    pub secure: bool,
    /// `Lax`, `Strict` or `None`. Default `Lax`.
    pub same_site: String,
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            name: "io".to_owned(),
            path: "/".to_owned(),
            http_only: true,
            secure: false,
            same_site: "Lax".to_owned(),
        }
    }
}

impl Cookie {
    pub(crate) fn header(&self, sid: &str) -> String {
        let mut out = format!("{}={sid}; Path={}", self.name, self.path);
        if self.http_only {
            out.push_str("; HttpOnly");
        }
        if self.secure {
            out.push_str("; Secure");
        }
        out.push_str("; SameSite=");
        out.push_str(&self.same_site);
        out
    }
}

impl From<bool> for OptionalCookie {
    fn from(on: bool) -> Self {
        Self(on.then(Cookie::default))
    }
}

/// What [`Options::cookie`] takes: `true`, `false` or a [`Cookie`].
#[derive(Debug)]
pub struct OptionalCookie(Option<Cookie>);

impl From<Cookie> for OptionalCookie {
    fn from(cookie: Cookie) -> Self {
        Self(Some(cookie))
    }
}

/// Which foreign pages may use the server, and how CORS tells their browsers.
///
/// ```
/// use rialto::Cors;
/// let cors = Cors::new(["https://app.example"]).credentials(true);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cors {
    /// The origins; `*` is every origin.
    pub origins: Origins,
    /// Whether browsers may send cookies. Default false.
    pub credentials: bool,
    /// The methods named in preflight answers. Default `GET,HEAD,PUT,PATCH,POST,DELETE`.
    pub methods: String,
    /// The request headers that are allowed; those asked for if empty. Default empty.
    pub allowed_headers: Vec<String>,
    /// The answer headers that scripts may read. Default none.
    pub exposed_headers: Vec<String>,
    /// How long browsers may keep a preflight answer. Default unset.
    pub max_age: Option<Duration>,
}

impl Cors {
    /// For these origins, or `*`.
    pub fn new<I: IntoIterator<Item: Into<String>>>(origins: I) -> Self {
        Self {
            origins: Origins::list(origins),
            credentials: false,
            methods: "GET,HEAD,PUT,PATCH,POST,DELETE".to_owned(),
            allowed_headers: Vec::new(),
            exposed_headers: Vec::new(),
            max_age: None,
        }
    }

    /// Sets [`Cors::credentials`].
    #[must_use]
    pub fn credentials(mut self, on: bool) -> Self {
        self.credentials = on;
        self
    }
}
