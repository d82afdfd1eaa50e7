//! "Everyone", as far as it concerns a whole server; each is one test's alone.

use crate::ports::Ports;
use rialto::axum::http::StatusCode;
use rialto::axum::routing::post;
use rialto::{Events, Options, Server};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// Starts them.
pub(crate) async fn start(ports: &mut Ports) -> rialto::Result {
    ports.add("whole", whole()).await?;
    ports.add("closing", Server::new(closing())).await?;
    let server = Server::new(Events::new()).options(Options::default());
    let listen = server.bind("127.0.0.1:0").await?;
    ports.name("stopping", listen.address().port());
    tokio::spawn(
        async move { listen.run_until(async { drop(tokio::signal::ctrl_c().await) }).await },
    );
    Ok(())
}

fn whole() -> Server {
    let events = Events::new()
        .on("to admins", async |socket, ()| {
            let io = socket.io();
            let admin = io.of("/admin");
            admin.ok_or("there is none")?.emit("news", "for admins").await
        })
        .on_ack("look", async |socket, ()| {
            let io = socket.io();
            let sockets = io.sockets();
            let namespaces = io.namespaces();
            Ok(json!({
                "sockets": sockets.iter().map(|socket| socket.id()).collect::<Vec<_>>(),
                "namespaces": namespaces.iter().map(|io| io.namespace()).collect::<Vec<_>>(),
                "clients": io.clients_count(),
                "count": io.count(),
            }))
        })
        .on_ack("send to", async |socket, id: String| {
            let io = socket.io();
            let id = id.as_str();
            let socket = io.socket(id);
            socket.ok_or("nobody of that id")?.emit("news", "for you").await
        })
        .on_ack("rooms", async |socket, ()| {
            socket.join("room")?;
            let (io, id) = (socket.io(), socket.id());
            let mut sizes = BTreeMap::new();
            for (room, size) in io.rooms() {
                sizes.insert(room.to_string(), size);
            }
            let ids = io.members("room");
            let ids: Vec<_> = ids.iter().map(|id| id.to_string()).collect();
            let own = io.socket(id).map(|socket| socket.rooms()).unwrap_or_default();
            let own: Vec<_> = own.iter().map(|room| room.to_string()).collect();
            Ok(json!({ "sizes": sizes, "ids": ids, "own": own }))
        })
        .on_ack("join", async |socket, ()| socket.join("watched"))
        .on_ack("leave", async |socket, ()| socket.leave("watched"));
    let mut server = Server::new(events).namespace("/admin", Events::new());
    let io = server.io();
    io.on_room_change(|change| println!("{change:?}"));
    let announce =
        async move |text: String| io.emit("news", text).await.map(|()| StatusCode::NO_CONTENT);
    server.route("/announce", post(announce))
}

fn closing() -> Events {
    Events::new().on("end", async |socket, ()| {
        let io = socket.io();
        // The handler belongs to one of the clients that are ended here.
        tokio::spawn(async move {
            tokio::time::timeout(Duration::from_secs(5), async {
                io.close().await;
            })
            .await
        });
        Ok(())
    })
}
