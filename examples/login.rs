//! Login before anything else: what `login` returns is what the handler receives, so there is no
//! handler without a user.
//!
//! Run `cargo run -p rialto-examples --example login`, open <http://127.0.0.1:3000>.
//!
//! In Node: `io.use((socket, next) => next(valid(socket.handshake.auth) ? undefined : error))`

use rialto::{Handshake, Refused, Server, Socket, guard};
use serde::Deserialize;

#[derive(Deserialize)]
struct Login {
    name: String,
    token: String,
}

#[tokio::main]
async fn main() -> rialto::Result {
    Server::new(guard(login, chat))
        .files("examples/public/login")
        .listen(rialto_examples::address())
        .await
}

async fn login(request: Handshake) -> Result<String, Refused> {
    let login: Login = request.auth()?;
    if login.token == "secret" { Ok(login.name) } else { Err(Refused::new("unauthorized")) }
}

async fn chat(mut socket: Socket, name: String) -> rialto::Result {
    socket.emit("welcome", format!("Hello, {name}!")).await?;
    while let Some(event) = socket.recv().await {
        if event.name() == "say" {
            socket.io().emit("said", (&name, event.args::<String>()?)).await?;
        }
    }
    Ok(())
}
