//! What the server knows about a socket, and what it keeps for it.

use rialto::{Events, Socket, Value};
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The sockets that gave themselves a name, and how the last of each name ended.
#[derive(Default)]
pub(crate) struct Reasons(Mutex<HashMap<String, &'static str>>);

impl Reasons {
    fn set(&self, name: &str, reason: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), reason);
    }

    fn get(&self, name: &str) -> Option<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}

/// The name that a socket gave itself.
struct Label(String);

/// The value that a socket stored.
#[derive(Serialize)]
struct Stored(Value);

/// Adds the events.
pub(crate) fn add(events: Events) -> Events {
    events
        .on_ack("info", async |socket, ()| Ok(info(&socket)))
        .on_ack("handshake", async |socket, ()| handshake(&socket))
        .on_ack("label", async |socket, name: String| {
            socket.set_data(Label(name));
            Ok(true)
        })
        .on_disconnect(async |socket| {
            if let (Some(label), Some(reason)) =
                (socket.data::<Label>(), socket.disconnect_reason())
            {
                socket.state::<Reasons>().set(&label.0, reason.as_str());
            }
        })
        .on_ack("reason-of", async |socket, name: String| Ok(socket.state::<Reasons>().get(&name)))
        .on_ack("set-data", async |socket, value: Value| {
            socket.set_shared_data(Stored(value))?;
            Ok(true)
        })
        .on_ack("get-data", async |socket, ()| {
            Ok(socket.data::<Stored>().map_or(Value::Null, |stored| stored.0.clone()))
        })
}

fn info(socket: &Socket) -> serde_json::Value {
    let rooms: Vec<_> = socket.rooms().iter().map(|room| room.to_string()).collect();
    json!({
        "id": socket.id(),
        "nsp": socket.namespace(),
        "transport": socket.transport().as_str(),
        "protocol": socket.handshake().protocol(),
        "recovered": socket.recovered(),
        "rooms": rooms,
    })
}

fn handshake(socket: &Socket) -> rialto::Result<serde_json::Value> {
    let handshake = socket.handshake();
    let query: serde_json::Map<_, _> =
        handshake.query_pairs().into_iter().map(|(name, value)| (name, value.into())).collect();
    Ok(json!({
        "auth": handshake.auth::<serde_json::Value>()?,
        "query": query,
        "url": handshake.url(),
        "secure": handshake.secure(),
        "header": handshake.header("x-test"),
        "cookie": handshake.header("cookie"),
    }))
}
