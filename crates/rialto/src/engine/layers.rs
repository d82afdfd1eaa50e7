//! Middlewares of the engine: tower layers before every request, whatever its transport.

use super::reply::{Reply, failed};
use super::server::Engine;
use super::upgrade;
use crate::panics::{Panicked, caught_in};
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route, any_service};
use http::StatusCode;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use tower::Layer;
use tower_service::Service;

type Wrap = dyn Fn(MethodRouter) -> MethodRouter + Send + Sync;

/// The layers of a server; the first that was added sees a request first.
#[derive(Clone, Default)]
pub(crate) struct Layers(Vec<Arc<Wrap>>);

impl Layers {
    pub(crate) fn add<L>(&mut self, layer: L)
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.0.push(Arc::new(move |inner: MethodRouter| inner.layer(layer.clone())));
    }

    /// The layers around an engine; `None` if there are none.
    pub(super) fn stack(&self) -> Option<Stack> {
        if self.0.is_empty() {
            return None;
        }
        let inner = any_service(Inner);
        Some(Stack(self.0.iter().rev().fold(inner, |stack, wrap| wrap(stack))))
    }
}

/// An engine's layers, and the engine at the bottom of them.
pub(super) struct Stack(MethodRouter);

impl Stack {
    pub(super) async fn call(
        &self,
        engine: &Arc<Engine>,
        mut request: Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Reply {
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        request.extensions_mut().insert(Target { engine: Arc::downgrade(engine), peer });
        let upgrade = upgrade::is_upgrade(&request);
        match caught_in("engine_layer", self.0.clone().call(request)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(never)) => match never {},
            Err(Panicked) => failed(upgrade),
        }
    }
}

/// Which engine a request was meant for: the layers are made before their engine is.
#[derive(Clone)]
struct Target {
    engine: Weak<Engine>,
    peer: Option<SocketAddr>,
}

/// The innermost service: the engine itself.
#[derive(Clone)]
struct Inner;

impl Service<Request<Body>> for Inner {
    type Response = Reply;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let target = request.extensions_mut().remove::<Target>();
        Box::pin(async move {
            let engine = target.and_then(|target| Some((target.engine.upgrade()?, target.peer)));
            Ok(match engine {
                Some((engine, peer)) => engine.serve(request, peer).await,
                None => {
                    tracing::error!("a layer of the engine lost the request's extensions");
                    StatusCode::INTERNAL_SERVER_ERROR.into_response()
                }
            })
        })
    }
}
