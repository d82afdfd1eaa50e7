//! Socket.IO server for the side-by-side benchmark; listens on the port in `PORT`.

use rialto::{Args, Bytes, Events, Server};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> rialto::Result {
    // `values`: arguments are decoded into a tree and encoded anew, as most programs of other
    // libraries would; without it what came is passed on.
    let values = std::env::args().any(|word| word == "values");
    let events = if values { with_values() } else { with_args() };
    let events = events
        .on_ack("join", async |socket, room: String| {
            socket.join(room)?;
            Ok("ok")
        })
        .on_ack("bin", async |_, bytes: Bytes| Ok(bytes));
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8000_u16);
    Server::new(events).listen(format!("127.0.0.1:{port}")).await
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
