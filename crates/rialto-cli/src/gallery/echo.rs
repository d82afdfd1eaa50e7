//! Echo: a raw WebSocket that returns what it is sent, and tells the time.
//!
//! Served by `Server::new(..).websocket_with("/ws/echo", options, echo::serve)`, where the options
//! allow messages of 65,536 bytes: a longer one closes the connection with code 1009.

use super::clock::now_ms;
use rialto::ws::{Result, WebSocket};
use std::time::Duration;
use tokio::time::{Instant, interval_at};

const EVERY: Duration = Duration::from_millis(2500);

/// One connection. It ends with the function; the Close frame is answered on the way.
pub(super) async fn serve(mut socket: WebSocket) -> Result<()> {
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    loop {
        // `recv` may be cancelled at any time without losing a message.
        tokio::select! {
            message = socket.recv() => match message? {
                Some(message) => socket.send(message).await?,
                None => return Ok(()),
            },
            _ = ticks.tick() => socket.send(format!("time:{}", now_ms())).await?,
        }
    }
}
