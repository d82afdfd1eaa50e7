//! Socket.IO server for the side-by-side benchmark; listens on the port in `PORT`.

use rialto::{Bytes, Events, Server};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> rialto::Result {
    let events = Events::new()
        .on_ack("echo", async |_, x: Value| Ok(x))
        .on("echo-event", async |socket, x: Value| socket.emit("echo-event", x).await)
        .on_ack("join", async |socket, room: String| {
            socket.join(room)?;
            Ok("ok")
        })
        .on("say", async |socket, x: Value| socket.io().to("room").emit("say", x).await)
        .on_ack("bin", async |_, bytes: Bytes| Ok(bytes));
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8000_u16);
    Server::new(events).listen(format!("127.0.0.1:{port}")).await
}
