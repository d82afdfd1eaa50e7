//! Transports: the same work over long-polling and over WebSocket, measured by the page.
//!
//! Served by `Server::new(..).namespace("/transports", transports::serve)`.

use rialto::{Handshake, Socket};
use serde::{Deserialize, Serialize};

const MAX_TEXT: usize = 4096;
const MAX_TICKS: usize = 500;

/// All events of the page. A variant's name is the event's, its fields are the arguments.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Echo(String),
    Note,
    Noted,
    Stream(usize, usize),
}

#[derive(Serialize)]
struct Hello {
    head: usize,
}

/// One client. A loop instead of a table: its state is a variable.
pub(super) async fn serve(mut socket: Socket) -> rialto::Result {
    socket.emit("hello", Hello { head: head_bytes(socket.handshake()) }).await?;
    let mut notes = 0_u64;
    while let Some(event) = socket.recv().await {
        // What is none of these, or holds other arguments, is not answered.
        let Ok(ask) = event.read() else { continue };
        match ask {
            Ask::Echo(text) => event.ack(text.chars().take(MAX_TEXT).collect::<String>()).await?,
            Ask::Note => notes += 1,
            Ask::Noted => event.ack(std::mem::take(&mut notes)).await?,
            Ask::Stream(count, size) => {
                let (count, text) = (count.min(MAX_TICKS), "x".repeat(size.min(MAX_TEXT)));
                for number in 0..count {
                    // Waits when the client cannot keep up.
                    socket.emit("tick", (number, &text)).await?;
                }
                event.ack(count).await?;
            }
        }
    }
    Ok(())
}

/// Bytes in the head of the request that opened the session.
fn head_bytes(handshake: &Handshake) -> usize {
    let request_line = "GET  HTTP/1.1\r\n".len() + handshake.url().len();
    let fields = handshake.headers().map(|(name, value)| name.len() + value.len() + ": \r\n".len());
    request_line + fields.sum::<usize>()
}
