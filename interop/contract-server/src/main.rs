//! The contract server: one program that clients of every kind are pointed at.
//!
//! `contract-server --port 0` prints `listening on http://127.0.0.1:PORT` and serves Socket.IO at
//! `/socket.io/`, an Engine.IO echo at `/engine.io/`, a raw WebSocket echo at `/echo` and a few
//! routes, all on Rialto's public API. `--app` serves one of the other programs instead.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks to its user")]

mod acks;
mod apps;
mod args;
mod data;
mod echoes;
mod extras;
mod namespaces;
mod raw;
mod rooms;
mod routes;
mod settings;

use args::{App, Args};
use clap::Parser;
use rialto::Server;
use rialto::ws::ServerTls;
use std::net::{Ipv4Addr, SocketAddr};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> rialto::Result {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let server = match args.app {
        App::Contract => contract(&args),
        App::Protocol => apps::protocol::server(&args),
        App::Client => apps::client::server(&args),
        App::EngineClient => apps::engine_client::server(&args),
    };
    let (scheme, server) = match &args.tls {
        None => ("http", server),
        Some(folder) => {
            let (chain, key) = (folder.join("server.pem"), folder.join("server-key.pem"));
            ("https", server.tls(ServerTls::from_pem_files(chain, key)?.http2()))
        }
    };
    let server = match args.workers {
        None => server,
        Some(workers) => server.workers(workers),
    };
    let listen = server.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, args.port()))).await?;
    // Before anybody knows the address: a test may stop the server the moment it does.
    let stopped = told_to_stop()?;
    println!("listening on {scheme}://{}", listen.address());
    listen.run_until(stopped).await
}

/// The contract itself: Socket.IO, an Engine.IO echo, raw WebSockets and routes on one port.
fn contract(args: &Args) -> Server {
    let mut server = namespaces::server()
        .options(settings::options(args))
        .state(data::Reasons::default())
        .state(extras::RoomLog::default())
        .engine("/engine.io", raw::echo_engine)
        .websocket_with("/echo", settings::websocket(args), raw::echo);
    server = routes::add(server);
    extras::watch(&mut server);
    server
}

/// Ready at SIGTERM or Ctrl-C; both are heard from the moment of the call.
#[cfg(unix)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}

/// Ready at Ctrl-C.
#[cfg(not(unix))]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without Ctrl-C the program is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
