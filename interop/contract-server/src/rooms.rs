//! Rooms, broadcasts, and how connections are ended.

use rialto::{Args, Error, Events, Value};
use std::time::Duration;

/// Adds them.
pub(crate) fn add(events: Events) -> Events {
    endings(whole_rooms(broadcasts(members(events))))
}

fn members(events: Events) -> Events {
    events
        .on_ack("join", async |socket, room: String| {
            socket.join(room)?;
            Ok(true)
        })
        .on_ack("leave", async |socket, room: String| {
            socket.leave(room)?;
            Ok(true)
        })
}

fn broadcasts(events: Events) -> Events {
    events
        .on("to", async |socket, args: Args| {
            let mut args = Rest::new(args);
            let rooms: Vec<String> = args.next()?;
            socket.to(rooms).emit(&args.next::<String>()?, args.rest()).await
        })
        .on("in", async |socket, args: Args| {
            let mut args = Rest::new(args);
            let rooms: Vec<String> = args.next()?;
            socket.io().to(rooms).emit(&args.next::<String>()?, args.rest()).await
        })
        .on("except", async |socket, args: Args| {
            let mut args = Rest::new(args);
            let (rooms, not): (Vec<String>, Vec<String>) = (args.next()?, args.next()?);
            socket.io().to(rooms).except(not).emit(&args.next::<String>()?, args.rest()).await
        })
        .on("broadcast", async |socket, args: Args| {
            let mut args = Rest::new(args);
            socket.broadcast().emit(&args.next::<String>()?, args.rest()).await
        })
        .on("all", async |socket, args: Args| {
            let mut args = Rest::new(args);
            socket.io().emit(&args.next::<String>()?, args.rest()).await
        })
        .on_ack("ask-room", async |socket, args: Args| {
            let mut args = Rest::new(args);
            let (room, ms): (String, u64) = (args.next()?, args.next()?);
            let asking = socket.io().to(room).timeout(Duration::from_millis(ms));
            let acks =
                asking.emit_with_ack::<Option<Value>>(&args.next::<String>()?, args.rest()).await?;
            let late = !acks.is_complete();
            let answers = acks.answers.into_iter().map(|(_, answer)| answer);
            Ok((late, answers.collect::<rialto::Result<Vec<_>>>()?))
        })
}

fn whole_rooms(events: Events) -> Events {
    events
        .on_ack("room-size", async |socket, room: String| {
            Ok(socket.io().to(room).fetch_sockets().await?.len())
        })
        .on_ack("room-join", async |socket, (room, other): (String, String)| {
            socket.io().to(room).sockets_join(other);
            Ok(true)
        })
        .on("room-kick", async |socket, room: String| {
            socket.io().to(room).disconnect_sockets(false);
            Ok(())
        })
}

fn endings(events: Events) -> Events {
    events
        .on("kick", async |socket, close: Option<Value>| {
            socket.disconnect(close == Some(Value::Bool(true)));
            Ok(())
        })
        .on("drop", async |socket, ()| {
            socket.close_connection();
            Ok(())
        })
}

/// Arguments that are taken one by one.
struct Rest(<Args as IntoIterator>::IntoIter);

impl Rest {
    fn new(args: Args) -> Self {
        Self(args.into_iter())
    }

    fn next<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        Ok(self.0.next().unwrap_or_default().decode()?)
    }

    fn rest(self) -> Args {
        self.0.collect()
    }
}
