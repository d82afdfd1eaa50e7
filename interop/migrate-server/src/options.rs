//! "Options": a server for each row.

use crate::ports::Ports;
use rialto::axum::extract::Request;
use rialto::axum::http::request::Parts;
use rialto::axum::http::{HeaderMap, HeaderValue};
use rialto::axum::middleware::{self, Next};
use rialto::axum::response::Response;
use rialto::{
    Bytes, ConnectionStateRecovery, Cookie, Cors, Denied, Events, Handshake, HttpCompression,
    Options, Refused, SameSite, ServeClient, Server, Transport, guard, ws,
};
use std::time::Duration;

/// Starts them.
pub(crate) async fn start(ports: &mut Ports) -> rialto::Result {
    let rows = [engine(), sessions(), http(), admission(), rest()];
    for (name, options) in rows.into_iter().flatten() {
        let server = Server::new(guard(unless_refused, events()))
            .namespace_matching(|name| name.starts_with("/child-"), Events::new())
            .options(options);
        ports.add(name, server).await?;
    }
    let server = Server::new(events());
    ports.add("engine.use", server.engine_layer(middleware::from_fn(gate))).await
}

async fn unless_refused(request: Handshake) -> Result<(), Refused> {
    match request.auth_json() {
        Some(auth) if auth.contains("refuse") => Err(Refused::new("refused")),
        _ => Ok(()),
    }
}

fn events() -> Events {
    Events::new()
        .on_connect(async |socket| socket.emit("welcome", socket.recovered()).await)
        .on_ack("echo", async |_, text: String| Ok(text))
        .on_ack("parts", async |_, parts: Vec<Bytes>| Ok(parts.len()))
        .on("plain", async |socket, text: String| socket.compress(false).emit("plain", text).await)
        .on_ack("count", async |socket, ()| Ok(socket.io().count()))
        .on_ack("children", async |socket, ()| {
            let namespaces = socket.io().namespaces();
            let children = namespaces.iter().filter(|io| io.namespace().starts_with("/child-"));
            Ok(children.count())
        })
}

type Rows = Vec<(&'static str, Options)>;

fn engine() -> Rows {
    vec![
        ("path", Options::default().path("/live")),
        ("pingInterval", Options::default().ping_interval(Duration::from_secs(10))),
        ("pingTimeout", Options::default().ping_timeout(Duration::from_secs(5))),
        ("connectTimeout", Options::default().connect_timeout(Duration::from_millis(500))),
        ("upgradeTimeout", Options::default().upgrade_timeout(Duration::from_millis(500))),
        ("maxHttpBufferSize", Options::default().max_payload(2000)),
        ("transports", Options::default().transports([Transport::WebSocket])),
        ("allowUpgrades", Options::default().allow_upgrades(false)),
        ("allowEIO3", Options::default().allow_eio3(true)),
        ("jsonp", Options::default().allow_eio3(true).allow_jsonp(true)),
    ]
}

// In lines as long as the rows of the page, here and below.
#[rustfmt::skip]
fn sessions() -> Rows {
    vec![
        ("cookie", Options::default().cookie(true)),
        ("cookie with attributes", Options::default()
            .cookie(
                Cookie::new("node")
                    .max_age(Duration::from_secs(3600))
                    .same_site(SameSite::None)
                    .secure(true),
            )),
        ("recovery", Options::default()
            .connection_state_recovery(ConnectionStateRecovery::default())),
        ("recovery without middlewares", Options::default()
            .connection_state_recovery(
                ConnectionStateRecovery::default()
                    .max_disconnection_duration(Duration::from_secs(60))
                    .skip_middlewares(true),
            )),
    ]
}

#[rustfmt::skip]
fn http() -> Rows {
    vec![
        ("cors", Options::default()
            .cors(Cors::new(["https://app.example"]).credentials(true))),
        ("cors by pattern", Options::default()
            .cors(Cors::matching(|origin| origin.ends_with(".example")))),
        ("cors for all", Options::default()
            .cors(Cors::new(["*"]).methods(["GET", "POST"]).allowed_headers(["x-a"]))),
        ("cors by an async function", Options::default()
            .cors(Cors::new(["https://app.example"]).decide(known))),
        ("httpCompression", Options::default()
            .http_compression(HttpCompression::default().threshold(4096))),
        ("no httpCompression", Options::default().http_compression(false)),
        ("perMessageDeflate", Options::default()
            .per_message_deflate(ws::Deflate::default().threshold(2048))),
        ("serveClient", Options::default().serve_client(ServeClient::Off)),
        ("initial_headers", Options::default().initial_headers(add)),
        ("headers", Options::default().headers(add)),
    ]
}

#[rustfmt::skip]
fn admission() -> Rows {
    vec![
        ("allowRequest", Options::default()
            .allow_request(|request|
                request.header("cookie").map(drop).ok_or("no cookie".to_owned()))),
        ("async allowRequest", Options::default().allow_request_async(admit)),
        ("generateId", Options::default()
            .generate_id(make_id)),
        ("async generateId", Options::default()
            .generate_id_async(later_id)),
        ("connection_error", Options::default()
            .on_connection_error(|error| println!("refused with {}", error.code))),
    ]
}

#[rustfmt::skip]
fn rest() -> Rows {
    vec![
        ("parser", Options::default().parser(rialto::parser::Msgpack)),
        ("maxAttachments", Options::default().max_attachments(20)),
        ("cleanupEmptyChildNamespaces", Options::default().cleanup_empty_child_namespaces(true)),
    ]
}

async fn admit(request: Handshake) -> Result<(), Denied> {
    tokio::task::yield_now().await;
    request.query("ticket").map(drop).ok_or("no ticket".into())
}

async fn known(request: Handshake) -> bool {
    tokio::task::yield_now().await;
    request.header("origin") == Some("https://asked.example")
}

fn make_id(request: &Handshake) -> String {
    format!("made-for-{:0>20}", request.query("name").unwrap_or_default())
}

async fn later_id(request: Handshake) -> String {
    tokio::task::yield_now().await;
    make_id(&request)
}

fn add(headers: &mut HeaderMap, request: &Parts) {
    if let Ok(method) = HeaderValue::from_str(request.method.as_str()) {
        headers.insert("x-method", method);
    }
}

async fn gate(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-gate", HeaderValue::from_static("passed"));
    response
}
