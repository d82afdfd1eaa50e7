//! Socket.IO server for the side-by-side benchmark; listens on the port in `PORT`.
//!
//! It runs on one thread. `THREADS=n` gives it tokio's runtime of n threads instead, `WORKERS=n`
//! n runtimes of one thread ([`Server::workers`]). Built with the feature `tls`, and with
//! two PEM files in `TLS_CHAIN` and `TLS_KEY`, it speaks TLS; `DEFLATE=1` has it compress messages.

use rialto::ws::Deflate;
use rialto::{Bytes, Events, Options, Server};
use serde_json::Value;
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> rialto::Result {
    let mut runtime = match number("THREADS") {
        Some(threads) => {
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(threads);
            runtime
        }
        None => Builder::new_current_thread(),
    };
    let server = match number("WORKERS") {
        Some(workers) => Server::new(events()).workers(workers),
        None => Server::new(events()),
    };
    let server = secured(server.options(options()))?;
    let port = number("PORT").unwrap_or(8000);
    runtime.enable_all().build()?.block_on(server.listen(format!("127.0.0.1:{port}")))
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

fn options() -> Options {
    match number("DEFLATE") {
        Some(1) => Options::default().per_message_deflate(Deflate::default()),
        _ => Options::default(),
    }
}

#[cfg(not(feature = "tls"))]
fn secured(server: Server) -> rialto::Result<Server> {
    Ok(server)
}

#[cfg(feature = "tls")]
fn secured(server: Server) -> rialto::Result<Server> {
    let (Ok(chain), Ok(key)) = (std::env::var("TLS_CHAIN"), std::env::var("TLS_KEY")) else {
        return Ok(server);
    };
    Ok(server.tls(rialto::ws::ServerTls::from_pem_files(chain, key)?))
}

fn events() -> Events {
    Events::new()
        .on_ack("echo", async |_, x: Value| Ok(x))
        .on("echo-event", async |socket, x: Value| socket.emit("echo-event", x).await)
        .on_ack("join", async |socket, room: String| {
            socket.join(room)?;
            Ok("ok")
        })
        .on("say", async |socket, x: Value| socket.io().to("room").emit("say", x).await)
        .on_ack("bin", async |_, bytes: Bytes| Ok(bytes))
}
