//! Where a URL leads: scheme, host, port, request target, user, Unix socket.

use crate::error::{Error, Result};
use data_encoding::BASE64;
use http::{HeaderValue, Uri};
use std::path::PathBuf;

/// What a `ws:`, `wss:`, `http:`, `https:` or `ws+unix:` URL asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// By TLS.
    pub(crate) secure: bool,
    /// Name or address, an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What goes into `Host`: no user information (RFC 9110 §7.2).
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
    /// What the URL's user information says (RFC 7617).
    pub(crate) authorization: Option<HeaderValue>,
    /// The socket's file, of a `ws+unix:` URL.
    pub(crate) socket: Option<PathBuf>,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self> {
        if let Some(rest) = strip_scheme(url, "ws+unix:") {
            return Self::unix(rest);
        }
        let uri: Uri = url.parse().map_err(|_| {
            Error::url(match url.split_once("://") {
                None => "it begins with neither ws:// nor wss://",
                Some((_, "")) => "it has no host",
                Some((_, rest)) if rest.is_ascii() => "it does not parse",
                Some(_) => "it does not parse: names outside ASCII have to be given in Punycode",
            })
        })?;
        let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
        let secure = match scheme.as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(Error::url("it begins with neither ws:// nor wss://")),
        };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let place = Place::parse(authority, if secure { 443 } else { 80 })?;
        Ok(Self {
            secure,
            host: place.host,
            port: place.port,
            authority: place.authority,
            path: path_of(&uri),
            authorization: place.user.map(|user| user.authorization()).transpose()?,
            socket: None,
        })
    }

    /// `//path/to.sock:/request/path?query`, as npm's `ws` spells it.
    fn unix(rest: &str) -> Result<Self> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (file, path) = rest.split_once(':').unwrap_or((rest, "/"));
        if !file.starts_with('/') {
            return Err(Error::url("a ws+unix: URL has an absolute path to a socket"));
        }
        let uri: Uri = if path.starts_with('/') { path } else { "" }
            .parse()
            .map_err(|_| Error::url("behind the socket's path and a colon there is no path"))?;
        Ok(Self {
            secure: false,
            host: "localhost".to_owned(),
            port: 80,
            authority: "localhost".to_owned(),
            path: path_of(&uri),
            authorization: None,
            socket: Some(PathBuf::from(file)),
        })
    }

    /// Where a `Location` leads, seen from here (RFC 9110 §10.2.2).
    pub(crate) fn join(&self, location: &str) -> Result<Self> {
        let location = location.split('#').next().unwrap_or_default();
        if has_scheme(location) {
            let target = Self::parse(location)?;
            // A server must not choose among the sockets of this machine.
            return match target.socket {
                Some(_) => Err(Error::url("a redirect to a Unix socket")),
                None => Ok(target),
            };
        }
        if let Some(rest) = location.strip_prefix("//") {
            let scheme = if self.secure { "wss" } else { "ws" };
            return Self::parse(&format!("{scheme}://{rest}"));
        }
        let uri: Uri = resolve(&self.path, location)
            .parse()
            .map_err(|_| Error::url("a redirect to a place that does not parse"))?;
        Ok(Self { path: path_of(&uri), ..self.clone() })
    }

    /// True if both are served by the same host, as far as credentials are concerned: the same
    /// name and port, or the default ports of both schemes on the way from `ws` to `wss`.
    pub(crate) fn same_host(&self, other: &Self) -> bool {
        let default = |target: &Self| target.port == if target.secure { 443 } else { 80 };
        let raised = !self.secure && other.secure && default(self) && default(other);
        self.host.eq_ignore_ascii_case(&other.host)
            && self.socket == other.socket
            && (raised || (self.port == other.port && self.secure == other.secure))
    }
}

/// The authority of a URL, taken apart.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) authority: String,
    pub(crate) user: Option<User>,
}

impl Place {
    pub(crate) fn parse(authority: &str, default_port: u16) -> Result<Self> {
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(User::parse(user)?), place),
            None => (None, authority),
        };
        let (host, port) = split_port(place);
        let port = match port {
            None | Some("") => default_port,
            Some(port) => port.parse().map_err(|_| Error::url("its port is no port"))?,
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() {
            return Err(Error::url("it has no host"));
        }
        let authority = place.strip_suffix(':').unwrap_or(place).to_owned();
        Ok(Self { host: bare.to_owned(), port, authority, user })
    }
}

/// `name:password`, decoded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

impl User {
    fn parse(text: &str) -> Result<Self> {
        let (name, password) = text.split_once(':').unwrap_or((text, ""));
        let decode = |text| percent_decode(text).ok_or_else(|| Error::url("a stray % in its user"));
        Ok(Self { name: decode(name)?, password: decode(password)? })
    }

    /// The value of `Authorization` or `Proxy-Authorization` (RFC 7617 §2).
    pub(crate) fn authorization(&self) -> Result<HeaderValue> {
        let joined = [self.name.as_slice(), b":", self.password.as_slice()].concat();
        let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(&joined)))
            .map_err(|_| Error::url("its user cannot be put into a header field"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("User(..)")
    }
}

/// The URL without its user information, for logs.
pub(crate) fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    format!("{scheme}://{place}{path}")
}

/// Splits `host:port`; an IPv6 address stands in brackets.
pub(crate) fn split_port(place: &str) -> (&str, Option<&str>) {
    match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (place, None),
    }
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = url.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn has_scheme(location: &str) -> bool {
    location.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

fn path_of(uri: &Uri) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    if target.starts_with('/') { target.to_owned() } else { format!("/{target}") }
}

/// A relative reference against a path with a query (RFC 3986 §5.2).
fn resolve(base: &str, reference: &str) -> String {
    let base_path = base.split('?').next().unwrap_or("/");
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let mut out = match path {
        "" if query.is_none() => return base.to_owned(),
        "" => base_path.to_owned(),
        _ if path.starts_with('/') => without_dots(path),
        _ => {
            let folder = base_path.rsplit_once('/').map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{path}"))
        }
    };
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    out
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in path.split('/').skip(1) {
        open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let end = if open && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || (bytes.next()? as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let high = digit()?;
        out.push(high << 4 | digit()?);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let target = Target::parse("wss://Example.org:8443/a/b?c=d#e").unwrap();
        assert!(target.secure);
        assert_eq!((target.host.as_str(), target.port), ("Example.org", 8443));
        assert_eq!(target.authority, "Example.org:8443");
        assert_eq!(target.path, "/a/b?c=d");
        for (url, secure, host, port, path) in [
            ("ws://h", false, "h", 80, "/"),
            ("WSS://h", true, "h", 443, "/"),
            ("http://h:8/?q", false, "h", 8, "/?q"),
            ("https://[::1]/x", true, "::1", 443, "/x"),
            ("ws://[::1]:9?q=1", false, "::1", 9, "/?q=1"),
            ("ws://h:/x", false, "h", 80, "/x"),
        ] {
            let target = Target::parse(url).unwrap();
            let seen = (target.secure, target.host.as_str(), target.port, target.path.as_str());
            assert_eq!(seen, (secure, host, port, path), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_connected_to_is_refused() {
        for url in [
            "",
            "ws://",
            "ws:///x",
            "ftp://h/",
            "/x",
            "h",
            "ws://h:99999/",
            "ws://h:x/",
            "ws://ü/",
            "ws://a b/",
            "ws://%zz@h/",
            "ws://u%@h/",
            "ws+unix:relative.sock",
            "ws+unix:",
            "ws://@",
        ] {
            let refused = Target::parse(url).expect_err(url);
            assert!(refused.is_url(), "{url}: {refused}");
        }
    }

    #[test]
    fn a_user_becomes_basic_authorization() {
        let target = Target::parse("ws://ali%20ce:p%40ss:w@h:1/").unwrap();
        // "ali ce:p@ss:w"
        assert_eq!(target.authorization.unwrap(), "Basic YWxpIGNlOnBAc3M6dw==");
        assert_eq!((target.host.as_str(), target.authority.as_str()), ("h", "h:1"));
        assert_eq!(without_user("wss://u:p@h:1/x@y"), "wss://h:1/x@y");
    }

    #[test]
    fn unix_sockets_as_npm_spells_them() {
        for (url, file, path) in [
            ("ws+unix:///run/a.sock:/chat?x=1", "/run/a.sock", "/chat?x=1"),
            ("ws+unix:/run/a.sock:/chat", "/run/a.sock", "/chat"),
            ("ws+unix:///run/a.sock", "/run/a.sock", "/"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.socket.as_deref(), Some(std::path::Path::new(file)), "{url}");
            assert_eq!((target.path.as_str(), target.authority.as_str()), (path, "localhost"));
        }
    }

    #[test]
    fn locations_are_resolved_against_where_they_came_from() {
        let from = Target::parse("wss://h:1/a/b/c?q=1").unwrap();
        for (location, path) in [
            ("/x", "/x"),
            ("x", "/a/b/x"),
            ("./x?y", "/a/b/x?y"),
            ("../x", "/a/x"),
            ("../../../../x", "/x"),
            ("..", "/a/"),
            ("?z", "/a/b/c?z"),
            ("", "/a/b/c?q=1"),
            ("x#f", "/a/b/x"),
        ] {
            let target = from.join(location).unwrap();
            assert_eq!((target.path.as_str(), target.port), (path, 1), "{location}");
            assert!(from.same_host(&target));
        }
        let away = from.join("//other/x").unwrap();
        assert_eq!((away.secure, away.host.as_str(), away.port), (true, "other", 443));
        assert!(!from.same_host(&away));
        assert_eq!(from.join("https://h:1/").unwrap().path, "/");
        for location in ["ws+unix:///run/a.sock:/", "ftp://h/", "javascript:x"] {
            assert!(from.join(location).is_err(), "{location}");
        }
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let host = |url| Target::parse(url).unwrap();
        assert!(host("ws://h/").same_host(&host("wss://H/")));
        assert!(!host("ws://h:1/").same_host(&host("ws://h:2/")));
        assert!(!host("ws://h:1/").same_host(&host("wss://h:1/")));
        assert!(!host("wss://h/").same_host(&host("ws://h/")));
        assert!(!host("ws+unix:/a:/").same_host(&host("ws://localhost/")));
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_url_or_a_location_says_is_taken_or_refused(text: String, path: String) {
            let from = Target::parse("ws://h/a/b?c").unwrap();
            let texts = [text.clone(), format!("ws://{text}/{path}"), format!("/{path}?{text}")];
            for text in texts {
                for target in [Target::parse(&text), from.join(&text)].into_iter().flatten() {
                    assert!(target.path.starts_with('/') && !target.host.is_empty());
                    let whole = format!("{}{}", target.path, target.authority);
                    assert!(!whole.contains(|c: char| c.is_control() || c == ' '), "{target:?}");
                }
                without_user(&text);
            }
        }
    }
}
