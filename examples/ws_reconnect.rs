//! A WebSocket client that comes back: it connects again whenever the server is lost.
//!
//! Run `cargo run -p rialto-examples --example ws_reconnect` beside `--example echo`, and stop and
//! start the server.
//!
//! In Node it is written by hand: `socket.on("close", () => setTimeout(connect, delay))`

use rialto::ws::{Backoff, Connect, Incident, Result};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<()> {
    let backoff =
        Backoff::default().initial(Duration::from_millis(100)).max(Duration::from_secs(5));
    let url = format!("ws://{}/echo", rialto_examples::address());
    let mut messages = Connect::new(url).reconnect().backoff(backoff).messages();
    loop {
        // An error here is one that waiting does not mend, such as 404.
        match messages.recv().await? {
            Incident::Opened(sender) => {
                println!("connected");
                sender.try_send("hello")?;
            }
            Incident::Message(message) => println!("{message}"),
            _ => println!("lost, connecting again"),
        }
    }
}
