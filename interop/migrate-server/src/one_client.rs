//! "One client".

use rialto::{Bytes, Events};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, UNIX_EPOCH};

struct Name(String);

#[derive(Deserialize)]
struct Login {
    name: String,
}

/// All rows of that table; each event is one row, or a few that belong together.
pub(crate) fn events() -> Events {
    ends(handshake(about(data(rooms(broadcasts(asking(sending(Events::new()))))))))
}

fn sending(events: Events) -> Events {
    events
        .on("send news", async |socket, (x, y): (f64, f64)| {
            socket.emit("news", (x, y)).await?;
            Ok(())
        })
        .on("send list", async |socket, ()| {
            socket.emit("list", vec![1, 2]).await?;
            Ok(())
        })
        .on("send file", async |socket, ()| {
            let data = vec![1, 2, 3];
            socket.emit("file", Bytes::from(data)).await?;
            Ok(())
        })
        .on("send cursor", async |socket, (x, y): (f64, f64)| {
            socket.volatile().emit("cursor", (x, y)).await?;
            Ok(())
        })
        .on("send image", async |socket, image: Bytes| {
            let image = Vec::from(image);
            socket.compress(false).emit("image", Bytes::from(image)).await?;
            Ok(())
        })
        .on("send message", async |socket, ()| {
            socket.emit("message", "hi").await?;
            Ok(())
        })
        .on("watch", async |socket, ()| {
            socket.on_any_outgoing(|_, event| println!("{}", event.name()));
            socket.emit("watched", ()).await
        })
}

fn asking(events: Events) -> Events {
    events
        .on("ask", async |socket, ()| {
            let answer: String = socket.emit_with_ack("question", ()).await?;
            socket.emit("answered", answer).await
        })
        .on("ask in time", async |socket, ()| {
            let answer = socket
                .timeout(Duration::from_millis(500))
                .emit_with_ack::<String>("question", ())
                .await;
            let late = answer.is_err_and(|error| error.is_timeout());
            socket.emit("answered late", late).await
        })
}

fn broadcasts(events: Events) -> Events {
    events
        .on("to others", async |socket, text: String| {
            socket.broadcast().emit("said", &text).await?;
            Ok(())
        })
        .on("to others here", async |socket, text: String| {
            socket.local().emit("said", &text).await?;
            Ok(())
        })
        .on("to a room", async |socket, text: String| {
            socket.to("room").emit("said", &text).await?;
            Ok(())
        })
        .on("to rooms", async |socket, text: String| {
            socket.to(["a", "b"]).except("muted").emit("said", &text).await?;
            Ok(())
        })
        .on("to all but", async |socket, text: String| {
            socket.except("muted").emit("said", &text).await?;
            Ok(())
        })
}

fn rooms(events: Events) -> Events {
    events
        .on_ack("be in", async |socket, rooms: Vec<String>| socket.join(rooms))
        .on_ack("join", async |socket, ()| {
            socket.join(["a", "b"])?;
            Ok(())
        })
        .on_ack("leave", async |socket, ()| {
            socket.join("room")?;
            socket.leave("room")?;
            Ok(())
        })
        .on_ack("leave all", async |socket, ()| {
            socket.leave_all();
            Ok(())
        })
        .on_ack("rooms", async |socket, ()| {
            let rooms = socket.rooms();
            Ok(rooms.iter().map(|room| room.to_string()).collect::<Vec<_>>())
        })
}

fn data(events: Events) -> Events {
    events
        .on_ack("set name", async |socket, ()| {
            socket.set_data(Name("Ada".to_owned()));
            Ok(())
        })
        .on_ack("name", async |socket, ()| {
            let name = socket.data::<Name>();
            Ok(name.map(|name| name.0.clone()))
        })
        .on_ack("share", async |socket, ()| {
            socket.set_shared_data("Ada".to_owned())?;
            let found = socket.io().to(socket.id()).fetch_sockets().await?;
            found[0].data::<String>()
        })
}

fn about(events: Events) -> Events {
    events
        .on_ack("id", async |socket, ()| Ok(socket.id().to_owned()))
        .on_ack("transport", async |socket, ()| Ok(socket.transport().as_str()))
        .on_ack("namespace", async |socket, ()| Ok(socket.namespace().to_owned()))
        .on_ack("connected", async |socket, ()| Ok(socket.is_connected()))
        .on_ack("recovered", async |socket, ()| Ok(socket.recovered()))
}

fn handshake(events: Events) -> Events {
    events
        .on_ack("login", async |socket, ()| {
            let login: Login = socket.handshake().auth()?;
            Ok(login.name)
        })
        .on_ack("handshake", async |socket, ()| {
            let headers: serde_json::Map<_, _> = socket
                .handshake()
                .headers()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            Ok(json!({
                "room": socket.handshake().query("room"),
                "cookie": socket.handshake().header("cookie"),
                "address": socket.handshake().address().map(|address| address.ip()),
                "url": socket.handshake().url(),
                "headers": headers,
                "secure": socket.handshake().secure(),
                "xdomain": socket.handshake().xdomain(),
                "protocol": socket.handshake().protocol(),
            }))
        })
        .on_ack("issued", async |socket, ()| {
            let since = socket.handshake().issued().duration_since(UNIX_EPOCH);
            Ok(since.map_or(0.0, |since| since.as_secs_f64() * 1000.0))
        })
}

fn ends(events: Events) -> Events {
    events
        .on("disconnect me", async |socket, ()| {
            socket.disconnect(false);
            Ok(())
        })
        .on("disconnect all of me", async |socket, ()| {
            socket.disconnect(true);
            Ok(())
        })
        .on("close", async |socket, ()| {
            socket.close_connection();
            Ok(())
        })
}
