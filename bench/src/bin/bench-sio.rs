//! Socket.IO server for the side-by-side benchmark:
//! `bench-sio [PORT] [values] [deflate] [tls CHAIN KEY]`.
//!
//! Without the first word the port is that of the variable `PORT`. What came is passed on as it is;
//! with `values` it is decoded into a tree and encoded anew, as the other servers of the benchmark
//! have to do.

use rialto::ws::{Deflate, ServerTls};
use rialto::{Args, Bytes, Events, Options, Server};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> rialto::Result {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| words.iter().any(|word| word == name);
    let port = words.first().and_then(|word| word.parse().ok());
    let port = port.or_else(|| std::env::var("PORT").ok()?.parse().ok()).unwrap_or(8000_u16);
    let mut options = Options::default();
    if has("deflate") {
        options = options.per_message_deflate(Deflate::default());
    }
    let mut server = Server::new(events(has("values"))).options(options);
    if let Some(at) = words.iter().position(|word| word == "tls") {
        let file = |offset: usize| words.get(at + offset).map_or("", String::as_str);
        server = server.tls(ServerTls::from_pem_files(file(1), file(2))?);
    }
    server.listen(format!("127.0.0.1:{port}")).await
}

fn events(values: bool) -> Events {
    if values { with_values() } else { with_args() }
        .on_ack("join", async |socket, room: String| {
            socket.join(room)?;
            Ok("ok")
        })
        .on_ack("bin", async |_, bytes: Bytes| Ok(bytes))
}

fn with_args() -> Events {
    Events::new()
        .on_ack("echo", async |_, x: Args| Ok(x))
        .on("echo-event", async |socket, x: Args| socket.emit("echo-event", x).await)
        .on("say", async |socket, x: Args| socket.io().to("room").emit("say", x).await)
}

fn with_values() -> Events {
    Events::new()
        .on_ack("echo", async |_, x: Value| Ok(x))
        .on("echo-event", async |socket, x: Value| socket.emit("echo-event", x).await)
        .on("say", async |socket, x: Value| socket.io().to("room").emit("say", x).await)
}
