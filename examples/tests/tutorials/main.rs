//! Every example, started as its users start it and driven over the network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod client;
mod pages;
mod program;
mod socketio;
mod websocket;

use std::future::Future;
use std::time::Duration;

/// What none of these waits may exceed.
const LIMIT: Duration = Duration::from_secs(10);

/// Waits for something that has to happen.
async fn within<T>(what: &str, happening: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, happening).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {LIMIT:?}"),
    }
}
