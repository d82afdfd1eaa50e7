//! The cookie of a new session, for load balancers that keep a client on one server.

use crate::error::{Error, Result};
use http::HeaderValue;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// The cookie that carries the session's id, on the answer to a polling handshake (RFC 6265).
///
/// ```
/// use rialto::{Cookie, Options, SameSite};
/// use std::time::Duration;
/// let cookie = Cookie::new("node")
///     .path("/live")
///     .max_age(Duration::from_secs(3600))
///     .same_site(SameSite::None)
///     .secure(true);
/// let options = Options::default().cookie(cookie);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cookie {
    /// Its name. Default `io`.
    pub name: String,
    /// Where it is sent: this path and below. Default `/`; none if empty, which means the
    /// directory of the request.
    pub path: String,
    /// Send it to this host and those below it. Default none: to this host alone.
    pub domain: Option<String>,
    /// How long it is kept, in whole seconds. Default none: until the browser ends.
    pub max_age: Option<Duration>,
    /// Until when it is kept, for browsers that do not know `Max-Age`. Default none.
    pub expires: Option<SystemTime>,
    /// Keep it from scripts. Default true.
    pub http_only: bool,
    /// Send it over TLS alone. Default false.
    pub secure: bool,
    /// Keep one for each page that this site is embedded in (CHIPS). Default false; browsers take
    /// it with `secure` alone.
    pub partitioned: bool,
    /// Which cookies a browser drops first when it has too many. Default none.
    pub priority: Option<Priority>,
    /// Whether it goes along with requests that other sites cause. Default `Lax`.
    pub same_site: Option<SameSite>,
}

/// Whether a cookie goes along with requests that other sites cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// With links to here alone.
    Lax,
    /// Never.
    Strict,
    /// Always; browsers take it with [`Cookie::secure`] alone.
    None,
}

/// Which cookies a browser drops first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// These first.
    Low,
    /// As a cookie without a priority.
    Medium,
    /// These last.
    High,
}

impl Default for Cookie {
    fn default() -> Self {
        Self::new("io")
    }
}

macro_rules! setters {
    ($($name:ident: $type:ty = $value:ident => $set:expr),+ $(,)?) => {$(
        #[doc = concat!("Sets [`Cookie::", stringify!($name), "`].")]
        #[must_use]
        pub fn $name(mut self, $value: $type) -> Self {
            self.$name = $set;
            self
        }
    )+};
}

impl Cookie {
    /// A cookie of that name, with socket.io's defaults.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: "/".to_owned(),
            domain: None,
            max_age: None,
            expires: None,
            http_only: true,
            secure: false,
            partitioned: false,
            priority: None,
            same_site: Some(SameSite::Lax),
        }
    }

    setters! {
        path: impl Into<String> = path => path.into(),
        domain: impl Into<String> = domain => Some(domain.into()),
        max_age: Duration = age => Some(age),
        expires: SystemTime = time => Some(time),
        http_only: bool = on => on,
        secure: bool = on => on,
        partitioned: bool = on => on,
        priority: Priority = priority => Some(priority),
        same_site: impl Into<Option<SameSite>> = rule => rule.into(),
    }

    /// The value of `Set-Cookie`.
    ///
    /// # Errors
    /// If name, path or domain hold what a cookie cannot.
    pub(crate) fn header(&self, sid: &str) -> Result<HeaderValue> {
        self.check()?;
        let mut out = format!("{}={sid}", self.name);
        let mut add = |name: &str, value: &str| {
            // Writing into a String does not fail.
            let _ = write!(out, "; {name}{}{value}", if value.is_empty() { "" } else { "=" });
        };
        if let Some(age) = self.max_age {
            add("Max-Age", &age.as_secs().to_string());
        }
        if let Some(domain) = &self.domain {
            add("Domain", domain);
        }
        if !self.path.is_empty() {
            add("Path", &self.path);
        }
        if let Some(time) = self.expires {
            add("Expires", &httpdate::fmt_http_date(time));
        }
        for (on, name) in [
            (self.http_only, "HttpOnly"),
            (self.secure, "Secure"),
            (self.partitioned, "Partitioned"),
        ] {
            if on {
                add(name, "");
            }
        }
        if let Some(priority) = self.priority {
            add("Priority", &format!("{priority:?}"));
        }
        if let Some(rule) = self.same_site {
            add("SameSite", &format!("{rule:?}"));
        }
        HeaderValue::from_str(&out).map_err(Error::other)
    }

    fn check(&self) -> Result<()> {
        // RFC 6265 section 4.1.1: a token, and attribute values without `;` or controls.
        let token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
        let value = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b';';
        if self.name.is_empty() || !self.name.bytes().all(token) {
            return Err(format!("a cookie cannot be called {:?}", self.name).into());
        }
        let domain = self.domain.as_deref().unwrap_or_default();
        for (what, text) in [("path", self.path.as_str()), ("domain", domain)] {
            if !text.bytes().all(value) {
                return Err(format!("a cookie cannot have the {what} {text:?}").into());
            }
        }
        Ok(())
    }
}

/// What [`Options::cookie`](crate::Options::cookie) takes: `true`, `false` or a [`Cookie`].
#[derive(Debug)]
pub struct OptionalCookie(pub(super) Option<Cookie>);

impl From<bool> for OptionalCookie {
    fn from(on: bool) -> Self {
        Self(on.then(Cookie::default))
    }
}

impl From<Cookie> for OptionalCookie {
    fn from(cookie: Cookie) -> Self {
        Self(Some(cookie))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_cookie_is_socket_ios() {
        let header = Cookie::default().header("abc").unwrap();
        assert_eq!(header, "io=abc; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn every_attribute_has_its_place() {
        let cookie = Cookie::new("node")
            .path("/live")
            .domain("example.org")
            .max_age(Duration::from_millis(3_600_900))
            .expires(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
            .secure(true)
            .partitioned(true)
            .priority(Priority::High)
            .same_site(SameSite::None);
        assert_eq!(
            cookie.header("abc").unwrap(),
            "node=abc; Max-Age=3600; Domain=example.org; Path=/live; \
             Expires=Sun, 06 Nov 1994 08:49:37 GMT; HttpOnly; Secure; Partitioned; \
             Priority=High; SameSite=None"
        );
        let bare = Cookie::new("a").path("").http_only(false).same_site(None);
        assert_eq!(bare.header("b").unwrap(), "a=b");
    }

    #[test]
    fn what_would_be_another_header_or_attribute_is_refused() {
        for cookie in [
            Cookie::new(""),
            Cookie::new("a b"),
            Cookie::new("a=b"),
            Cookie::new("a\r\nX: y"),
            Cookie::default().path("/; Secure"),
            Cookie::default().domain("a\r\nX: y"),
        ] {
            assert!(cookie.header("x").is_err(), "{cookie:?}");
        }
    }
}
