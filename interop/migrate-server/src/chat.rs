//! "Variables of a connection".

use rialto::{Server, Socket};

async fn chat(mut socket: Socket) -> rialto::Result {
    let mut name = String::from("somebody");
    while let Some(event) = socket.recv().await {
        match event.name() {
            "name" => name = event.args()?,
            "say" => socket.io().emit("said", (&name, event.args::<String>()?)).await?,
            "count" => event.ack(socket.io().count()).await?,
            _ => {}
        }
    }
    Ok(())
}

/// A server with nothing else.
pub(crate) fn server() -> Server {
    Server::new(chat)
}
