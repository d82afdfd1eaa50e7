//! Events that send back what they get, or as much as they are asked for.

use rialto::{Args, Bytes, Events};

/// Adds them.
pub(crate) fn add(events: Events) -> Events {
    events
        .on("echo", async |socket, args: Args| socket.emit("echo", args).await)
        .on("sequence", async |socket, count: u32| {
            for index in 0..count {
                socket.emit("seq", index).await?;
            }
            Ok(())
        })
        .on("volatile-burst", async |socket, count: u32| {
            for index in 0..count {
                socket.volatile().emit("burst", index).await?;
            }
            socket.emit("burst-end", count).await
        })
        .on_ack("make-binary", async |_, size: usize| {
            Ok((0..251_u8).cycle().take(size).collect::<Bytes>())
        })
        .on_ack("make-text", async |_, size: usize| Ok("x".repeat(size)))
        .on_ack("sum", async |_, bytes: Bytes| {
            Ok((bytes.len(), bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>()))
        })
}
