//! [`Endpoint`]: where a server listens.

use socket2::SockRef;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;

/// Connections that the kernel holds until they are accepted, by default.
const BACKLOG: u32 = 1024;

/// Where a server listens: an address to bind, or a listener that is bound already.
///
/// Made from `"host:port"`, a pair of host and port, a `SocketAddr`, a port alone (on all
/// interfaces), listeners of tokio and of the standard library, and on Unix from `"unix:PATH"`.
///
/// ```
/// use rialto_ws::Endpoint;
/// let all = Endpoint::from(("::", 8080)).backlog(4096);
/// let local = Endpoint::from("unix:chat.sock");
/// ```
#[derive(Debug)]
pub struct Endpoint {
    place: Place,
    backlog: u32,
    reuse_port: bool,
}

#[derive(Debug)]
enum Place {
    Name(String),
    Pair(String, u16),
    Address(SocketAddr),
    /// On all interfaces.
    Port(u16),
    Path(PathBuf),
    Tcp(TcpListener),
    Std(std::net::TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Endpoint {
    fn new(place: Place) -> Self {
        Self { place, backlog: BACKLOG, reuse_port: false }
    }

    /// A Unix socket at this path. One that a server has left behind there is replaced; one on
    /// which a server still listens is an error, as is any other file.
    #[must_use]
    pub fn unix(path: impl AsRef<Path>) -> Self {
        Self::new(Place::Path(path.as_ref().to_owned()))
    }

    /// Connections that the kernel holds until they are accepted. Default 1024; the system may
    /// have a smaller limit (`net.core.somaxconn`). Only for addresses that are still to be bound.
    #[must_use]
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Lets several listeners share the port (`SO_REUSEPORT`), so that the kernel spreads the
    /// connections over them. Default false; Unix only, ignored elsewhere. Only for addresses
    /// that are still to be bound.
    #[must_use]
    pub fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// Binds a TCP address, or takes the listener that was given, for an accept loop of your own.
    ///
    /// # Errors
    /// If it cannot be bound, or is a Unix socket.
    pub async fn bind_tcp(self) -> io::Result<TcpListener> {
        let listener = self.bind_tcp_on(&[Handle::current()]).await?.pop();
        listener.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    pub(super) async fn bind_tcp_on(self, runtimes: &[Handle]) -> io::Result<Vec<TcpListener>> {
        let unix =
            || io::Error::new(io::ErrorKind::Unsupported, "Unix sockets are not served here");
        if let Place::Path(_) = self.place {
            return Err(unix());
        }
        let listeners = self.try_bind(runtimes).await?.into_iter().map(|listener| match listener {
            Listener::Tcp(listener) => Ok(listener),
            #[cfg(unix)]
            Listener::Unix { .. } => Err(unix()),
        });
        listeners.collect()
    }

    /// Binds it once for each of these runtimes; all share its port, or its file.
    pub(super) async fn bind_on(self, runtimes: &[Handle]) -> io::Result<Vec<Listener>> {
        let name = self.name();
        self.try_bind(runtimes).await.map_err(|error| {
            io::Error::new(error.kind(), format!("listening on {name} failed: {error}"))
        })
    }

    fn name(&self) -> String {
        match &self.place {
            Place::Name(name) => name.clone(),
            Place::Pair(host, port) => format!("{host}:{port}"),
            Place::Address(address) => address.to_string(),
            Place::Port(port) => format!("port {port}"),
            Place::Path(path) => path.display().to_string(),
            Place::Tcp(_) | Place::Std(_) => "the given listener".to_owned(),
            #[cfg(unix)]
            Place::Unix(_) => "the given listener".to_owned(),
        }
    }

    async fn try_bind(self, runtimes: &[Handle]) -> io::Result<Vec<Listener>> {
        let (backlog, reuse_port) = (self.backlog, self.reuse_port);
        let addresses: Vec<_> = match self.place {
            Place::Name(name) => lookup_host(name).await?.collect(),
            Place::Pair(host, port) => lookup_host((host, port)).await?.collect(),
            Place::Address(address) => vec![address],
            // Where there is no IPv6, the second is left.
            Place::Port(port) => {
                vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]
            }
            Place::Tcp(listener) => return share_tcp(listener.into_std()?, runtimes),
            Place::Std(listener) => return share_tcp(listener, runtimes),
            #[cfg(unix)]
            Place::Unix(listener) => return share_unix(listener.into_std()?, None, runtimes),
            #[cfg(unix)]
            Place::Path(path) => {
                let (listener, file) = bind_path(path).await?;
                return share_unix(listener, Some(Arc::new(file)), runtimes);
            }
            #[cfg(not(unix))]
            Place::Path(_) => return Err(io::ErrorKind::Unsupported.into()),
        };
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        for address in addresses {
            match bind_each(address, backlog, reuse_port, runtimes) {
                Ok(listeners) => return Ok(listeners),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Only there does the kernel spread connections over the sockets that share a port.
const SPREADS: bool = cfg!(any(target_os = "linux", target_os = "android"));

fn bind_each(
    address: SocketAddr,
    backlog: u32,
    reuse_port: bool,
    runtimes: &[Handle],
) -> io::Result<Vec<Listener>> {
    let Some((first, others)) = runtimes.split_first() else { return Ok(Vec::new()) };
    let spread = SPREADS && !others.is_empty();
    if spread && !reuse_port && address.port() != 0 {
        // Our sockets would share the port with those of another process as well: ask for it
        // alone first, so that one that is taken stays an error.
        let _entered = first.enter();
        drop(new_socket(address, false)?);
    }
    let bind = |address, runtime: &Handle| {
        let _entered = runtime.enter();
        new_socket(address, reuse_port || spread)?.listen(backlog)
    };
    let listener = bind(address, first)?;
    if !spread {
        return share_tcp(listener.into_std()?, runtimes);
    }
    let address = listener.local_addr()?;
    let mut listeners = vec![Listener::Tcp(listener)];
    for runtime in others {
        listeners.push(Listener::Tcp(bind(address, runtime)?));
    }
    Ok(listeners)
}

fn new_socket(address: SocketAddr, reuse_port: bool) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A port that closed a moment ago can be bound again; on Windows the option means more.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(reuse_port)?;
    #[cfg(not(unix))]
    let _ = reuse_port;
    // Where those who are accepted inherit it, nobody has to ask for it again.
    let _ = socket.set_nodelay(true);
    socket.bind(address)?;
    Ok(socket)
}

/// One socket, at which all of them wait.
fn share_tcp(listener: std::net::TcpListener, runtimes: &[Handle]) -> io::Result<Vec<Listener>> {
    listener.set_nonblocking(true)?;
    let _ = SockRef::from(&listener).set_tcp_nodelay(true);
    let share = |runtime: &Handle| {
        let _entered = runtime.enter();
        TcpListener::from_std(listener.try_clone()?).map(Listener::Tcp)
    };
    runtimes.iter().map(share).collect()
}

#[cfg(unix)]
fn share_unix(
    listener: std::os::unix::net::UnixListener,
    file: Option<Arc<Socket>>,
    runtimes: &[Handle],
) -> io::Result<Vec<Listener>> {
    let share = |runtime: &Handle| {
        let _entered = runtime.enter();
        let listener = UnixListener::from_std(listener.try_clone()?)?;
        Ok(Listener::Unix { listener, _file: file.clone() })
    };
    runtimes.iter().map(share).collect()
}

#[cfg(unix)]
async fn bind_path(path: PathBuf) -> io::Result<(std::os::unix::net::UnixListener, Socket)> {
    use std::os::unix::fs::FileTypeExt;
    let error = match UnixListener::bind(&path) {
        Ok(listener) => return Ok((listener.into_std()?, Socket(path))),
        Err(error) => error,
    };
    let left_behind = error.kind() == io::ErrorKind::AddrInUse
        && std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket())
        && UnixStream::connect(&path)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if !left_behind {
        return Err(error);
    }
    std::fs::remove_file(&path)?;
    let listener = UnixListener::bind(&path)?.into_std()?;
    Ok((listener, Socket(path)))
}

/// The file of a Unix socket that we have made, and take away.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct Socket(PathBuf);

#[cfg(unix)]
impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(path = %self.0.display(), %error, "the socket's file is not ours");
        }
    }
}

/// An endpoint that is bound.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        listener: UnixListener,
        _file: Option<Arc<Socket>>,
    },
}

/// A connection that was accepted.
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Accepted {
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(_, peer) => Some(*peer),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                listener.accept().await.map(|(stream, peer)| Accepted::Tcp(stream, peer))
            }
            #[cfg(unix)]
            Self::Unix { listener, .. } => {
                listener.accept().await.map(|(stream, _)| Accepted::Unix(stream))
            }
        }
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix { .. } => None,
        }
    }
}

/// `host:port`, or `unix:PATH`.
impl From<&str> for Endpoint {
    fn from(name: &str) -> Self {
        match name.strip_prefix("unix:") {
            Some(path) => Self::unix(path),
            None => Self::new(Place::Name(name.to_owned())),
        }
    }
}

impl From<String> for Endpoint {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&String> for Endpoint {
    fn from(name: &String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<(&str, u16)> for Endpoint {
    fn from((host, port): (&str, u16)) -> Self {
        Self::from((host.to_owned(), port))
    }
}

impl From<(String, u16)> for Endpoint {
    fn from((host, port): (String, u16)) -> Self {
        Self::new(Place::Pair(host, port))
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(Place::Address(address))
    }
}

/// A port on all interfaces, IPv6 and IPv4.
impl From<u16> for Endpoint {
    fn from(port: u16) -> Self {
        Self::new(Place::Port(port))
    }
}

impl From<(IpAddr, u16)> for Endpoint {
    fn from(pair: (IpAddr, u16)) -> Self {
        Self::from(SocketAddr::from(pair))
    }
}

impl From<(Ipv4Addr, u16)> for Endpoint {
    fn from(pair: (Ipv4Addr, u16)) -> Self {
        Self::from(SocketAddr::from(pair))
    }
}

impl From<(Ipv6Addr, u16)> for Endpoint {
    fn from(pair: (Ipv6Addr, u16)) -> Self {
        Self::from(SocketAddr::from(pair))
    }
}

impl From<TcpListener> for Endpoint {
    fn from(listener: TcpListener) -> Self {
        Self::new(Place::Tcp(listener))
    }
}

/// It is made non-blocking.
impl From<std::net::TcpListener> for Endpoint {
    fn from(listener: std::net::TcpListener) -> Self {
        Self::new(Place::Std(listener))
    }
}

#[cfg(unix)]
impl From<UnixListener> for Endpoint {
    fn from(listener: UnixListener) -> Self {
        Self::new(Place::Unix(listener))
    }
}
