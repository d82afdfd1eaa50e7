//! Raw WebSockets on a path of the server.

use crate::ends;
use crate::engine::{Reply, accept};
use axum::body::Body;
use futures_util::future::BoxFuture;
use http::Request;
use rialto_ws::{Connections, Options, Origins, Upgrade, WebSocket};
use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;

type Failure = Box<dyn StdError + Send + Sync>;
type Run = dyn Fn(WebSocket) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

/// A path that serves raw WebSockets.
#[derive(Clone)]
pub(super) struct Endpoint {
    run: Arc<Run>,
    options: Arc<Options>,
    /// Those that are open, to be told when the server stops.
    connections: Connections,
}

impl Endpoint {
    pub(super) fn new<H, F, E>(handler: H, mut options: Options, origins: Origins) -> Self
    where
        H: Fn(WebSocket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Failure> + Send + 'static,
    {
        options.origins = origins;
        let run = move |socket| -> BoxFuture<'static, Result<(), Failure>> {
            let running = handler(socket);
            Box::pin(async move { running.await.map_err(Into::into) })
        };
        let (run, options) = (Arc::new(run), Arc::new(options));
        Self { run, options, connections: Connections::default() }
    }

    pub(super) fn answer(&self, request: Request<Body>) -> Reply {
        let run = Arc::clone(&self.run);
        let options = Arc::clone(&self.options);
        let upgrade = Upgrade::new(request).options(options).connections(&self.connections);
        accept(upgrade, move |socket, place| {
            if let Some(place) = place {
                place.spawn(socket, move |socket| run(socket));
            }
            std::future::ready(())
        })
    }

    /// Closes all connections; says how many are still open.
    pub(super) fn close(&self, now: bool) -> usize {
        if now {
            self.connections.close(ends::STOPPED.code, ends::STOPPED.text);
        }
        self.connections.len()
    }
}
