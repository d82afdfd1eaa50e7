//! The Rust lines of `docs/migrate.md`, in programs that run.
//!
//! Each row of the page stands here as it stands there, and its line of Node in
//! `interop/js/migrate/reference`; `interop/js/migrate.test.mjs` starts either program and holds
//! both to the same outcome. One process has many small servers, each on a port of its own:
//! `GET /servers` at the address it prints says where.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the rows print, as users do")]

mod answers;
mod chat;
mod cluster;
mod everyone;
mod listeners;
mod login;
mod notes;
mod one_client;
mod options;
mod ports;
mod raw;
mod routes;
mod server;
mod whole;

use ports::Ports;
use rialto::axum::Json;
use rialto::axum::routing::get;
use rialto::{Events, Server};

#[tokio::main]
async fn main() -> rialto::Result {
    let mut ports = Ports::default();
    server::start(&mut ports).await?;
    whole::start(&mut ports).await?;
    cluster::start(&mut ports).await?;
    options::start(&mut ports).await?;
    raw::start(&mut ports).await?;
    routes::start(&mut ports).await?;
    ports.add("login", login::with_namespaces()).await?;
    ports.add("chat", chat::server()).await?;
    ports.add("notes", notes::server()).await?;
    ports.add("answers", Server::new(answers::table())).await?;
    let urls = ports.urls();
    let index = Server::new(Events::new()).route("/servers", get(async || Json(urls)));
    let listen = index.bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listen.address());
    listen.run().await
}
