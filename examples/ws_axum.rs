//! WebSockets beside the routes of an axum server, counted, and stopped in order.
//!
//! Run `cargo run -p rialto-examples --example ws_axum`, and connect to
//! `ws://127.0.0.1:3000/echo`. Ctrl-C stops.
//!
//! In Node, with `ws` and Express: `new WebSocketServer({ server, path: "/echo" })`

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{any, get};
use rialto_ws::{Connections, Upgrade, WebSocket};
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let connections = Connections::new(10_000);
    let router = Router::new()
        .route("/", get("connect to /echo\n"))
        // Not `get`, because over HTTP/2 a WebSocket is a CONNECT.
        .route("/echo", any(upgrade))
        .with_state(connections.clone());
    let listener = TcpListener::bind(rialto_examples::address()).await?;
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    // Nobody listens any more. Those who are connected hear of the end and have ten seconds.
    connections.stop(Duration::from_secs(10)).await;
    Ok(())
}

async fn upgrade(State(connections): State<Connections>, upgrade: Upgrade) -> Response {
    upgrade.protocols(["v2", "v1"]).connections(&connections).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}
