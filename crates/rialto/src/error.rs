//! What can go wrong, as one opaque type.

use rialto_protocol::socketio;
use std::error::Error as StdError;
use std::fmt;
use std::io;

/// The result of an operation; what handlers return.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// Why an operation failed. Ask with the `is_*` methods; the wording may change.
///
/// Handlers may return errors of their own: `?` converts I/O and JSON errors, strings and
/// boxed errors, and [`Error::other`] everything else.
pub struct Error(Box<Kind>);

#[derive(Debug)]
enum Kind {
    /// The peer is gone.
    Disconnected,
    /// No answer came in time.
    Timeout,
    /// The peer's byte budget is used up.
    Full,
    /// What was to be done goes beyond one of the server's options.
    Limit(&'static str),
    /// Values that do not fit what they were to become.
    Values(socketio::Error),
    Json(serde_json::Error),
    Io(io::Error),
    WebSocket(rialto_ws::Error),
    Other(Source),
}

impl Error {
    fn new(kind: Kind) -> Self {
        Self(Box::new(kind))
    }

    pub(crate) fn disconnected() -> Self {
        Self::new(Kind::Disconnected)
    }

    pub(crate) fn timeout() -> Self {
        Self::new(Kind::Timeout)
    }

    pub(crate) fn full() -> Self {
        Self::new(Kind::Full)
    }

    pub(crate) fn limit(what: &'static str) -> Self {
        Self::new(Kind::Limit(what))
    }

    /// Wraps an error of the application.
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Other(error.into()))
    }

    /// True if the peer is gone, or the connection closed.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        match &*self.0 {
            Kind::Disconnected => true,
            Kind::WebSocket(error) => error.is_closed(),
            _ => false,
        }
    }

    /// True if an answer did not come in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(*self.0, Kind::Timeout)
    }

    /// True if the peer reads too slowly: what waits for it has reached its byte budget.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(*self.0, Kind::Full)
    }

    /// True if it would go beyond one of the server's own limits:
    /// [`Options::max_rooms`](crate::Options).
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(*self.0, Kind::Limit(_))
    }

    /// True if what arrived does not fit the type that was asked for.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        match &*self.0 {
            Kind::Values(error) => error.is_decode(),
            Kind::Json(_) => true,
            _ => false,
        }
    }

    /// True if a value or an event's name cannot be sent.
    #[must_use]
    pub fn is_encode(&self) -> bool {
        matches!(&*self.0, Kind::Values(error) if error.is_encode())
    }

    /// True if the operating system reported it: an address in use, a file that is missing.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(*self.0, Kind::Io(_))
    }

    /// What kind of error the operating system reported, as
    /// [`AddrInUse`](io::ErrorKind::AddrInUse); `None` for every other error.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match &*self.0 {
            Kind::Io(error) => Some(error.kind()),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Disconnected => f.write_str("the peer is gone"),
            Kind::Timeout => f.write_str("no answer came in time"),
            Kind::Full => f.write_str("the peer reads too slowly: its byte budget is used up"),
            Kind::Limit(what) => f.write_str(what),
            Kind::Values(error) => error.fmt(f),
            Kind::Json(error) => error.fmt(f),
            Kind::Io(error) => error.fmt(f),
            Kind::WebSocket(error) => error.fmt(f),
            Kind::Other(error) => error.fmt(f),
        }
    }
}

/// As `Display`, with the cause behind it: it is what a `main` that returns an error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match std::error::Error::source(self) {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.0 {
            Kind::Values(error) => error.source(),
            Kind::Json(error) => error.source(),
            Kind::Io(error) => error.source(),
            Kind::WebSocket(error) => error.source(),
            Kind::Other(error) => error.source(),
            Kind::Disconnected | Kind::Timeout | Kind::Full | Kind::Limit(_) => None,
        }
    }
}

/// An axum route may return it: 500, its cause in the log alone.
impl axum::response::IntoResponse for Error {
    fn into_response(self) -> axum::response::Response {
        tracing::error!(error = %self, "a route failed");
        http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl From<socketio::Error> for Error {
    fn from(error: socketio::Error) -> Self {
        Self::new(Kind::Values(error))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Io(error))
    }
}

impl From<rialto_ws::Error> for Error {
    fn from(error: rialto_ws::Error) -> Self {
        Self::new(Kind::WebSocket(error))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(Kind::Json(error))
    }
}

macro_rules! from_std {
    ($($error:ty),+) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::other(error)
            }
        }
    )+};
}

from_std!(
    fmt::Error,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::time::SystemTimeError,
    std::net::AddrParseError,
    tokio::task::JoinError
);

impl From<Source> for Error {
    fn from(error: Source) -> Self {
        Self::other(error)
    }
}

impl From<String> for Error {
    fn from(error: String) -> Self {
        Self::other(error)
    }
}

impl From<&str> for Error {
    fn from(error: &str) -> Self {
        Self::other(error)
    }
}
