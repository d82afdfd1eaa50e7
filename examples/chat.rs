//! Chat: what one page says, all pages hear.
//!
//! Run `cargo run -p rialto-examples --example chat`, open <http://127.0.0.1:3000> in two windows.
//!
//! In Node: `socket.on("chat message", (text) => io.emit("chat message", text))`

use rialto::{Events, Server};

#[tokio::main]
async fn main() -> rialto::Result {
    let events = Events::new().on("chat message", async |socket, text: String| {
        socket.io().emit("chat message", text).await
    });
    Server::new(events).files("examples/public/chat").listen(rialto_examples::address()).await
}
