//! What an application adds to the engine's answers.

use http::HeaderMap;
use http::request::Parts;
use std::fmt;
use std::sync::Arc;

type Hook = dyn Fn(&mut HeaderMap, &Parts) + Send + Sync;

/// Adds header fields to answers: see
/// [`Options::initial_headers`](crate::Options::initial_headers) and
/// [`Options::headers`](crate::Options::headers).
#[derive(Clone)]
pub struct AddHeaders(Arc<Hook>);

impl AddHeaders {
    pub(super) fn new(add: impl Fn(&mut HeaderMap, &Parts) + Send + Sync + 'static) -> Self {
        Self(Arc::new(add))
    }

    pub(crate) fn call(&self, headers: &mut HeaderMap, request: &Parts) {
        (self.0)(headers, request);
    }
}

impl fmt::Debug for AddHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddHeaders")
    }
}
