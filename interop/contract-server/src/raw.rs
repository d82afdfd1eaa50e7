//! The two echoes beside Socket.IO: bare Engine.IO and raw WebSockets.

use rialto::EngineSocket;
use rialto::ws::{Message, WebSocket};

/// Each message back to its sender.
pub(crate) async fn echo_engine(socket: EngineSocket) -> rialto::Result {
    while let Some(message) = socket.recv().await {
        socket.send(message).await?;
    }
    Ok(())
}

/// Each message back to its sender, and a few commands.
pub(crate) async fn echo(mut socket: WebSocket) -> rialto::Result {
    while let Some(message) = socket.recv().await? {
        match Command::of(&message) {
            Command::Echo => socket.send(message).await?,
            Command::Drop => {
                socket.abort();
                return Ok(());
            }
            Command::Headers => {
                let offer = socket.request().header("sec-websocket-extensions");
                socket.send(offer.unwrap_or_default()).await?;
            }
            Command::Close(code, reason) => return Ok(socket.close(code, reason).await?),
        }
    }
    Ok(())
}

enum Command<'a> {
    Echo,
    /// `drop`: cut the TCP connection.
    Drop,
    /// `headers`: what the request offered as extensions.
    Headers,
    /// `close:CODE:REASON`.
    Close(u16, &'a str),
}

impl<'a> Command<'a> {
    fn of(message: &'a Message) -> Self {
        match message.as_text() {
            Some("drop") => Self::Drop,
            Some("headers") => Self::Headers,
            Some(text) => Self::close(text).unwrap_or(Self::Echo),
            None => Self::Echo,
        }
    }

    fn close(text: &'a str) -> Option<Self> {
        let (code, reason) = text.strip_prefix("close:")?.split_once(':')?;
        Some(Self::Close(code.parse().ok()?, reason))
    }
}
