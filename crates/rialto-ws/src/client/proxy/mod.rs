//! The way through a proxy: which one, and how it is asked.

#[cfg(test)]
mod answers;
mod environment;
mod http;
mod socks;

pub(crate) use environment::from_environment;

use super::dial::resolve;
use super::url::{Place, Target, User};
use crate::error::{Error, Result};
use ::http::HeaderMap;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncWrite};

/// Where a proxy is and how it is spoken to.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    kind: Kind,
    pub(crate) host: String,
    pub(crate) port: u16,
    user: Option<User>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Https,
    /// With the name resolved here.
    Socks5,
    /// With the name resolved by the proxy.
    Socks5h,
}

impl Proxy {
    /// From `scheme://[user:password@]host[:port]`; without a scheme it is `http`.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Kind::Http, 80),
            "https" => (Kind::Https, 443),
            "socks5" => (Kind::Socks5, 1080),
            "socks5h" | "socks" => (Kind::Socks5h, 1080),
            _ => {
                return Err(Error::url("the proxy's scheme is not http, https, socks5 or socks5h"));
            }
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let place = Place::parse(authority, port)
            .map_err(|_| Error::url("the proxy's URL is not scheme://user:password@host:port"))?;
        Ok(Self { kind, host: place.host, port: place.port, user: place.user })
    }

    /// True if the proxy itself is spoken to by TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.kind == Kind::Https
    }

    /// Has the proxy, at the far end of `stream`, lead to `target`.
    pub(crate) async fn lead<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        target: &Target,
        headers: &HeaderMap,
        max_head: usize,
    ) -> Result<()> {
        let user = self.user.as_ref();
        match self.kind {
            Kind::Http | Kind::Https => {
                let asked = http::Asked { host: &target.host, port: target.port, user, headers };
                http::connect(stream, &asked, max_head).await
            }
            Kind::Socks5 => {
                let found = resolve(&target.host, target.port).await?;
                let address = found.first().map(|address| address.ip().to_string());
                let host = address.as_deref().unwrap_or(&target.host);
                socks::connect(stream, host, target.port, user).await
            }
            Kind::Socks5h => socks::connect(stream, &target.host, target.port, user).await,
        }
    }
}

/// True if a host is this machine by its name or address.
fn is_loopback(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_proxies() {
        for (url, kind, host, port) in [
            ("http://p:3128", Kind::Http, "p", 3128),
            ("p:3128", Kind::Http, "p", 3128),
            ("p", Kind::Http, "p", 80),
            ("HTTPS://u:p@p/", Kind::Https, "p", 443),
            ("socks5://[::1]", Kind::Socks5, "::1", 1080),
            ("socks5h://127.0.0.1:9/", Kind::Socks5h, "127.0.0.1", 9),
            ("socks://p", Kind::Socks5h, "p", 1080),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!((proxy.kind, proxy.host.as_str(), proxy.port), (kind, host, port), "{url}");
        }
        for url in ["", "socks4://p", "ftp://p", "http://", "http://p:x", "http://:1", "u:p@"] {
            assert!(Proxy::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{:?}", Proxy::parse("http://alice:secret@p").unwrap());
        assert!(!shown.contains("secret") && !shown.contains("alice"), "{shown}");
    }

    #[test]
    fn loopback_by_name_and_address() {
        for host in
            ["localhost", "LocalHost.", "a.localhost", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "xlocalhost", "::2"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
