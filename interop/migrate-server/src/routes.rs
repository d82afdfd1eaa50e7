//! "Express".

use crate::ports::Ports;
use rialto::axum::Json;
use rialto::axum::extract::{Path, Query};
use rialto::axum::http::StatusCode;
use rialto::axum::routing::{get, post};
use rialto::{Events, Server};
use serde::Deserialize;

#[derive(Deserialize)]
struct Search {
    q: String,
}

/// Starts the server. It serves the folder `public` of the directory it is started in.
pub(crate) async fn start(ports: &mut Ports) -> rialto::Result {
    let server = Server::new(Events::new())
        .files("public")
        .route("/health", get(async || "ok"))
        .route("/u/{id}", get(async |Path(id): Path<String>| id))
        .route("/find", get(async |Query(search): Query<Search>| search.q))
        .route("/sum", post(async |Json((a, b)): Json<(f64, f64)>| Json(a + b)))
        .route("/gone", get(async || StatusCode::NO_CONTENT));
    ports.add("routes", server).await
}
