//! A router of axum behind hyper, which speaks HTTP/1.1 and HTTP/2.

use super::{DRAIN, announce, echo};
use anyhow::Result;
use axum::Router;
use axum::response::{Html, Response};
use axum::routing::{any, get};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rialto_ws::{Connections, ServerTls, Stream, Upgrade, WebSocket};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Time for the TLS handshake, and for the head of a request.
const OPENING: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    address: SocketAddr,
    tls: Option<ServerTls>,
    stop: impl Future<Output = ()> + Send,
) -> Result<()> {
    let tls = tls.map(ServerTls::http2);
    let connections = Connections::new(1000);
    let counted = connections.clone();
    let router = Router::new()
        .route("/", get(async || Html("<!doctype html><title>ws-server</title>")))
        .route("/echo", any(async move |upgrade: Upgrade| take(upgrade, &counted)));
    let listener = TcpListener::bind(address).await?;
    announce(listener.local_addr()?, tls.is_some());
    let accepting = async {
        let mut pause = Duration::ZERO;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    pause = Duration::ZERO;
                    tokio::spawn(welcome(stream, tls.clone(), router.clone()));
                }
                Err(error) => pause = rialto_ws::accept_pause(&error, pause).await,
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop(listener);
    connections.stop(DRAIN).await;
    Ok(())
}

fn take(upgrade: Upgrade, connections: &Connections) -> Response {
    let request = upgrade.request();
    let how =
        echo::How { version: format!("{:?}", request.version), method: request.method.to_string() };
    upgrade
        .connections(connections)
        .protocols(["v2", "v1"])
        .on_upgrade(move |socket: WebSocket| echo::run(socket, how))
}

async fn welcome(stream: TcpStream, tls: Option<ServerTls>, router: Router) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve(stream, router).await };
    // Whoever fails here is a stranger to TLS, or too slow.
    if let Ok(Ok(stream)) = timeout(OPENING, tls.accept(stream)).await {
        serve(stream, router).await;
    }
}

async fn serve(stream: impl Stream, router: Router) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(OPENING);
    // RFC 8441: browsers then open WebSockets on the connection of their page.
    builder.http2().enable_connect_protocol().max_concurrent_streams(100);
    let service = TowerToHyperService::new(router);
    let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}
