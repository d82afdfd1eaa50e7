//! Raw WebSocket server for the side-by-side benchmark: `bench-ws PORT [deflate]`.
//!
//! `/echo` returns what it is sent; `/fanout` sends it to every connection of that path.
//! The word `deflate` is accepted; compression is not part of Rialto yet.

use rialto_ws::{Group, WebSocket};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> rialto_ws::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(9001);
    let group = Group::new();
    rialto_ws::serve(("127.0.0.1", port), move |socket| connection(socket, group.clone())).await
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
