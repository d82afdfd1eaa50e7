//! From a host and a port to a connected socket, all addresses tried.

use super::phase::{Phase, Progress};
use super::race::race;
use crate::error::{Error, Result};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// The head start of each address before the next one (RFC 8305 §5 recommends 250 ms).
const HEAD_START: Duration = Duration::from_millis(250);

/// Addresses of one name that are tried; a name server chooses how many there are.
const MAX_ADDRESSES: usize = 64;

/// How sockets are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialer {
    /// Instead of asking for the addresses of the server's name.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) local: Option<IpAddr>,
    pub(crate) keepalive: Option<Duration>,
}

impl Dialer {
    /// Connects to the server itself.
    pub(crate) async fn server(
        &self,
        host: &str,
        port: u16,
        progress: &Progress,
    ) -> Result<TcpStream> {
        if self.addresses.is_empty() {
            return self.host(host, port, progress).await;
        }
        let connecting = self.connect(interleave(self.addresses.clone()));
        progress.during(Phase::Connect, connecting).await
    }

    /// Connects to a host by its name.
    pub(crate) async fn host(
        &self,
        host: &str,
        port: u16,
        progress: &Progress,
    ) -> Result<TcpStream> {
        let found = progress.during(Phase::Resolve, resolve(host, port)).await?;
        progress.during(Phase::Connect, self.connect(found)).await
    }

    async fn connect(&self, addresses: Vec<SocketAddr>) -> Result<TcpStream> {
        let fits = |address: &SocketAddr| {
            self.local.is_none_or(|local| local.is_ipv4() == address.is_ipv4())
        };
        let fitting: Vec<_> = addresses.into_iter().filter(fits).take(MAX_ADDRESSES).collect();
        if fitting.is_empty() {
            let what = "no address of the host is of the local address's family";
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, what).into());
        }
        let attempts = fitting.into_iter().map(|address| {
            let dialer = Self { addresses: Vec::new(), ..self.clone() };
            Box::pin(async move { dialer.one(address).await.map_err(|error| (address, error)) })
                as _
        });
        race(attempts, HEAD_START).await.map_err(|failures| unreachable(&failures).into())
    }

    async fn one(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(local) = self.local {
            socket.bind(SocketAddr::new(local, 0))?;
        }
        let stream = socket.connect(address).await?;
        // Messages are whole when they are written: waiting for more only delays them.
        stream.set_nodelay(true)?;
        if let Some(idle) = self.keepalive {
            let keepalive = TcpKeepalive::new().with_time(idle);
            SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        }
        Ok(stream)
    }
}

/// The addresses of a host, families taking turns. A name is asked for on a thread of the runtime.
///
/// # Errors
/// If there are none.
pub(crate) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let failed = |error: io::Error| {
        io::Error::new(error.kind(), format!("the name {host} was not found: {error}"))
    };
    let found: Vec<_> = lookup_host((host, port)).await.map_err(failed)?.collect();
    if found.is_empty() {
        let what = format!("the name {host} has no address");
        return Err(io::Error::new(io::ErrorKind::NotFound, what).into());
    }
    Ok(interleave(found))
}

/// Families in turn, beginning with the one that the system prefers (RFC 8305 §4).
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let mut out = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        match (first.next(), second.next()) {
            (None, None) => return out,
            (one, other) => out.extend(one.into_iter().chain(other)),
        }
    }
}

/// One error for all attempts, of the first one's kind.
fn unreachable(failures: &[(SocketAddr, io::Error)]) -> io::Error {
    let kind = failures.first().map_or(io::ErrorKind::NotFound, |(_, error)| error.kind());
    let told: Vec<_> =
        failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
    io::Error::new(kind, told.join("; "))
}

/// Connects to a Unix socket.
#[cfg(unix)]
pub(crate) async fn unix(
    path: &std::path::Path,
    progress: &Progress,
) -> Result<tokio::net::UnixStream> {
    let connecting = async {
        tokio::net::UnixStream::connect(path).await.map_err(|error| {
            Error::from(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        })
    };
    progress.during(Phase::Connect, connecting).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns_in_the_order_of_the_system() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let turns = addresses(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]);
        assert_eq!(interleave(given), turns);
        assert_eq!(interleave(addresses(&["1.0.0.1:1"])), addresses(&["1.0.0.1:1"]));
    }
}
