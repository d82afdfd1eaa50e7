//! Raw WebSocket server for the side-by-side benchmark: `bench-ws PORT [deflate]`.
//!
//! `/echo` returns what it is sent; `/fanout` sends it to every connection of that path.
//! With the word `deflate` it accepts compression, for messages of any size.

use rialto_ws::{Deflate, Group, Options, WebSocket};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> rialto_ws::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(9001);
    let group = Group::new();
    let mut options = Options::default();
    if std::env::args().nth(2).as_deref() == Some("deflate") {
        options = options.deflate(Deflate::default().threshold(0));
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    rialto_ws::serve_on(listener, options, move |socket| connection(socket, group.clone())).await
}

async fn connection(socket: WebSocket, group: Group) -> rialto_ws::Result<()> {
    match socket.request().path() {
        "/fanout" => fanout(socket, group).await,
        _ => echo(socket).await,
    }
}

async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}

async fn fanout(mut socket: WebSocket, group: Group) -> rialto_ws::Result<()> {
    let _member = group.join(&socket);
    while let Some(message) = socket.recv().await? {
        group.publish(message);
    }
    Ok(())
}
