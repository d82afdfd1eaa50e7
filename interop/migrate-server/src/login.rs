//! "Login".

use rialto::{Events, Handshake, Refused, Server, guard};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Login {
    name: String,
    token: String,
}

struct User {
    name: String,
}

async fn login(request: Handshake) -> Result<User, Refused> {
    let login: Login = request.auth()?;
    if login.token != "secret" {
        return Err(Refused::new("unauthorized"));
    }
    Ok(User { name: login.name })
}

fn server() -> Server {
    let events = Events::new().on("say", async |socket, text: String| {
        let user = socket.data::<User>().ok_or("no login")?;
        socket.io().emit("said", (&user.name, text)).await
    });
    Server::new(guard(login, events))
}

/// The page's server, with a namespace whose refusal has data, and one with two guards.
pub(crate) fn with_namespaces() -> Server {
    let whose = Events::new()
        .on_ack("who", async |socket, ()| Ok(socket.data::<User>().map(|user| user.name.clone())));
    server().namespace("/closed", guard(closed, Events::new())).namespace("/both", both(whose))
}

async fn closed(_request: Handshake) -> Result<(), Refused> {
    Err(Refused::new("unauthorized").data(&json!({ "code": 401 })))
}

async fn version(request: Handshake) -> Result<(), Refused> {
    match request.query("version").as_deref() {
        Some("2") => Ok(()),
        _ => Err(Refused::new("too old")),
    }
}

fn both(events: Events) -> impl rialto::Handler {
    guard(version, guard(login, events))
}
