//! Socket.IO server for the side-by-side benchmark: `bench-sio [PORT] [deflate] [tls CHAIN KEY]`.
//!
//! Without the first word the port is that of the variable `PORT`.

use rialto::ws::{Deflate, ServerTls};
use rialto::{Bytes, Events, Options, Server};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> rialto::Result {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let port = words.first().cloned().or_else(|| std::env::var("PORT").ok());
    let port = port.and_then(|port| port.parse().ok()).unwrap_or(8000_u16);
    let mut options = Options::default();
    if words.iter().any(|word| word == "deflate") {
        options = options.per_message_deflate(Deflate::default());
    }
    let mut server = Server::new(events()).options(options);
    if let Some(at) = words.iter().position(|word| word == "tls") {
        let file = |offset: usize| words.get(at + offset).map_or("", String::as_str);
        server = server.tls(ServerTls::from_pem_files(file(1), file(2))?);
    }
    server.listen(format!("127.0.0.1:{port}")).await
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
