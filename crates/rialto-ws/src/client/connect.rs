//! [`Connect`]: all that may be said about a connection before it is made.

use super::dial::{self, Dialer};
use super::handshake::{Accepted, exchange};
use super::phase::{Limits, Phase, Progress};
use super::proxy::{Proxy, from_environment};
use super::reconnect::Reconnect;
use super::redirect;
use super::tls::{self, ClientTls};
use super::url::{Target, without_user};
use super::wire::Wire;
use crate::error::{Error, Result};
use crate::io::stream::{Stream, send_at_once};
use crate::options::Options;
use crate::proto::Role;
use crate::proto::handshake::client::are_protocols;
use crate::socket::WebSocket;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Connects to a URL with default options; see [`Connect`] for what can be said beside it.
///
/// # Errors
/// As [`Connect::connect`].
pub async fn connect(url: impl AsRef<str>) -> Result<WebSocket> {
    Connect::new(url.as_ref()).connect().await
}

/// A connection to be made.
///
/// ```no_run
/// # async fn example() -> rialto_ws::Result<()> {
/// use rialto_ws::{Connect, Options};
/// let socket = Connect::new("wss://chat.example/room?id=7")
///     .header("authorization", "Bearer secret")
///     .options(Options::default().protocols(["chat.v1"]))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # URLs
/// `ws://`, `wss://` (feature `tls`, on by default), `http://` and `https://` as other words for
/// the same, and `ws+unix:///run/app.sock:/path` for a Unix socket. `user:password@` becomes
/// `Authorization: Basic`. A fragment is dropped.
///
/// # Time
/// [`Options::handshake_timeout`] (10 s) bounds everything from the look-up of the name to the
/// server's answer, redirects included; [`Connect::time_limit`] bounds single parts. The error
/// names the part that took too long.
///
/// # Proxies
/// The environment decides unless [`Connect::proxy`] or [`Connect::no_proxy`] does: `wss_proxy`,
/// then `https_proxy`, then `all_proxy` for `wss://`; `ws_proxy`, `http_proxy`, `all_proxy` for
/// `ws://`; lower case before upper case; not `HTTP_PROXY` in a CGI program. `no_proxy` lists
/// exceptions by name, address, range, each with or without a port. Loopback is always reached
/// directly, unless `proxy` says otherwise.
#[derive(Clone)]
pub struct Connect {
    url: String,
    headers: HeaderMap,
    proxy_headers: HeaderMap,
    invalid_header: bool,
    options: Options,
    limits: Limits,
    redirects: usize,
    dialer: Dialer,
    socket: Option<PathBuf>,
    proxy: Choice,
    tls: Option<ClientTls>,
    proxy_tls: Option<ClientTls>,
}

#[derive(Clone)]
enum Choice {
    Environment,
    Direct,
    Url(String),
}

impl Connect {
    /// To this URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: HeaderMap::new(),
            proxy_headers: HeaderMap::new(),
            invalid_header: false,
            options: Options::default(),
            limits: Limits::default(),
            redirects: 0,
            dialer: Dialer::default(),
            socket: None,
            proxy: Choice::Environment,
            tls: None,
            proxy_tls: None,
        }
    }

    /// Adds a header field to the handshake; those that the handshake sets itself stay as they are.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match field(name, value) {
            Some((name, value)) => drop(self.headers.append(name, value)),
            None => self.invalid_header = true,
        }
        self
    }

    /// Sets `Origin`, which browsers send and servers may ask for.
    #[must_use]
    pub fn origin(self, origin: &str) -> Self {
        self.replace(header::ORIGIN, origin)
    }

    /// Sets `User-Agent`; by default none is sent.
    #[must_use]
    pub fn user_agent(self, name: &str) -> Self {
        self.replace(header::USER_AGENT, name)
    }

    /// Sets `Authorization: Basic` (RFC 7617), before that of the URL's user.
    #[must_use]
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        let encoded = BASE64.encode(format!("{user}:{password}").as_bytes());
        self.replace(header::AUTHORIZATION, &format!("Basic {encoded}"))
    }

    fn replace(mut self, name: HeaderName, value: &str) -> Self {
        match field(name.as_str(), value) {
            Some((name, value)) => drop(self.headers.insert(name, value)),
            None => self.invalid_header = true,
        }
        self
    }

    /// Sets the options.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Bounds one part of connecting; without, [`Options::handshake_timeout`] alone bounds all.
    ///
    /// ```
    /// use rialto_ws::{Connect, Phase};
    /// use std::time::Duration;
    /// let connect = Connect::new("wss://chat.example/")
    ///     .time_limit(Phase::Connect, Duration::from_secs(3))
    ///     .time_limit(Phase::Tls, Duration::from_secs(2));
    /// ```
    #[must_use]
    pub fn time_limit(mut self, phase: Phase, time: Duration) -> Self {
        self.limits.set(phase, time);
        self
    }

    /// Follows so many redirects (301, 302, 303, 307, 308). Default 0, as in browsers: the
    /// redirect is an error then, and [`Error::response`] tells where it leads.
    ///
    /// `http` becomes `ws` and `https` becomes `wss`; from `wss` to `ws` is never followed, nor is
    /// the way to a Unix socket. `Authorization` and `Cookie` stay behind when the host changes.
    #[must_use]
    pub fn redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }

    /// Speaks TLS in this way when the URL asks for TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: impl Into<ClientTls>) -> Self {
        self.tls = Some(tls.into());
        self
    }

    /// Speaks TLS in this way with an `https://` proxy; without, as the platform trusts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn proxy_tls(mut self, tls: impl Into<ClientTls>) -> Self {
        self.proxy_tls = Some(tls.into());
        self
    }

    /// Goes through this proxy, whatever the environment says:
    /// `http://`, `https://`, `socks5://` (the name is looked up here and its first address asked
    /// for) or `socks5h://` (the proxy looks it up), each as `scheme://user:password@host:port`; default ports 80, 443, 1080.
    ///
    /// HTTP proxies are asked to CONNECT, for `ws://` too. A Unix socket has no proxy.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Choice::Url(url.into());
        self
    }

    /// Goes through no proxy, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Choice::Direct;
        self
    }

    /// Adds a header field to the request for an HTTP proxy, as a token of its own kind.
    #[must_use]
    pub fn proxy_header(mut self, name: &str, value: &str) -> Self {
        match field(name, value) {
            Some((name, value)) => drop(self.proxy_headers.append(name, value)),
            None => self.invalid_header = true,
        }
        self
    }

    /// Connects to these addresses instead of looking up the URL's host, which stays the name
    /// for TLS and `Host`. After a redirect to another host they no longer count; with a proxy
    /// they do not count at all.
    ///
    /// Like the addresses of a name, all are tried, families in turn, 250 ms apart (RFC 8305).
    #[must_use]
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.dialer.addresses = addresses.into_iter().collect();
        self
    }

    /// Connects from this address of the machine; server addresses of the other family are left
    /// out.
    #[must_use]
    pub fn local_address(mut self, address: IpAddr) -> Self {
        self.dialer.local = Some(address);
        self
    }

    /// Connects over this Unix socket; the URL gives `Host`, path, and whether TLS is spoken.
    #[must_use]
    pub fn unix_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// Probes a silent TCP connection after this time (`SO_KEEPALIVE`). Default: never; the
    /// system decides how often and how long.
    #[must_use]
    pub fn tcp_keepalive(mut self, idle: Duration) -> Self {
        self.dialer.keepalive = Some(idle);
        self
    }

    /// A connection that is made again whenever it is lost.
    #[must_use]
    pub fn reconnect(self) -> Reconnect {
        Reconnect::new(self)
    }

    /// Connects and does the handshake.
    ///
    /// Dropping the future gives everything up.
    ///
    /// # Errors
    /// * [`Error::is_url`]: the URL, a header field, a subprotocol or the proxy's URL cannot be
    ///   used;
    /// * [`Error::is_io`]: no address could be found or connected to;
    /// * [`Error::is_proxy`], [`Error::is_tls`]: the way there failed;
    /// * [`Error::is_handshake`]: the server refused; [`Error::response`] has its answer;
    /// * [`Error::is_timeout`]: a part took too long, which the message names.
    pub async fn connect(self) -> Result<WebSocket> {
        Ok(self.connect_with_response().await?.0)
    }

    /// [`Connect::connect`], and the header fields of the server's answer.
    ///
    /// # Errors
    /// As [`Connect::connect`].
    pub async fn connect_with_response(self) -> Result<(WebSocket, Response<()>)> {
        let progress = Progress::new(self.limits.clone());
        // In a box, because TLS and proxies make it large and callers hold it for a moment only.
        let work = Box::pin(self.attempt(&progress));
        progress.within(self.options.handshake_timeout, work).await
    }

    /// Does the handshake on a stream that leads to the server already: neither proxy nor TLS are
    /// added, and no redirect is followed.
    ///
    /// # Errors
    /// As [`Connect::connect`].
    pub async fn over<S: Stream>(self, mut stream: S) -> Result<WebSocket> {
        let target = self.target()?;
        let progress = Progress::new(self.limits.clone());
        let headers = self.headers_for(&target);
        let exchange = exchange(&mut stream, &target, &headers, &self.options);
        let work = progress.during(Phase::Handshake, exchange);
        let accepted = progress.within(self.options.handshake_timeout, work).await?;
        let Accepted { opening, input, .. } = accepted;
        send_at_once(&stream);
        Ok(WebSocket::open(stream, Role::Client, input, opening, &self.options))
    }

    async fn attempt(&self, progress: &Progress) -> Result<(WebSocket, Response<()>)> {
        let start = self.target()?;
        let mut headers = self.headers_for(&start);
        let mut target = start.clone();
        let mut left = self.redirects;
        loop {
            // The addresses have ports of their own, which do not follow a redirect.
            let direct = start.same_host(&target) && start.port == target.port;
            let mut wire = self.reach(&target, direct, progress).await?;
            let exchange = exchange(&mut wire, &target, &headers, &self.options);
            let refusal = match progress.during(Phase::Handshake, exchange).await {
                Ok(accepted) => return Ok(self.open(wire, accepted)),
                Err(refusal) => refusal,
            };
            let next = redirect::follow(&target, refusal, left)?;
            left -= 1;
            if !target.same_host(&next) {
                redirect::drop_credentials(&mut headers);
                if let Some(value) = &next.authorization {
                    headers.insert(header::AUTHORIZATION, value.clone());
                }
            }
            target = next;
        }
    }

    fn open(&self, wire: Wire, accepted: Accepted) -> (WebSocket, Response<()>) {
        let Accepted { opening, input, response } = accepted;
        let (role, options) = (Role::Client, &self.options);
        let socket = match wire {
            Wire::Tcp(stream) => WebSocket::open(stream, role, input, opening, options),
            #[cfg(unix)]
            Wire::Unix(stream) => WebSocket::open(stream, role, input, opening, options),
            Wire::Layered(stream) => WebSocket::open(stream, role, input, opening, options),
        };
        (socket, response)
    }

    /// A stream to the target, TLS included.
    async fn reach(&self, target: &Target, direct: bool, progress: &Progress) -> Result<Wire> {
        let wire = match (&target.socket, self.proxy_for(target)?) {
            (Some(path), _) => unix(path, progress).await?,
            (None, Some(proxy)) => self.through(&proxy, target, progress).await?,
            (None, None) => {
                let (host, port) = (target.host.as_str(), target.port);
                Wire::Tcp(match direct {
                    true => self.dialer.server(host, port, progress).await?,
                    false => self.dialer.host(host, port, progress).await?,
                })
            }
        };
        if !target.secure {
            return Ok(wire);
        }
        let secured = tls::secure(wire, self.tls.as_ref(), &target.host);
        progress.during(Phase::Tls, secured).await
    }

    async fn through(&self, proxy: &Proxy, target: &Target, progress: &Progress) -> Result<Wire> {
        let stream = self.dialer.host(&proxy.host, proxy.port, progress).await;
        let stream = stream.map_err(Error::before_proxy)?;
        let leading = async {
            let mut wire = Wire::Tcp(stream);
            if proxy.is_secure() {
                wire = tls::secure(wire, self.proxy_tls.as_ref(), &proxy.host).await?;
            }
            proxy.lead(&mut wire, target, &self.proxy_headers, self.options.max_head).await?;
            Ok(wire)
        };
        progress.during(Phase::Proxy, leading).await
    }

    fn proxy_for(&self, target: &Target) -> Result<Option<Proxy>> {
        match &self.proxy {
            Choice::Direct => Ok(None),
            Choice::Url(url) => Proxy::parse(url).map(Some),
            Choice::Environment => from_environment(target),
        }
    }

    fn target(&self) -> Result<Target> {
        if self.invalid_header {
            return Err(Error::url("a header field has an invalid name or value"));
        }
        if !are_protocols(&self.options.protocols) {
            return Err(Error::url("a subprotocol is not a token, or is offered twice"));
        }
        let mut target = Target::parse(&self.url)?;
        if self.socket.is_some() {
            target.socket.clone_from(&self.socket);
        }
        Ok(target)
    }

    /// The fields of the first request.
    fn headers_for(&self, target: &Target) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(value) = &target.authorization
            && !headers.contains_key(header::AUTHORIZATION)
        {
            headers.insert(header::AUTHORIZATION, value.clone());
        }
        headers
    }
}

/// Without passwords: header fields by name only, URLs without their user.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("url", &without_user(&self.url))
            .field("headers", &self.headers.keys())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

fn field(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, value.parse().ok()?))
}

#[cfg(unix)]
async fn unix(path: &std::path::Path, progress: &Progress) -> Result<Wire> {
    Ok(Wire::Unix(dial::unix(path, progress).await?))
}

#[cfg(not(unix))]
async fn unix(_path: &std::path::Path, _progress: &Progress) -> Result<Wire> {
    Err(Error::url("there are no Unix sockets on this system"))
}
