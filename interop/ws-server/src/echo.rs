//! What a connection does.

use rialto_ws::{Result, WebSocket};
use serde_json::json;

/// The request by which a connection came.
pub(crate) struct How {
    pub(crate) version: String,
    pub(crate) method: String,
}

/// Answers until the peer closes.
pub(crate) async fn run(mut socket: WebSocket, how: How) -> Result<()> {
    while let Some(message) = socket.recv().await? {
        let text = message.as_text().unwrap_or_default();
        if text == "describe" {
            let description = describe(&socket, &how);
            socket.send(description).await?;
        } else if let Some(code) = text.strip_prefix("close ") {
            let (code, reason) = code.split_once(' ').unwrap_or((code, ""));
            return socket.close(code.parse().unwrap_or(1000), reason).await;
        } else {
            socket.send(message).await?;
        }
    }
    Ok(())
}

fn describe(socket: &WebSocket, how: &How) -> String {
    let request = socket.request();
    json!({
        "version": how.version,
        "method": how.method,
        "target": request.target(),
        "host": request.header("host"),
        "origin": request.header("origin"),
        "protocol": socket.protocol(),
        "peer": socket.peer_addr().map(|address| address.ip().to_string()),
    })
    .to_string()
}
