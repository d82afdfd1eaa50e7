//! Raw WebSocket server for the side-by-side benchmark: `bench-ws PORT [deflate [LEVEL]]`.
//!
//! `/echo` returns what it is sent; `/fanout` sends it to every connection of that path.
//! With the word `deflate` it accepts compression, for messages of any size; the level, 1 to 9, is
//! for comparing at the same ratio: peers compress harder than our default.

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
        let level = std::env::args().nth(3).and_then(|level| level.parse().ok());
        let deflate = Deflate::default().threshold(0);
        options = options.deflate(deflate.level(level.unwrap_or(deflate.level)));
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
