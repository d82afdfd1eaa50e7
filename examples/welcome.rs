//! Welcome: the server greets who comes, and notices who goes.
//!
//! Run `cargo run -p rialto-examples --example welcome`, open <http://127.0.0.1:3000>.
//!
//! In Node: `io.on("connection", (socket) => socket.emit("welcome", "Hello!"))`

use rialto::{Events, Server};

#[tokio::main]
async fn main() -> rialto::Result {
    let events = Events::new()
        .on_connect(async |socket| {
            println!("{} connected", socket.id());
            socket.emit("welcome", "Hello!").await
        })
        .on_disconnect(async |socket| println!("{} disconnected", socket.id()));
    Server::new(events).files("examples/public/welcome").listen(rialto_examples::address()).await
}
