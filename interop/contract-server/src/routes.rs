//! The routes beside Socket.IO.

use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{any, get, post};
use rialto::{Server, Value};
use serde::Deserialize;

const PAGE: &str =
    "<!doctype html><html lang=\"en\"><title>Contract server</title><p>Ready.</p></html>";

/// The body of `POST /announce`.
#[derive(Deserialize)]
struct Announcement {
    event: String,
    data: Value,
}

/// Adds them.
pub(crate) fn add(mut server: Server) -> Server {
    let io = server.io();
    // Whatever content type it is given.
    let announce = async move |body: String| match serde_json::from_str(&body) {
        Ok(Announcement { event, data }) => match io.emit(&event, data).await {
            Ok(()) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::BAD_REQUEST,
        },
        Err(_) => StatusCode::BAD_REQUEST,
    };
    server
        .route("/health", get(async || "ok"))
        .route("/ws.html", get(async || Html(PAGE)))
        .route("/announce", post(announce))
        .route("/echo/refuse", any(async || StatusCode::UNAUTHORIZED))
}
