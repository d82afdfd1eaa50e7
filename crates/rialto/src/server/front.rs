//! Where requests enter: the engine's paths first, then routes and files.

use super::websocket::Endpoint;
use crate::engine::{Asker, Engine, Reply, add_cors, failed, foreign_host};
use crate::http::{Bundle, Files, is_bundle_name};
use crate::panics::{Panicked, caught_at};
use crate::socketio::{Closer, Core};
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::middleware::{Next, from_fn_with_state};
use http::{HeaderValue, Request, Version, header};
use rialto_protocol::CloseReason;
use rialto_protocol::engine::query_pairs;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// What is served under a path.
#[derive(Clone)]
pub(super) enum Mount {
    /// Socket.IO, and the browser client beside it.
    SocketIo(Arc<Engine>),
    Engine(Arc<Engine>),
    WebSocket(Endpoint),
}

impl Mount {
    /// Closes all connections when called with true; says how many are still open.
    pub(super) fn closer(&self) -> Box<Closer> {
        match self.clone() {
            Self::SocketIo(engine) | Self::Engine(engine) => {
                // The engine knows the core, which keeps this: neither would ever end. Its sessions
                // keep the engine.
                let engine = Arc::downgrade(&engine);
                Box::new(move |now| {
                    let Some(engine) = engine.upgrade() else { return 0 };
                    if now {
                        engine.close_all(CloseReason::ServerShuttingDown);
                    }
                    engine.sessions()
                })
            }
            Self::WebSocket(endpoint) => Box::new(move |now| endpoint.close(now)),
        }
    }
}

/// The whole server as a service.
#[derive(Clone)]
pub(super) struct Front(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    mounts: Vec<(String, Mount)>,
    bundle: Bundle,
    router: axum::Router,
    files: Option<Files>,
    /// Routes and files together, for what the mounts do not take.
    fallback: axum::Router,
}

impl Front {
    pub(super) fn new(
        core: Arc<Core>,
        mounts: Vec<(String, Mount)>,
        bundle: Bundle,
        router: axum::Router,
        files: Option<Files>,
    ) -> Self {
        let fallback = match files.clone() {
            Some(files) => router.clone().fallback_service(files),
            None => router.clone(),
        };
        Self(Arc::new(Inner { core, mounts, bundle, router, files, fallback }))
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    /// Answers a request.
    pub(super) async fn answer(
        &self,
        mut request: Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Reply {
        name_host(&mut request);
        let found = self.find(&request);
        if let Some(refusal) = foreign_host(&self.0.core.options, request.headers()) {
            if let Some((Mount::SocketIo(engine) | Mount::Engine(engine), None)) = found {
                engine.tell(&refusal, request, peer);
            }
            return refusal;
        }
        match found {
            Some((Mount::SocketIo(engine), Some(name))) => {
                let name = name.to_owned();
                Box::pin(self.bundled(engine, &name, request, peer)).await
            }
            Some((Mount::SocketIo(engine) | Mount::Engine(engine), _)) => {
                engine.handle(request, peer).await
            }
            Some((Mount::WebSocket(endpoint), _)) => endpoint.answer(request),
            None => Box::pin(self.routes(request, peer)).await,
        }
    }

    /// Who takes a request before routes and files do; with it, the name of the file of the
    /// browser client that it may be for.
    fn find<'a>(&self, request: &'a Request<Body>) -> Option<(&Mount, Option<&'a str>)> {
        let path = request.uri().path();
        self.0.mounts.iter().find_map(|(mount, kind)| {
            // `/socket.io`, `/socket.io/` and what is below it; never `/socket.io-admin`.
            let rest = path.strip_prefix(mount.as_str())?;
            if !rest.is_empty() && !rest.starts_with('/') {
                return None;
            }
            let name = rest.trim_start_matches('/');
            match kind {
                Mount::SocketIo(_) if mount.is_empty() && !is_for_root(name, request) => None,
                Mount::SocketIo(_) => Some((kind, Some(name).filter(|name| is_bundle_name(name)))),
                Mount::WebSocket(_) if !name.is_empty() => None,
                Mount::Engine(_) | Mount::WebSocket(_) => Some((kind, None)),
            }
        })
    }

    /// A file of the browser client, if it is served.
    async fn bundled(
        &self,
        engine: &Arc<Engine>,
        name: &str,
        request: Request<Body>,
        peer: Option<SocketAddr>,
    ) -> Reply {
        let bundle = &self.0.bundle;
        let answer = bundle.answer(name, request.method(), request.headers()).await;
        let Some(mut reply) = answer else { return engine.handle(request, peer).await };
        let asker = Asker::of(&self.0.core.options, &request, peer).await;
        add_cors(&self.0.core.options, &asker, &mut reply);
        reply
    }

    async fn routes(&self, mut request: Request<Body>, peer: Option<SocketAddr>) -> Reply {
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let mut router = self.0.fallback.clone();
        let path = request.uri().path().to_owned();
        // Called within: a service may do its work before there is a future.
        match caught_at(&path, async { router.call(request).await }).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(never)) => match never {},
            Err(Panicked) => failed(false),
        }
    }

    /// The paths of the mounts as routes, with the application's own routes beside them.
    pub(super) fn into_router(self) -> axum::Router {
        if self.0.mounts.iter().any(|(path, _)| path.is_empty()) {
            // `/` may be a page as well, and axum takes one route for it.
            return axum::Router::new().fallback_service(RouterService(self));
        }
        let mut router = self.own_hosts(self.0.router.clone());
        for (path, mount) in &self.0.mounts {
            let service = RouterService(self.clone());
            router = match mount {
                Mount::WebSocket(_) => router.route_service(path, service),
                Mount::SocketIo(_) | Mount::Engine(_) => router
                    .route_service(path, service.clone())
                    .route_service(&format!("{path}/"), service.clone())
                    .route_service(&format!("{path}/{{*rest}}"), service),
            };
        }
        match self.0.files.clone() {
            Some(files) => {
                let files = self.own_hosts(axum::Router::new().fallback_service(files));
                router.fallback_service(files)
            }
            None => router,
        }
    }

    /// Has a router refuse requests for other hosts, if there is a list of them.
    fn own_hosts(&self, router: axum::Router) -> axum::Router {
        if self.0.core.options.allowed_hosts.is_none() {
            return router;
        }
        router.layer(from_fn_with_state(Arc::clone(&self.0.core), own_host))
    }
}

/// Lets a request pass that is for a host of the list.
async fn own_host(State(core): State<Arc<Core>>, mut request: Request<Body>, next: Next) -> Reply {
    name_host(&mut request);
    match foreign_host(&core.options, request.headers()) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

/// Whether a request is for Socket.IO at the path `/`, and not for a page, a file or a route.
fn is_for_root(name: &str, request: &Request<Body>) -> bool {
    let mut pairs = request.uri().query().into_iter().flat_map(query_pairs);
    is_bundle_name(name) || (name.is_empty() && pairs.any(|(name, _)| name == "transport"))
}

/// HTTP/2 names the host beside the header fields (RFC 9113 §8.3.1); here it is looked for there.
fn name_host(request: &mut Request<Body>) {
    if request.version() < Version::HTTP_2 || request.headers().contains_key(header::HOST) {
        return;
    }
    let authority = request.uri().authority();
    let host = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
}

/// [`Front`] under somebody else's server.
#[derive(Clone)]
struct RouterService(Front);

impl Service<Request<Body>> for RouterService {
    type Response = Reply;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let front = self.0.clone();
        Box::pin(async move { Ok(front.answer(request, peer).await) })
    }
}
