//! Acknowledgements, both ways: the server answers the client, and the client the server.
//!
//! Run `cargo run -p rialto-examples --example acks`, open <http://127.0.0.1:3000>.
//!
//! In Node: `socket.on("sum", (a, b, answer) => answer(a + b))` and
//! `const name = await socket.emitWithAck("what is your name?")`

use rialto::{Events, Server};

#[tokio::main]
async fn main() -> rialto::Result {
    let events = Events::new().on_ack("sum", async |_, (a, b): (f64, f64)| Ok(a + b)).on_connect(
        async |socket| {
            let name: String = socket.emit_with_ack("what is your name?", ()).await?;
            println!("{name} connected");
            socket.emit("welcome", format!("Hello, {name}!")).await
        },
    );
    Server::new(events).files("examples/public/acks").listen(rialto_examples::address()).await
}
