//! Who may join which namespace; all of them run the same handlers.

use crate::{acks, data, echoes, extras, rooms};
use rialto::{Events, Handshake, Refused, Server, Socket, guard};
use serde_json::json;
use std::time::Duration;

/// The server with its namespaces.
pub(crate) fn server() -> Server {
    Server::new(guard(main, events()))
        .namespace("/chat", events())
        .namespace("/slow", guard(slow, events()))
        .namespace("/admin", guard(admin, events()))
        .namespace_parsed(dynamic, events())
}

/// The handlers of every namespace.
fn events() -> Events {
    let events = Events::new().on_connect(welcome).on("forbidden", async |socket, ()| {
        socket.emit("mw-error", "a forbidden event has passed").await
    });
    let events = echoes::add(events);
    let events = acks::add(events);
    let events = rooms::add(events);
    let events = data::add(events);
    extras::add(events)
}

async fn welcome(socket: Socket) -> rialto::Result {
    let (id, nsp, recovered) = (socket.id(), socket.namespace(), socket.recovered());
    let greeting = json!({ "id": id, "nsp": nsp, "recovered": recovered });
    socket.emit("welcome", greeting).await
}

async fn main(handshake: Handshake) -> Result<(), Refused> {
    match handshake.query("fail").as_deref() {
        Some("1") => Err(Refused::new("main refused")),
        _ => Ok(()),
    }
}

async fn slow(_handshake: Handshake) -> Result<(), Refused> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}

async fn admin(handshake: Handshake) -> Result<(), Refused> {
    let token = if handshake.protocol() == 3 {
        handshake.query("token")
    } else {
        let auth: serde_json::Value = handshake.auth()?;
        auth["token"].as_str().map(str::to_owned)
    };
    if token.as_deref() == Some("secret") {
        return Ok(());
    }
    Err(Refused::new("unauthorized").data(&json!({ "code": 401, "content": "no token" })))
}

/// `/dynamic-` and digits; the digits.
fn dynamic(name: &str) -> Option<String> {
    let digits = name.strip_prefix("/dynamic-")?;
    let fits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.to_owned())
}
