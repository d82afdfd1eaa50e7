//! What can go wrong with a connection, as one opaque type.

use crate::proto::handshake::client::Rejected;
use crate::proto::handshake::server::Refusal;
use crate::proto::{CloseCode, Violation};
use bytes::Bytes;
use http::{Response, StatusCode, header};
use std::error::Error as StdError;
use std::fmt;
use std::io;

/// The result of an operation on a connection.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why an operation failed. Ask with the `is_*` methods; the wording may change.
pub struct Error(Box<Kind>);

#[derive(Debug)]
enum Kind {
    /// The connection is closed, or closing.
    Closed,
    /// The stream ended without a Close frame.
    Abnormal,
    /// The bytes that wait for the peer are at the budget.
    Full,
    Io(io::Error),
    /// A server cannot begin: an address, a certificate.
    Setup(io::Error),
    Violation(Violation),
    Refused(Refusal),
    Rejected(Rejected),
    Timeout(&'static str),
    /// A deadline passed and the connection was cut.
    Overdue(&'static str),
    /// What was to be sent is not what it claims to be.
    Invalid(&'static str),
    Url(&'static str),
    /// A server answered our handshake with another status than 101.
    Answer(Response<Bytes>, &'static str),
    Tls(Box<dyn StdError + Send + Sync>),
    Proxy(String, Option<StatusCode>, Option<io::Error>),
}

impl Error {
    fn new(kind: Kind) -> Self {
        Self(Box::new(kind))
    }

    pub(crate) fn closed() -> Self {
        Self::new(Kind::Closed)
    }

    pub(crate) fn abnormal() -> Self {
        Self::new(Kind::Abnormal)
    }

    /// An end of the connection, like others that speak no HTTP.
    pub(crate) fn speaks_tls() -> Self {
        let said = "the peer speaks TLS (wss://), this end plain HTTP (ws://)";
        Self::new(Kind::Io(io::Error::new(io::ErrorKind::InvalidData, said)))
    }

    pub(crate) fn full() -> Self {
        Self::new(Kind::Full)
    }

    pub(crate) fn overdue(what: &'static str) -> Self {
        Self::new(Kind::Overdue(what))
    }

    pub(crate) fn timeout(what: &'static str) -> Self {
        Self::new(Kind::Timeout(what))
    }

    pub(crate) fn invalid(what: &'static str) -> Self {
        Self::new(Kind::Invalid(what))
    }

    pub(crate) fn url(what: &'static str) -> Self {
        Self::new(Kind::Url(what))
    }

    pub(crate) fn answer(response: Response<Bytes>, note: &'static str) -> Self {
        Self::new(Kind::Answer(response, note))
    }

    /// The same refusal, with what the client had to say about it.
    pub(crate) fn note(mut self, said: &'static str) -> Self {
        if let Kind::Answer(_, note) = &mut *self.0 {
            *note = said;
        }
        self
    }

    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "only TLS fails so"))]
    pub(crate) fn tls(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Kind::Tls(cause.into()))
    }

    pub(crate) fn proxy(what: impl Into<String>) -> Self {
        Self::new(Kind::Proxy(what.into(), None, None))
    }

    pub(crate) fn proxy_status(what: impl Into<String>, status: StatusCode) -> Self {
        Self::new(Kind::Proxy(what.into(), Some(status), None))
    }

    pub(crate) fn proxy_io(what: impl Into<String>, error: io::Error) -> Self {
        Self::new(Kind::Proxy(what.into(), None, Some(error)))
    }

    /// What failed between the client and its proxy.
    pub(crate) fn before_proxy(self) -> Self {
        match *self.0 {
            Kind::Io(error) => Self::proxy_io("the connection to it failed", error),
            other => Self::new(other),
        }
    }

    pub(crate) fn setup(error: io::Error) -> Self {
        Self::new(Kind::Setup(error))
    }

    /// True if the connection is over: closed by either side, or cut off.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(*self.0, Kind::Closed | Kind::Abnormal | Kind::Overdue(_))
    }

    /// True if the send budget is used up, see [`Options::send_budget`](crate::Options).
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(*self.0, Kind::Full)
    }

    /// True if the peer broke the protocol or a limit.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        self.violation().is_some()
    }

    /// What lies behind it: an [`io::Error`], or what TLS has to say.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.0 {
            Kind::Io(cause) | Kind::Setup(cause) | Kind::Proxy(_, _, Some(cause)) => Some(cause),
            Kind::Tls(cause) => Some(&**cause),
            _ => None,
        }
    }

    /// True if the stream failed, or a server could not listen.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(*self.0, Kind::Io(_) | Kind::Setup(_))
    }

    /// True if a deadline passed. If it was one of an open connection, that is over by now,
    /// and [`is_closed`](Self::is_closed) is true as well.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(*self.0, Kind::Timeout(_) | Kind::Overdue(_))
    }

    /// True if what was to be sent is refused as it is: text that is not UTF-8.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(*self.0, Kind::Invalid(_))
    }

    /// True if the handshake failed: refused by this server, or by the one we called.
    #[must_use]
    pub fn is_handshake(&self) -> bool {
        matches!(*self.0, Kind::Refused(_) | Kind::Rejected(_) | Kind::Answer(..))
    }

    /// True if TLS failed: the handshake, the check of a certificate, or the configuration.
    /// The source says which; most often it is a `rustls::Error`.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(*self.0, Kind::Tls(_))
    }

    /// True if a proxy could not be reached, or would not lead to the server.
    #[must_use]
    pub fn is_proxy(&self) -> bool {
        matches!(*self.0, Kind::Proxy(..))
    }

    /// True if a URL cannot be connected to.
    #[must_use]
    pub fn is_url(&self) -> bool {
        matches!(*self.0, Kind::Url(_))
    }

    /// What the peer did wrong, if that is what happened.
    #[must_use]
    pub fn violation(&self) -> Option<Violation> {
        match *self.0 {
            Kind::Violation(violation) => Some(violation),
            _ => None,
        }
    }

    /// The server's answer to a client's handshake, if it was not 101: status, header fields and
    /// the beginning of the body (at most 16 KiB, chunks put together).
    #[must_use]
    pub fn response(&self) -> Option<&Response<Bytes>> {
        match &*self.0 {
            Kind::Answer(response, _) => Some(response),
            _ => None,
        }
    }

    /// The HTTP status of a handshake that failed, if it got so far; also that of a
    /// proxy's refusal (407 if it wants a password), which [`Error::is_proxy`] tells apart.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &*self.0 {
            Kind::Refused(refusal) => Some(refusal.status),
            Kind::Answer(response, _) => Some(response.status()),
            Kind::Proxy(_, status, _) => *status,
            Kind::Rejected(Rejected::Status(status)) => Some(*status),
            _ => None,
        }
    }

    /// The close code that describes it to JavaScript: 1006 for everything but violations.
    #[must_use]
    pub fn close_code(&self) -> CloseCode {
        self.violation().map_or(CloseCode::ABNORMAL, Violation::close_code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Closed => f.write_str("the connection is closed"),
            Kind::Abnormal => f.write_str("the connection ended without a Close frame"),
            Kind::Full => f.write_str("the peer reads too slowly: the send budget is used up"),
            Kind::Io(cause) => write!(f, "the connection failed: {cause}"),
            Kind::Setup(cause) => write!(f, "the server cannot start: {cause}"),
            Kind::Violation(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Kind::Refused(refusal) => write!(f, "the handshake was refused: {refusal}"),
            Kind::Rejected(rejected) => rejected.fmt(f),
            Kind::Timeout(what) | Kind::Overdue(what) => write!(f, "timed out: {what}"),
            Kind::Invalid(what) => write!(f, "cannot be sent: {what}"),
            Kind::Url(what) => write!(f, "not a usable URL: {what}"),
            Kind::Answer(response, note) => describe(f, response, note),
            Kind::Tls(cause) => write!(f, "TLS failed: {cause}"),
            Kind::Proxy(what, _, Some(cause)) => write!(f, "the proxy failed: {what}: {cause}"),
            Kind::Proxy(what, ..) => write!(f, "the proxy failed: {what}"),
        }
    }
}

/// Characters of a refusal's body that stand in its message.
const EXCERPT: usize = 120;

/// The status, where it points, and the first line of the reason.
fn describe(f: &mut fmt::Formatter<'_>, answer: &Response<Bytes>, note: &str) -> fmt::Result {
    write!(f, "the server answered {}", answer.status())?;
    if answer.status().is_redirection()
        && let Some(place) = answer.headers().get(header::LOCATION)
    {
        write!(f, " to {place:?}")?;
    }
    let body = String::from_utf8_lossy(answer.body());
    let line = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // It is the server's text: nothing in it may steer a terminal.
    let text: String = line.chars().filter(|c| !c.is_control()).take(EXCERPT).collect();
    if !text.is_empty() && !answer.status().is_redirection() {
        write!(f, ": {text}")?;
    }
    if note.is_empty() { Ok(()) } else { write!(f, " ({note})") }
}

/// As `Display`: it is what a `main` that returns an error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The cause stands in the message already, so the chain goes on behind it; [`Error::cause`] has
/// it as a value.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause().and_then(StdError::source)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::new(Kind::Io(error))
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::new(Kind::Violation(violation))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(Kind::Refused(refusal))
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::new(Kind::Rejected(rejected))
    }
}
