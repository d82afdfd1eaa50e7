//! The front page: who the server is, and how long a round trip takes.
//!
//! Served by `Server::new(index::events()).state(index::Started::now())`.

use rialto::Events;
use serde::Serialize;
use std::time::Instant;

/// When the server started: state that handlers find by its type.
pub(super) struct Started(Instant);

impl Started {
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }
}

#[derive(Serialize)]
struct Hello {
    version: &'static str,
    /// Seconds since the start.
    uptime: u64,
}

/// A table of listeners, registered once for all clients.
pub(super) fn events() -> Events {
    Events::new()
        .on_connect(async |socket| {
            let uptime = socket.state::<Started>().0.elapsed().as_secs();
            socket.emit("hello", Hello { version: env!("CARGO_PKG_VERSION"), uptime }).await
        })
        // What an `on_ack` listener returns is the acknowledgement: here an empty one.
        .on_ack("rtt", async |_socket, ()| Ok(()))
}
