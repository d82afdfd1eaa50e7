//! Inside an axum application: Socket.IO on the application's port, and a route that emits.
//!
//! Run `cargo run -p rialto-examples --example axum_app`, open <http://127.0.0.1:3000>, then
//! `curl -d "Tea is ready" http://127.0.0.1:3000/announce`.
//!
//! In Node: `app.post("/announce", (request, response) => io.emit("announcement", request.body))`

use axum::{Router, http::StatusCode, routing::post};
use rialto::{Events, Server};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> rialto::Result {
    let mut server = Server::new(Events::new()).files("examples/public/axum_app");
    let io = server.io();
    let announce = async move |text: String| match io.emit("announcement", text).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let app = Router::new().route("/announce", post(announce)).merge(server.into_router());
    let listener = TcpListener::bind(rialto_examples::address()).await?;
    Ok(axum::serve(listener, app).await?)
}
