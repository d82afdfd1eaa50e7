//! [`Upgrade`] as an extractor of axum.

use super::upgrade::Upgrade;
use crate::proto::handshake::server::Refusal;
use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, Version, header};

/// Refuses what is no handshake by the form: 400, 405, 426 or 501. Origin and subprotocol follow
/// in [`Upgrade::on_upgrade`], which knows the options.
impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        // Other extractors want the head as well.
        let upgrade = Self::from_parts(parts.clone());
        upgrade.check_form()?;
        Ok(upgrade)
    }
}

/// `None` for a request that asks for no WebSocket, so that one route can serve both.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Upgrade {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        let asks = match parts.version {
            Version::HTTP_2 => parts.method == Method::CONNECT,
            _ => parts.headers.contains_key(header::UPGRADE),
        };
        if !asks {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// The answer that refuses.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.to_response::<Body>()
    }
}
