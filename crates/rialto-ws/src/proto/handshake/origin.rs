//! Which pages may open a connection: the defence against cross-site WebSocket hijacking.
//!
//! Browsers send cookies with a handshake to any server and CORS does not apply to it,
//! so the server has to look at `Origin` itself.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The origins that may connect beside the page's own.
///
/// The default, [`Origins::same`], allows a request without an `Origin` (not a browser),
/// one whose authority equals `Host`, and one from a loopback page to a loopback server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every origin, `null` included.
    Any,
    /// The page's own, loopback to loopback, and those named here: see [`Origins::list`].
    Listed(Vec<String>),
    /// The page's own, loopback to loopback, and those that a function takes.
    Matching(Matcher),
}

/// The function of [`Origins::matching`]; two are equal if they are the same one.
#[derive(Clone)]
pub struct Matcher(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Matcher")
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Matcher {}

impl Origins {
    /// Only the page's own origin, and loopback to loopback.
    #[must_use]
    pub const fn same() -> Self {
        Self::Listed(Vec::new())
    }

    /// From a list of origins as browsers send them (`https://example.org`, `null`);
    /// `https://*.example.org` is every name below that one, `*` opens all.
    pub fn list<I: IntoIterator<Item: Into<String>>>(origins: I) -> Self {
        // Browsers send no trailing slash; people write one.
        let trimmed = |origin: String| origin.trim_end_matches('/').to_owned();
        let list: Vec<String> = origins.into_iter().map(|origin| trimmed(origin.into())).collect();
        if list.iter().any(|origin| origin == "*") { Self::Any } else { Self::Listed(list) }
    }

    /// Those that the function takes, for instance by a regular expression. It gets the origin as
    /// the browser sends it, and should look at the whole of it.
    ///
    /// ```
    /// use rialto_ws::Origins;
    /// let origins = Origins::matching(|origin| origin.starts_with("https://branch-"));
    /// assert!(origins.allow(Some("https://branch-7.example"), Some("chat.example")));
    /// assert!(!origins.allow(Some("https://evil.example"), Some("chat.example")));
    /// ```
    pub fn matching(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::Matching(Matcher(Arc::new(matches)))
    }

    /// True if the origin is one of those that were named, whichever server it asks.
    #[must_use]
    pub fn names(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(list) => list.iter().any(|named| is_named(named, origin)),
            Self::Matching(matcher) => (matcher.0)(origin),
        }
    }

    /// True if both the page and the server are on loopback names or addresses, whatever the ports.
    #[must_use]
    pub fn is_loopback(origin: &str, host: &str) -> bool {
        let Some((_, authority)) = origin.split_once("://") else { return false };
        is_loopback(split_port(authority).0) && is_loopback(split_port(host).0)
    }

    /// True if a page of `origin` may connect to the server addressed as `host`.
    ///
    /// The authority of the origin, with the default port of its own scheme, must equal `Host`;
    /// the scheme is not compared, since TLS often ends before the server.
    /// If both are loopback names or addresses, any port passes.
    ///
    /// ```
    /// use rialto_ws::Origins;
    /// let origins = Origins::list(["https://app.example"]);
    /// assert!(origins.allow(None, Some("chat.example")));
    /// assert!(origins.allow(Some("https://chat.example"), Some("chat.example")));
    /// assert!(origins.allow(Some("http://localhost:8080"), Some("127.0.0.1:3000")));
    /// assert!(origins.allow(Some("https://app.example"), Some("chat.example")));
    /// assert!(!origins.allow(Some("https://evil.example"), Some("chat.example")));
    /// assert!(!origins.allow(Some("null"), Some("chat.example")));
    /// ```
    #[must_use]
    pub fn allow(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        if self.names(origin) {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let Some(host) = host else { return false };
        let port = if scheme.eq_ignore_ascii_case("https") { "443" } else { "80" };
        let (name, own_port) = split_port(authority);
        let (host_name, host_port) = split_port(host);
        if Self::is_loopback(origin, host) {
            return true;
        }
        let own_port = own_port.unwrap_or(port);
        name.eq_ignore_ascii_case(host_name) && host_port.unwrap_or(port) == own_port
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self::same()
    }
}

/// True if an entry of a list is this origin, or the pattern of it.
fn is_named(named: &str, origin: &str) -> bool {
    let Some((scheme, parent)) = named.split_once("://*.") else {
        return named.eq_ignore_ascii_case(origin);
    };
    let Some((own_scheme, authority)) = origin.split_once("://") else { return false };
    let Some(cut) = authority.len().checked_sub(parent.len() + 1) else { return false };
    let (Some(below), Some(above)) = (authority.get(..cut), authority.get(cut + 1..)) else {
        return false;
    };
    // A name below, and no port, user or path that would make another name of it.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    own_scheme.eq_ignore_ascii_case(scheme)
        && above.eq_ignore_ascii_case(parent)
        && authority.as_bytes().get(cut) == Some(&b'.')
        && !below.is_empty()
        && below.bytes().all(plain)
}

/// Splits `name:port`; an IPv6 address stands in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (authority, None),
    }
}

fn is_loopback(name: &str) -> bool {
    let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_origin_by_authority_with_the_default_port_of_its_scheme() {
        let same = Origins::same();
        assert!(same.allow(Some("https://a.example"), Some("a.example")));
        assert!(same.allow(Some("https://a.example"), Some("a.example:443")));
        assert!(same.allow(Some("http://A.example:80"), Some("a.example")));
        assert!(!same.allow(Some("https://a.example:8443"), Some("a.example")));
        assert!(!same.allow(Some("https://a.example.evil"), Some("a.example")));
        assert!(!same.allow(Some("https://xa.example"), Some("a.example")));
        assert!(!same.allow(Some("https://a.example"), None));
    }

    #[test]
    fn loopback_pages_reach_loopback_servers_on_any_port() {
        let same = Origins::same();
        for origin in ["http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:8080"] {
            for host in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"] {
                assert!(same.allow(Some(origin), Some(host)), "{origin} {host}");
            }
            assert!(!same.allow(Some(origin), Some("chat.example")));
        }
        assert!(!same.allow(Some("http://localhost.evil"), Some("localhost:3000")));
    }

    #[test]
    fn null_needs_to_be_named_and_a_star_opens_all() {
        assert!(!Origins::same().allow(Some("null"), Some("x")));
        assert!(Origins::list(["null"]).allow(Some("null"), Some("x")));
        assert!(Origins::list(["*"]).allow(Some("http://any"), Some("x")));
    }

    #[test]
    fn a_star_before_a_name_is_every_name_below_it() {
        let origins = Origins::list(["https://*.good.example", "http://*.dev.example:8080"]);
        for origin in
            ["https://a.good.example", "https://A.b.GOOD.example", "http://x.dev.example:8080"]
        {
            assert!(origins.names(origin), "{origin}");
        }
        for origin in [
            "https://good.example",
            "https://.good.example",
            "https://xgood.example",
            "http://a.good.example",
            "https://a.good.example:444",
            "https://a.good.example.evil",
            "https://evil/.good.example",
            "https://evil:1.good.example",
            "https://é.good.example",
            "http://x.dev.example",
            "null",
            "",
        ] {
            assert!(!origins.names(origin), "{origin}");
        }
    }

    #[test]
    fn a_function_decides_beside_the_own_origin() {
        let origins = Origins::matching(|origin| origin == "https://app.example");
        assert!(origins.allow(Some("https://app.example"), Some("x")));
        assert!(origins.allow(Some("https://x"), Some("x")));
        assert!(!origins.allow(Some("https://y"), Some("x")));
        assert_eq!(origins, origins.clone());
        assert_ne!(origins, Origins::matching(|_| true));
    }
}
