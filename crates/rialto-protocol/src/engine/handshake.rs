//! The refusals of an Engine.IO request, with the codes and words of the reference server.

use std::fmt;

/// Why a request was refused, as the answer's JSON body says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeError {
    /// Code 0: the `transport` parameter is missing, unknown or not enabled.
    TransportUnknown,
    /// Code 1: no session has that `sid` (it may have ended).
    SessionUnknown,
    /// Code 2: a session can only be opened by GET.
    BadMethod,
    /// Code 3: the request does not fit the session's state or the transport.
    BadRequest,
    /// Code 4: the application refused the client.
    Forbidden,
    /// Code 5: this server does not speak the revision named by `EIO`.
    UnsupportedVersion,
}

impl HandshakeError {
    /// The number in the answer's `code` member.
    pub const fn code(self) -> u8 {
        match self {
            Self::TransportUnknown => 0,
            Self::SessionUnknown => 1,
            Self::BadMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden => 4,
            Self::UnsupportedVersion => 5,
        }
    }

    /// The text in the answer's `message` member.
    pub const fn message(self) -> &'static str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::SessionUnknown => "Session ID unknown",
            Self::BadMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedVersion => "Unsupported protocol version",
        }
    }

    /// The HTTP status of the answer: 403 for [`Forbidden`](Self::Forbidden), otherwise 400.
    pub const fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            _ => 400,
        }
    }

    /// The answer's JSON body.
    ///
    /// ```
    /// use rialto_protocol::engine::HandshakeError;
    ///
    /// let body = HandshakeError::SessionUnknown.to_json();
    /// assert_eq!(body, r#"{"code":1,"message":"Session ID unknown"}"#);
    /// ```
    pub fn to_json(self) -> String {
        self.to_json_with(self.message())
    }

    /// The answer's JSON body with other words, as an application gives them when it forbids.
    pub fn to_json_with(self, message: &str) -> String {
        let message = serde_json::Value::from(message);
        format!(r#"{{"code":{},"message":{message}}}"#, self.code())
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for HandshakeError {}
