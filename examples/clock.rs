//! Clock: each page gets the server's time when it connects, then every five seconds.
//!
//! Run `cargo run -p rialto-examples --example clock`, open <http://127.0.0.1:3000>.
//!
//! In Node: `setInterval(() => socket.emit("time", new Date().toUTCString()), 5000)`

use httpdate::fmt_http_date;
use rialto::{Events, Server};
use std::time::{Duration, SystemTime};

#[tokio::main]
async fn main() -> rialto::Result {
    let events = Events::new().on_connect(async |socket| {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            socket.emit("time", fmt_http_date(SystemTime::now())).await?;
        }
    });
    Server::new(events).files("examples/public/clock").listen(rialto_examples::address()).await
}
