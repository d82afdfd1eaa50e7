//! Binary data: a page sends a file, the others get it, the sender learns its size.
//!
//! Run `cargo run -p rialto-examples --example binary`, open <http://127.0.0.1:3000> in two
//! windows.
//!
//! In Node: `socket.on("file", (name, data, answer) => { … answer(data.length) })`

use rialto::{Bytes, Events, Server};

#[tokio::main]
async fn main() -> rialto::Result {
    let events = Events::new().on_ack("file", async |socket, (name, data): (String, Bytes)| {
        socket.broadcast().emit("file", (name, &data)).await?;
        Ok(data.len())
    });
    Server::new(events).files("examples/public/binary").listen(rialto_examples::address()).await
}
