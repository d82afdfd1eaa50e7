//! Acknowledgements, both ways.

use rialto::{Args, Error, Events};
use std::time::Duration;

/// Adds them.
pub(crate) fn add(events: Events) -> Events {
    events
        .on_ack("echo-ack", async |_, args: Args| Ok(args))
        .on("ask", async |socket, args: Args| {
            let answer: Args = socket.emit_with_ack("question", args).await?;
            socket.emit("answer", answer).await
        })
        .on("ask-timeout", async |socket, ms: u64| {
            let limit = Duration::from_millis(ms);
            let asked = socket.timeout(limit).emit_with_ack::<Args>("question", "t").await;
            socket.emit("answer-timeout", asked.as_ref().is_err_and(Error::is_timeout)).await
        })
        .on("no-ack", async |_, ()| Ok(()))
        .on_ack("late-ack", async |_, ms: u64| {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok("late")
        })
}
