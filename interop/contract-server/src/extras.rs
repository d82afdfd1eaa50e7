//! More of the API than the contract asks for: sockets that were found, catch-all listeners, flags,
//! room changes.

use rialto::adapter::RoomChange;
use rialto::{Args, Error, Events, Io, RemoteSocket, Server, Socket, Value};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What has happened to the rooms of the main namespace.
#[derive(Default)]
pub(crate) struct RoomLog(Mutex<Vec<(String, String)>>);

/// Writes the log. The server is configured by now.
pub(crate) fn watch(server: &mut Server) {
    let io = server.io();
    let everyone = io.clone();
    io.on_room_change(move |change| {
        let (what, room) = match change {
            RoomChange::Created { room } => ("create", room),
            RoomChange::Joined { room, .. } => ("join", room),
            RoomChange::Left { room, .. } => ("leave", room),
            RoomChange::Deleted { room } => ("delete", room),
            _ => return,
        };
        let Some(log) = everyone.state::<RoomLog>() else { return };
        if let Ok(mut log) = log.0.lock() {
            log.push((room.to_string(), what.to_owned()));
        }
    });
}

/// Adds them.
pub(crate) fn add(events: Events) -> Events {
    flags(listeners(found(events)))
        .middleware(async |_, event| match event.name() {
            "forbidden" => Err(FORBIDDEN.into()),
            _ => Ok(()),
        })
        .on_error(|socket, _, error| {
            if error.to_string() == FORBIDDEN {
                drop(socket.emit("mw-error", FORBIDDEN));
            }
        })
}

const FORBIDDEN: &str = "event forbidden";

async fn find(io: Io, id: String) -> Result<RemoteSocket, Error> {
    let found = io.to(id).fetch_sockets().await?;
    found.into_iter().next().ok_or_else(|| "nobody of that id".into())
}

fn found(events: Events) -> Events {
    events
        .on_ack("remote", async |socket, id: String| {
            let found = find(socket.io(), id).await?;
            let data = found.data::<serde_json::Value>()?;
            let query = found.handshake().query("EIO");
            let rooms: Vec<_> = found.rooms().iter().map(|room| room.to_string()).collect();
            Ok(json!({ "rooms": rooms, "data": data, "EIO": query }))
        })
        .on_ack("remote-move", async |socket, (id, from, to): (String, String, String)| {
            let found = find(socket.io(), id).await?;
            found.leave(from);
            found.join(to);
            found.emit("moved", ()).await?;
            Ok(true)
        })
        .on_ack("remote-ask", async |socket, (id, ms): (String, u64)| {
            let found = find(socket.io(), id).await?.timeout(Duration::from_millis(ms));
            Ok(found.emit_with_ack::<Value>("question", ()).await.ok())
        })
        .on("remote-kick", async |socket, id: String| {
            find(socket.io(), id).await?.disconnect(false);
            Ok(())
        })
        .on_ack("room-log", async |socket, room: String| {
            let log = socket.state::<RoomLog>();
            let log = log.0.lock().map_err(|_| "a listener panicked")?;
            let of_room = log.iter().filter(|(name, _)| *name == room);
            Ok(of_room.map(|(_, what)| what.clone()).collect::<Vec<_>>())
        })
        .on_ack("leave-all", async |socket, ()| {
            socket.leave_all();
            Ok(true)
        })
        .on_ack("digits", async |socket, ()| Ok(socket.params::<String>().as_deref().cloned()))
}

/// What a socket has been sent since it asked.
type Sent = Mutex<Vec<(String, usize)>>;

fn listeners(events: Events) -> Events {
    events
        .on_ack("watch", async |socket: Socket, ()| {
            socket.set_data(Sent::default());
            socket.on_any_outgoing(|socket, event| {
                let count = event.args::<Args>().map_or(0, |args| args.len());
                let sent: Option<Arc<Sent>> = socket.data();
                if let Some(Ok(mut sent)) = sent.as_deref().map(Mutex::lock) {
                    sent.push((event.name().to_owned(), count));
                }
            });
            Ok(true)
        })
        .on_ack("watched", async |socket, ()| {
            socket.off_any_outgoing();
            let sent = socket.data::<Sent>().ok_or("not watched")?;
            let sent = sent.lock().map_err(|_| "a listener panicked")?;
            Ok(sent.clone())
        })
}

fn flags(events: Events) -> Events {
    events
        .on("plain", async |socket, args: Args| socket.compress(false).emit("plain", args).await)
        .on("local", async |socket, args: Args| socket.io().local().emit("local", args).await)
        .on("plain-all", async |socket, args: Args| {
            socket.io().compress(false).emit("plain-all", args).await
        })
}
