//! A chat for everybody: what one says, all others get.
//!
//! `cargo run -p rialto-ws --example group_chat`, and then, in several terminals: `npx wscat -c ws://127.0.0.1:8080/ada`, each with a name of its own.

use rialto_ws::{Group, Result, WebSocket};

async fn chat(mut socket: WebSocket, room: Group) -> Result<()> {
    let name = socket.request().path().trim_start_matches('/').to_owned();
    // Leaves when it is dropped, however this function ends.
    let member = room.join(&socket);
    room.publish_except(&member, format!("* {name} has come: {} are here", room.len()));
    while let Ok(Some(message)) = socket.recv().await {
        room.publish_except(&member, format!("{name}: {message}"));
    }
    drop(member);
    room.publish(format!("* {name} has gone"));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let room = Group::new();
    rialto_ws::serve("127.0.0.1:8080", move |socket| chat(socket, room.clone())).await
}
