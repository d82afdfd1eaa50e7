//! Typed events: an enum is the list of events, so an event that is forgotten does not compile.
//!
//! Run `cargo run -p rialto-examples --example typed_events`, open <http://127.0.0.1:3000>.
//!
//! In Node, with TypeScript: `new Server<FromClient, ToClient>()`, checked at compile time alone

use rialto::{Server, Socket};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FromClient {
    Say(String),
    Typing,
    Sum(f64, f64),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ToClient<'a> {
    Said(&'a str, String),
}

#[tokio::main]
async fn main() -> rialto::Result {
    Server::new(chat).files("examples/public/typed_events").listen(rialto_examples::address()).await
}

async fn chat(mut socket: Socket) -> rialto::Result {
    while let Some(event) = socket.recv().await {
        match event.read()? {
            FromClient::Say(text) => socket.send(&ToClient::Said(socket.id(), text)).await?,
            FromClient::Typing => socket.broadcast().emit("typing", socket.id()).await?,
            FromClient::Sum(a, b) => event.ack(a + b).await?,
        }
    }
    Ok(())
}
