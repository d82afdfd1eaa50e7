//! "Everyone", as far as it concerns one namespace; [`whole`](crate::whole) has the rest.

use rialto::{Bytes, Events};
use serde_json::json;
use std::time::Duration;

/// The rows; `io` is that of the socket's namespace, which belongs to one test alone.
pub(crate) fn events() -> Events {
    let events = Events::new()
        .on_ack("be in", async |socket, rooms: Vec<String>| socket.join(rooms))
        .on_ack("rooms", async |socket, ()| {
            let rooms = socket.rooms();
            Ok(rooms.iter().map(|room| room.to_string()).collect::<Vec<_>>())
        })
        .on_ack("share", async |socket, name: String| socket.set_shared_data(name));
    moving(remotes(broadcasts(events)))
}

fn broadcasts(events: Events) -> Events {
    events
        .on("all", async |socket, text: String| {
            let io = socket.io();
            io.emit("news", &text).await?;
            Ok(())
        })
        .on("room", async |socket, text: String| {
            let io = socket.io();
            io.to("room").emit("news", &text).await?;
            Ok(())
        })
        .on("all but", async |socket, text: String| {
            let io = socket.io();
            io.except("muted").emit("news", &text).await?;
            Ok(())
        })
        .on("volatile", async |socket, text: String| {
            let io = socket.io();
            io.volatile().emit("news", &text).await?;
            Ok(())
        })
        .on("local", async |socket, text: String| {
            let io = socket.io();
            io.local().emit("news", &text).await?;
            Ok(())
        })
        .on("image", async |socket, image: Bytes| {
            let (io, image) = (socket.io(), Vec::from(image));
            io.compress(false).emit("image", Bytes::from(image)).await?;
            Ok(())
        })
        .on_ack("ask", async |socket, ()| {
            let io = socket.io();
            let acks =
                io.timeout(Duration::from_secs(5)).emit_with_ack::<String>("question", ()).await?;
            acks.into_answers()
        })
}

fn remotes(events: Events) -> Events {
    events
        .on_ack("find", async |socket, ()| {
            let io = socket.io();
            let sockets = io.fetch_sockets().await?;
            Ok(sockets.iter().map(|found| found.id().to_owned()).collect::<Vec<_>>())
        })
        .on_ack("find in a room", async |socket, ()| {
            let io = socket.io();
            let found = io.to("room").fetch_sockets().await?;
            Ok(found.iter().map(|found| found.id().to_owned()).collect::<Vec<_>>())
        })
        .on_ack("remote", async |socket, id: String| {
            let found = socket.io().to(id).fetch_sockets().await?;
            let remote = found.first().ok_or("nobody of that id")?;
            let text = "from afar";
            println!("{:?} {} {}", remote.rooms(), remote.id(), remote.handshake().url());
            let name: Option<String> = remote.data()?;
            remote.emit("hi", text).await?;
            remote.join("room");
            remote.leave("other");
            Ok(json!(name))
        })
        .on_ack("ask remote", async |socket, id: String| {
            let mut found = socket.io().to(id).fetch_sockets().await?;
            let remote = found.remove(0);
            let answer: String =
                remote.timeout(Duration::from_secs(5)).emit_with_ack("question", ()).await?;
            Ok(answer)
        })
        .on("end remote", async |socket, id: String| {
            let found = socket.io().to(id).fetch_sockets().await?;
            let remote = found.first().ok_or("nobody of that id")?;
            remote.disconnect(true);
            Ok(())
        })
}

fn moving(events: Events) -> Events {
    events
        .on_ack("room joins", async |socket, ()| {
            let io = socket.io();
            io.to("room").sockets_join("other");
            Ok(())
        })
        .on_ack("room leaves", async |socket, ()| {
            let io = socket.io();
            io.to("room").sockets_leave("other");
            Ok(())
        })
        .on("room ends", async |socket, ()| {
            let io = socket.io();
            io.to("room").disconnect_sockets(true);
            Ok(())
        })
        .on_ack("all join", async |socket, ()| {
            let io = socket.io();
            io.sockets_join("room");
            Ok(())
        })
        .on_ack("all leave", async |socket, ()| {
            let io = socket.io();
            io.sockets_leave("room");
            Ok(())
        })
        .on("all end", async |socket, ()| {
            let io = socket.io();
            io.disconnect_sockets(true);
            Ok(())
        })
}
