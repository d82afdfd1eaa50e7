//! Events: a raw WebSocket that does what the page asks for, so that each event can be seen.
//!
//! Served by `Server::new(..).websocket_with("/ws/events", options, events::serve)`.

use rialto::ws::{CloseFrame, Result, WebSocket};

/// Bytes that the page may ask for at once.
const MAX_BINARY: usize = 65_536;

/// A text that is obeyed.
enum Command<'a> {
    Close(u16, &'a str),
    Binary(usize),
    Drop,
    Refused(&'static str),
}

/// One connection: obeys commands and returns everything else as it was.
pub(super) async fn serve(mut socket: WebSocket) -> Result<()> {
    while let Some(message) = socket.recv().await? {
        match message.as_text().and_then(parse) {
            None => socket.send(message).await?,
            // The close handshake: our frame, then the client's.
            Some(Command::Close(code, reason)) => return socket.close(code, reason).await,
            Some(Command::Binary(count)) => {
                let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(count).collect();
                socket.send(bytes).await?;
            }
            // No handshake: the page sees code 1006.
            Some(Command::Drop) => socket.abort(),
            Some(Command::Refused(reason)) => socket.send(format!("refused: {reason}")).await?,
        }
    }
    Ok(())
}

fn parse(text: &str) -> Option<Command<'_>> {
    if text == "drop" {
        return Some(Command::Drop);
    }
    match text.split_once(':')? {
        ("close", rest) => Some(close(rest).unwrap_or(Command::Refused(
            "a server closes with 1000 or 3000 to 4999 and a reason of at most 123 bytes",
        ))),
        ("binary", count) => match count.parse() {
            Ok(count) if count <= MAX_BINARY => Some(Command::Binary(count)),
            _ => Some(Command::Refused("0 to 65536 bytes")),
        },
        _ => None,
    }
}

/// `CODE:REASON`; the reason may hold colons.
fn close(text: &str) -> Option<Command<'_>> {
    let (code, reason) = text.split_once(':')?;
    let code = code.parse().ok().filter(|code| matches!(code, 1000 | 3000..=4999))?;
    (reason.len() <= CloseFrame::MAX_REASON).then_some(Command::Close(code, reason))
}
