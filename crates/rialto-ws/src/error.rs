//! What can go wrong with a connection, as one opaque type.

use crate::proto::handshake::client::Rejected;
use crate::proto::handshake::server::Refusal;
use crate::proto::{CloseCode, Violation};
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
    Violation(Violation),
    Refused(Refusal),
    Rejected(Rejected),
    Timeout(&'static str),
    /// A deadline passed and the connection was cut.
    Overdue(&'static str),
    /// What was to be sent is not what it claims to be.
    Invalid(&'static str),
    Url(&'static str),
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

    /// True if the stream failed.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(*self.0, Kind::Io(_))
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
        matches!(*self.0, Kind::Refused(_) | Kind::Rejected(_))
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

    /// The HTTP status of a handshake that failed, if it got so far.
    #[must_use]
    pub fn status(&self) -> Option<http::StatusCode> {
        match &*self.0 {
            Kind::Refused(refusal) => Some(refusal.status),
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
            Kind::Io(_) => f.write_str("the connection failed"),
            Kind::Violation(violation) => write!(f, "the peer broke the protocol: {violation}"),
            Kind::Refused(refusal) => write!(f, "the handshake was refused: {refusal}"),
            Kind::Rejected(rejected) => rejected.fmt(f),
            Kind::Timeout(what) | Kind::Overdue(what) => write!(f, "timed out: {what}"),
            Kind::Invalid(what) => write!(f, "cannot be sent: {what}"),
            Kind::Url(what) => write!(f, "not a usable URL: {what}"),
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

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            Kind::Io(error) => Some(error),
            Kind::Violation(violation) => Some(violation),
            _ => None,
        }
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
