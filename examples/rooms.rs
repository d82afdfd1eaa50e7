//! Rooms: what is said in a room, its other members hear.
//!
//! Run `cargo run -p rialto-examples --example rooms`, open <http://127.0.0.1:3000> in two windows.
//!
//! In Node: `socket.join(room)` and `socket.to(room).emit("said", socket.id, text)`

use rialto::{Events, Server};

#[tokio::main]
async fn main() -> rialto::Result {
    let events = Events::new()
        .on("join", async |socket, room: String| socket.join(room))
        .on("leave", async |socket, room: String| socket.leave(room))
        .on("say", async |socket, (room, text): (String, String)| {
            socket.to(room).emit("said", (socket.id(), text)).await
        });
    Server::new(events).files("examples/public/rooms").listen(rialto_examples::address()).await
}
