//! Raw WebSocket server for the side-by-side benchmark: `bench-ws PORT [deflate]`.
//!
//! `/echo` returns what it is sent; `/fanout` sends it to every connection of that path.
//! With the word `deflate` it accepts compression, for messages of any size.

use rialto_ws::{Deflate, Options, Prepared, Sender, WebSocket};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Hub = Arc<Mutex<Vec<Sender>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> rialto_ws::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(9001);
    let hub = Hub::default();
    let mut options = Options::default();
    if std::env::args().nth(2).as_deref() == Some("deflate") {
        options = options.deflate(Deflate::default().threshold(0));
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    rialto_ws::serve_on(listener, options, move |socket| connection(socket, hub.clone())).await
}

async fn connection(socket: WebSocket, hub: Hub) -> rialto_ws::Result<()> {
    match socket.request().path() {
        "/fanout" => fanout(socket, hub).await,
        _ => echo(socket).await,
    }
}

async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

async fn fanout(mut socket: WebSocket, hub: Hub) -> rialto_ws::Result<()> {
    let own = socket.sender();
    hub.lock().unwrap().push(own.clone());
    while let Ok(Some(message)) = socket.recv().await {
        let message = Prepared::new(message);
        hub.lock().unwrap().retain(|member| member.try_send_prepared(&message).is_ok());
    }
    hub.lock().unwrap().retain(|member| !member.same_connection(&own));
    Ok(())
}
