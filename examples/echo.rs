//! Echo: a raw WebSocket that returns what it is sent, and sends the time every 2.5 s.
//!
//! Run `cargo run -p rialto-examples --example echo`, open <http://127.0.0.1:3000>.
//!
//! In Node, with `ws`: `socket.on("message", (data) => socket.send(data))`

use httpdate::fmt_http_date;
use rialto::{Events, Server, ws::WebSocket};
use std::time::{Duration, SystemTime};

#[tokio::main]
async fn main() -> rialto::Result {
    Server::new(Events::new())
        .websocket("/echo", echo)
        .files("examples/public/echo")
        .listen(rialto_examples::address())
        .await
}

async fn echo(mut socket: WebSocket) -> rialto::Result {
    let mut tick = tokio::time::interval(Duration::from_millis(2500));
    loop {
        tokio::select! {
            _ = tick.tick() => socket.send(fmt_http_date(SystemTime::now())).await?,
            message = socket.recv() => match message? {
                Some(message) => socket.send(message).await?,
                None => return Ok(()),
            },
        }
    }
}
