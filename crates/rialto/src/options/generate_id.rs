//! Session ids of the application's own making.

use crate::handshake::Handshake;
use futures_util::future::BoxFuture;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// Makes session ids: see [`Options::generate_id`](crate::Options::generate_id).
#[derive(Clone)]
pub struct GenerateId(Generate);

#[derive(Clone)]
enum Generate {
    Plain(Arc<dyn Fn(&Handshake) -> String + Send + Sync>),
    Async(Arc<dyn Fn(Handshake) -> BoxFuture<'static, String> + Send + Sync>),
}

impl GenerateId {
    pub(super) fn plain(generate: impl Fn(&Handshake) -> String + Send + Sync + 'static) -> Self {
        Self(Generate::Plain(Arc::new(generate)))
    }

    pub(super) fn future<F>(generate: impl Fn(Handshake) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = String> + Send + 'static,
    {
        Self(Generate::Async(Arc::new(move |handshake| Box::pin(generate(handshake)))))
    }

    /// An id for the session that this request opens, whatever its form.
    pub(crate) async fn make(&self, handshake: &Handshake) -> String {
        match &self.0 {
            Generate::Plain(generate) => generate(handshake),
            Generate::Async(generate) => generate(handshake.clone()).await,
        }
    }
}

impl fmt::Debug for GenerateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GenerateId")
    }
}
