//! A raw WebSocket client: says hello and prints what it hears, for any of the servers.
//!
//! Run `cargo run -p rialto-examples --example ws_client` beside `--example echo` or `ws_clock`.
//!
//! In Node, with `ws`: `new WebSocket(url).on("message", (data) => console.log(String(data)))`

use rialto::ws;

#[tokio::main]
async fn main() -> ws::Result<()> {
    let mut socket = ws::connect(&format!("ws://{}/echo", rialto_examples::address())).await?;
    socket.send("hello").await?;
    while let Some(message) = socket.recv().await? {
        println!("{message}");
    }
    Ok(())
}
