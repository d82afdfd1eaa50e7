//! The two loops for libraries whose socket is a `Stream` and a `Sink` of messages.

use crate::{Arguments, Hub};
use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

/// Serves a connection until it ends: the fan-out if there is a `hub`, else the echo.
///
/// `is_data` tells messages from control frames.
pub async fn run<S, M, E>(
    socket: S,
    hub: Option<Hub<M>>,
    arguments: Arguments,
    is_data: fn(&M) -> bool,
) where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Clone,
{
    // How a connection ends does not matter here: clients reset theirs.
    let _ = match hub {
        Some(hub) => fanout(socket, &hub, is_data).await,
        None if arguments.by_hand => echo_by_hand(socket, is_data).await,
        None => echo(socket, is_data).await,
    };
}

async fn echo<S, M, E>(mut socket: S, is_data: fn(&M) -> bool) -> Option<()>
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    loop {
        let message = socket.next().await?.ok()?;
        if is_data(&message) {
            socket.send(message).await.ok()?;
        }
    }
}

/// The best form that the interface allows: every message that is ready, then one flush.
async fn echo_by_hand<S, M, E>(mut socket: S, is_data: fn(&M) -> bool) -> Option<()>
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    loop {
        let mut next = Some(socket.next().await);
        while let Some(message) = next {
            let message = message?.ok()?;
            if is_data(&message) {
                socket.feed(message).await.ok()?;
            }
            next = socket.next().now_or_never();
        }
        socket.flush().await.ok()?;
    }
}

async fn fanout<S, M, E>(mut socket: S, hub: &Hub<M>, is_data: fn(&M) -> bool) -> Option<()>
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Clone,
{
    let mut queue = hub.join();
    loop {
        tokio::select! {
            message = socket.next() => {
                let message = message?.ok()?;
                if is_data(&message) {
                    hub.publish(&message);
                }
            }
            message = queue.recv() => {
                let mut next = message;
                while let Some(message) = next {
                    socket.feed(message).await.ok()?;
                    next = queue.try_recv().ok();
                }
                socket.flush().await.ok()?;
            }
        }
    }
}
