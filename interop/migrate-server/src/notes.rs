//! "What the compiler says": what it asks for, in one listener.

use rialto::{Events, Server};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
struct Notes {
    count: AtomicU64,
}

fn notes() -> Events {
    Events::new().on("note", async |socket, (author, text): (String, String)| {
        let notes = socket.state::<Notes>();
        let number = notes.count.fetch_add(1, Ordering::Relaxed) + 1;
        socket.broadcast().emit("noted", (number, author, text)).await?;
        println!("note {number}");
        Ok(())
    })
}

/// The page's table, and its state.
pub(crate) fn server() -> Server {
    Server::new(notes()).state(Notes::default())
}
