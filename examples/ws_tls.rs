//! A WebSocket server over TLS that looks at requests, keeps to limits and stops in order.
//!
//! Run `cargo run -p rialto-examples --example ws_tls -- chain.pem key.pem`; without files it
//! makes a certificate that vouches for itself. Connect to `wss://localhost:3000/chat`, for
//! instance by `npx wscat --no-check -c`. Ctrl-C stops; the files are read anew each hour.
//!
//! In Node, with `ws`: `new WebSocketServer({ server: https.createServer({ cert, key }) })`

use http::StatusCode;
use rialto_ws::{Handshake, Options, Refusal, ServerTls, WebSocket};
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let tls = match (args.next(), args.next()) {
        (Some(chain), Some(key)) => from_files(chain, key)?,
        _ => self_signed()?,
    };
    rialto_ws::serve(rialto_examples::address(), echo)
        .tls(tls)
        .guard(guard)
        .options(Options::default().max_message(1 << 20))
        .max_connections(10_000)
        .max_per_address(100)
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .drain_timeout(Duration::from_secs(20))
        .await?;
    Ok(())
}

/// Sees each request before it is answered.
async fn guard(handshake: Handshake) -> Result<Handshake, Refusal> {
    match handshake.request().path() {
        "/chat" => Ok(handshake),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "connect to /chat")),
    }
}

async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

fn from_files(chain: String, key: String) -> Result<ServerTls, Box<dyn Error>> {
    let tls = ServerTls::from_pem_files(&chain, &key)?;
    let renewed = tls.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            if let Err(error) = renewed.reload_pem_files(&chain, &key) {
                eprintln!("the certificate stays as it is: {error}");
            }
        }
    });
    Ok(tls)
}

fn self_signed() -> Result<ServerTls, Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    Ok(ServerTls::from_pem(chain.as_bytes(), key.as_bytes())?)
}
