//! The clock without Socket.IO: a WebSocket server and nothing else on its port.
//!
//! Run `cargo run -p rialto-examples --example ws_clock`, and beside it `--example ws_client`.
//!
//! In Node, with `ws`: `setInterval(() => socket.send(new Date().toUTCString()), 5000)`

use httpdate::fmt_http_date;
use rialto::ws::{self, WebSocket};
use std::time::{Duration, SystemTime};

#[tokio::main]
async fn main() -> ws::Result<()> {
    ws::serve(rialto_examples::address(), clock).await
}

async fn clock(mut socket: WebSocket) -> ws::Result<()> {
    let mut tick = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            _ = tick.tick() => socket.send(fmt_http_date(SystemTime::now())).await?,
            message = socket.recv() => if message?.is_none() { return Ok(()) },
        }
    }
}
