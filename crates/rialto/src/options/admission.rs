//! The application's decision on each new connection.

use crate::error::Result;
use crate::handshake::Handshake;
use futures_util::future::BoxFuture;
use http::StatusCode;
use rialto_protocol::engine::HandshakeError;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

type Plain = dyn Fn(&Handshake) -> Result<(), Denied> + Send + Sync;
type Async = dyn Fn(Handshake) -> BoxFuture<'static, Result<(), Denied>> + Send + Sync;

/// A decision on new connections: see
/// [`Options::allow_request`](crate::Options::allow_request).
#[derive(Clone)]
pub struct AllowRequest(Decision);

#[derive(Clone)]
enum Decision {
    Plain(Arc<Plain>),
    Async(Arc<Async>),
}

impl AllowRequest {
    pub(super) fn plain<E: Into<Denied>>(
        allow: impl Fn(&Handshake) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        Self(Decision::Plain(Arc::new(move |handshake| allow(handshake).map_err(Into::into))))
    }

    pub(super) fn future<F, E: Into<Denied>>(
        allow: impl Fn(Handshake) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        Self(Decision::Async(Arc::new(move |handshake| {
            let allowing = allow(handshake);
            Box::pin(async move { allowing.await.map_err(Into::into) })
        })))
    }

    pub(crate) async fn decide(&self, handshake: &Handshake) -> Result<(), Denied> {
        match &self.0 {
            Decision::Plain(allow) => allow(handshake),
            Decision::Async(allow) => allow(handshake.clone()).await,
        }
    }
}

impl fmt::Debug for AllowRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AllowRequest")
    }
}

/// Why the application turns a client away, and how the answer says it: by default 403 with
/// `{"code":4,"message":…}`, as socket.io's. A text is a reason by itself.
///
/// ```
/// use rialto::Denied;
/// use rialto::axum::http::StatusCode;
/// let full = Denied::new("this server is full")
///     .status(StatusCode::SERVICE_UNAVAILABLE)
///     .data(&("retry", 30));
/// let short: Denied = "no ticket".into();
/// ```
///
/// A refused WebSocket handshake gets the bare message, with 400 where the status is 403, as from
/// socket.io.
#[derive(Clone, Debug)]
pub struct Denied {
    message: String,
    status: StatusCode,
    code: u16,
    data: Option<serde_json::Value>,
}

impl Denied {
    /// A refusal with this message.
    pub fn new(message: impl Into<String>) -> Self {
        let forbidden = HandshakeError::Forbidden.code().into();
        Self { message: message.into(), status: StatusCode::FORBIDDEN, code: forbidden, data: None }
    }

    /// Sets the status of the answer. Default 403. One that is no refusal (below 400) stays 403.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        if status.is_client_error() || status.is_server_error() {
            self.status = status;
        }
        self
    }

    /// Sets the `code` member of the answer. Default 4; 0 to 5 have a meaning for clients.
    #[must_use]
    pub fn code(mut self, code: u16) -> Self {
        self.code = code;
        self
    }

    /// Adds a `data` member to the answer; what JSON cannot say is left out.
    #[must_use]
    pub fn data(mut self, data: &impl Serialize) -> Self {
        self.data = serde_json::to_value(data).ok();
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn http_status(&self) -> StatusCode {
        self.status
    }

    /// The answer's body.
    pub(crate) fn to_json(&self) -> String {
        let message = serde_json::Value::from(self.message.as_str());
        match &self.data {
            None => format!(r#"{{"code":{},"message":{message}}}"#, self.code),
            Some(data) => {
                format!(r#"{{"code":{},"message":{message},"data":{data}}}"#, self.code)
            }
        }
    }
}

impl From<String> for Denied {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Denied {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_code_message_and_data() {
        assert_eq!(Denied::from("no \"x\"").to_json(), r#"{"code":4,"message":"no \"x\""}"#);
        let denied = Denied::new("full").code(9).data(&("retry", 30)).status(StatusCode::OK);
        assert_eq!(denied.to_json(), r#"{"code":9,"message":"full","data":["retry",30]}"#);
        assert_eq!(denied.http_status(), StatusCode::FORBIDDEN);
    }
}
