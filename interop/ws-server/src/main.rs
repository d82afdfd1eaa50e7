//! WebSocket servers over TLS, HTTP/1.1 and HTTP/2, for browsers and npm's clients.
#![allow(clippy::print_stdout, reason = "the address is for whoever starts the program")]

mod by_axum;
mod echo;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use rialto_ws::ServerTls;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Time that connections have to end.
const DRAIN: Duration = Duration::from_secs(3);

#[derive(Parser)]
#[command(about)]
struct Settings {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Which part of rialto-ws takes the connections.
    #[arg(long, value_enum, default_value_t = By::Serve)]
    by: By,
    /// Speak TLS, with a certificate that vouches for itself.
    #[arg(long)]
    tls: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    Serve,
    Axum,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let settings = Settings::parse();
    let tls = settings.tls.then(certificate).transpose()?;
    let mut term = signal(SignalKind::terminate())?;
    let stop = async move {
        term.recv().await;
    };
    let address = SocketAddr::from(([127, 0, 0, 1], settings.port));
    match settings.by {
        By::Serve => by_serve(address, tls, stop).await,
        By::Axum => by_axum::run(address, tls, stop).await,
    }
}

fn certificate() -> Result<ServerTls> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    Ok(ServerTls::from_pem(chain.as_bytes(), key.as_bytes())?)
}

fn announce(address: SocketAddr, tls: bool) {
    println!("listening on {}://{address}", if tls { "https" } else { "http" });
}

async fn by_serve(
    address: SocketAddr,
    tls: Option<ServerTls>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let secure = tls.is_some();
    let mut server = rialto_ws::serve(address, async |socket: rialto_ws::WebSocket| {
        echo::run(socket, echo::How { version: "HTTP/1.1".into(), method: "GET".into() }).await
    })
    .with_graceful_shutdown(stop)
    .drain_timeout(DRAIN);
    if let Some(tls) = tls {
        server = server.tls(tls);
    }
    for address in server.bind().await? {
        announce(address, secure);
    }
    Ok(server.await?)
}
