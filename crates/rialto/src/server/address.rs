//! Where a server can listen.

use futures_util::future::BoxFuture;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::net::TcpListener;

/// An address to listen on: `"host:port"`, a [`SocketAddr`], `(ip, port)`, or a port alone, which
/// means all interfaces, IPv6 and IPv4, as in Node.
pub trait Address: Send {
    /// How an error names it.
    #[doc(hidden)]
    fn describe(&self) -> String;

    /// Binds it.
    #[doc(hidden)]
    fn bind(self) -> BoxFuture<'static, io::Result<TcpListener>>;
}

impl Address for &str {
    fn describe(&self) -> String {
        (*self).to_owned()
    }

    fn bind(self) -> BoxFuture<'static, io::Result<TcpListener>> {
        self.to_owned().bind()
    }
}

impl Address for String {
    fn describe(&self) -> String {
        self.clone()
    }

    fn bind(self) -> BoxFuture<'static, io::Result<TcpListener>> {
        Box::pin(TcpListener::bind(self))
    }
}

impl Address for SocketAddr {
    fn describe(&self) -> String {
        format!("{self}")
    }

    fn bind(self) -> BoxFuture<'static, io::Result<TcpListener>> {
        Box::pin(TcpListener::bind(self))
    }
}

impl Address for (IpAddr, u16) {
    fn describe(&self) -> String {
        format!("{}", SocketAddr::from(*self))
    }

    fn bind(self) -> BoxFuture<'static, io::Result<TcpListener>> {
        Box::pin(TcpListener::bind(self))
    }
}

impl Address for u16 {
    fn describe(&self) -> String {
        format!("port {self}")
    }

    fn bind(self) -> BoxFuture<'static, io::Result<TcpListener>> {
        Box::pin(async move {
            match TcpListener::bind((Ipv6Addr::UNSPECIFIED, self)).await {
                Ok(listener) => Ok(listener),
                // A machine without IPv6.
                Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, self)).await,
            }
        })
    }
}
