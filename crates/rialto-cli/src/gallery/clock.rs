//! The clock: the server's time over Socket.IO, every five seconds.
//!
//! Served by `Server::new(..).namespace("/clock", clock::events())`.

use rialto::Events;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::sleep;

const EVERY: Duration = Duration::from_secs(5);

/// Tells each client the time: when it connects, and every five seconds from then on.
pub(super) fn events() -> Events {
    Events::new().on_connect(async |socket| {
        // The timer belongs to the connection: when the client is gone, this ends by itself.
        loop {
            socket.emit("api:server-time", now_ms()).await?;
            sleep(EVERY).await;
        }
    })
}

/// Milliseconds since 1970, as `Date.now()` gives them in JavaScript.
pub(super) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
