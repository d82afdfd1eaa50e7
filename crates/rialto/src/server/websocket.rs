//! Raw WebSockets on a path of the server.

use crate::engine::{Reply, accept};
use axum::body::Body;
use futures_util::future::BoxFuture;
use http::Request;
use parking_lot::Mutex;
use rialto_ws::{Options, Origins, Sender, WebSocket};
use std::collections::HashMap;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Failure = Box<dyn StdError + Send + Sync>;
type Run = dyn Fn(WebSocket) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

/// A path that serves raw WebSockets.
#[derive(Clone)]
pub(super) struct Endpoint {
    run: Arc<Run>,
    options: Arc<Options>,
    origins: Arc<Origins>,
    open: Arc<Open>,
}

/// The connections that are open, to be told when the server stops.
#[derive(Default)]
struct Open {
    next: AtomicU64,
    senders: Mutex<HashMap<u64, Sender>>,
}

impl Endpoint {
    pub(super) fn new<H, F, E>(handler: H, options: Options, origins: Origins) -> Self
    where
        H: Fn(WebSocket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Failure> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let run = move |socket| -> BoxFuture<'static, Result<(), Failure>> {
            let running = handler(socket);
            Box::pin(async move { running.await.map_err(Into::into) })
        };
        Self {
            run: Arc::new(run),
            options: Arc::new(options),
            origins: Arc::new(origins),
            open: Arc::default(),
        }
    }

    pub(super) fn answer(&self, request: Request<Body>) -> Reply {
        let (run, open) = (Arc::clone(&self.run), Arc::clone(&self.open));
        accept(request, &self.origins, Options::clone(&self.options), move |socket| {
            let listed = Listed::new(open, socket.sender());
            tokio::spawn(rialto_ws::run(socket, move |socket| async move {
                let _listed = listed;
                run(socket).await
            }));
        })
    }

    /// Closes all connections; says how many are still open.
    pub(super) fn close(&self, now: bool) -> usize {
        let senders: Vec<_> = self.open.senders.lock().values().cloned().collect();
        if now {
            for sender in &senders {
                sender.close(1001, "the server stops");
            }
        }
        senders.len()
    }
}

/// An open connection in the list.
struct Listed {
    open: Arc<Open>,
    key: u64,
}

impl Listed {
    fn new(open: Arc<Open>, sender: Sender) -> Self {
        let key = open.next.fetch_add(1, Ordering::Relaxed);
        open.senders.lock().insert(key, sender);
        Self { open, key }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.open.senders.lock().remove(&self.key);
    }
}
