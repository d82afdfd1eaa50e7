//! Where a server can listen.

use rialto_ws::Endpoint;
use std::net::{IpAddr, SocketAddr};
use tokio::net::TcpListener;

/// An address to listen on: `"host:port"`, a [`SocketAddr`], `(host, port)` or `(ip, port)`, a
/// port alone, which means all interfaces, IPv6 and IPv4, as in Node, or a TCP listener that is
/// bound already, of tokio's or of the standard library's.
pub trait Address: Send {
    /// How an error names it.
    #[doc(hidden)]
    fn describe(&self) -> String;

    /// What can be bound.
    #[doc(hidden)]
    fn endpoint(self) -> Endpoint;
}

impl Address for &str {
    fn describe(&self) -> String {
        (*self).to_owned()
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

impl Address for String {
    fn describe(&self) -> String {
        self.clone()
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

impl Address for SocketAddr {
    fn describe(&self) -> String {
        format!("{self}")
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

impl Address for (IpAddr, u16) {
    fn describe(&self) -> String {
        format!("{}", SocketAddr::from(*self))
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

impl Address for (&str, u16) {
    fn describe(&self) -> String {
        pair(self.0, self.1)
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

impl Address for (String, u16) {
    fn describe(&self) -> String {
        pair(&self.0, self.1)
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

/// A bare IPv6 address stands in brackets before a port.
fn pair(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(ip) => format!("{}", SocketAddr::from((ip, port))),
        Err(_) => format!("{host}:{port}"),
    }
}

impl Address for u16 {
    fn describe(&self) -> String {
        format!("port {self}")
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

impl Address for TcpListener {
    fn describe(&self) -> String {
        self.local_addr().map_or_else(|_| "a listener".to_owned(), |address| format!("{address}"))
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}

/// It is made non-blocking.
impl Address for std::net::TcpListener {
    fn describe(&self) -> String {
        self.local_addr().map_or_else(|_| "a listener".to_owned(), |address| format!("{address}"))
    }

    fn endpoint(self) -> Endpoint {
        self.into()
    }
}
