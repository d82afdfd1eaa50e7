//! "Listeners". Rows that would get into each other's way are in tables of their own.

use rialto::{Args, CloseReason, Events};

/// The tables and their names.
pub(crate) fn tables() -> Vec<(&'static str, Events)> {
    vec![
        ("table", table()),
        ("prepend", prepend()),
        ("any", any()),
        ("prepend-any", prepend_any()),
        ("off", off()),
        ("outgoing", outgoing()),
        ("off-outgoing", off_outgoing()),
        ("names", names()),
        ("middleware", middleware()),
        ("moving", moving()),
        ("leaving", leaving()),
        ("errors", errors()),
        ("sequential", sequential()),
    ]
}

/// What every table has: an answer that comes after all that was sent before.
fn flushed(events: Events) -> Events {
    events.on_ack("flush", async |_, ()| Ok(()))
}

// In lines as long as the rows of the page, here and below.
#[rustfmt::skip]
fn table() -> Events {
    flushed(Events::new())
        .on_connect(async |socket| socket.emit("welcome", "Hello!").await)
        .on("say", async |socket, text: String| socket.io().emit("said", text).await)
        .on("move", async |socket, (x, y): (f64, f64)|
            socket.broadcast().emit("moved", (x, y)).await)
        .on("typing", async |socket, ()| socket.broadcast().emit("typing", ()).await)
        .on("play", async |socket, args: Args| socket.emit("played", args).await)
        .on_ack("sum", async |_, (a, b): (f64, f64)| Ok(a + b))
        .once("ready", async |socket, ()| socket.join("players"))
        .on_ack("playing", async |socket, ()| Ok(socket.rooms().contains(&"players".into())))
        .on_ack("stop", async |socket, ()| socket.leave("players"))
}

fn prepend() -> Events {
    flushed(Events::new())
        .on("say", async |socket, text: String| socket.emit("said", text).await)
        .prepend("say", async |socket, text: String| socket.emit("echo", text).await)
}

fn any() -> Events {
    flushed(Events::new()).on_any(async |socket, event| socket.emit("seen", event.name()).await)
}

fn prepend_any() -> Events {
    flushed(Events::new())
        .on_any(async |socket, event| socket.emit("later", event.name()).await)
        .prepend_any(async |socket, event| socket.emit("seen", event.name()).await)
}

fn off() -> Events {
    flushed(Events::new())
        .on("say", async |socket, text: String| socket.emit("said", text).await)
        .on_any(async |socket, event| socket.emit("seen", event.name()).await)
        .off("say")
        .off_any()
}

#[rustfmt::skip]
fn outgoing() -> Events {
    flushed(Events::new())
        .on("play", async |socket, args: Args| socket.emit("played", args).await)
        .on_any_outgoing(|socket, event| println!("{} to {}", event.name(), socket.id()))
        .prepend_any_outgoing(|_, event| println!("first {}", event.name()))
}

fn off_outgoing() -> Events {
    flushed(Events::new())
        .on("play", async |socket, args: Args| socket.emit("played", args).await)
        .on_any_outgoing(|_, event| println!("still there: {}", event.name()))
        .off_any_outgoing()
}

fn names() -> Events {
    let events = flushed(Events::new()).on("say", async |_, _: String| Ok(()));
    let names: Vec<String> = events.event_names().map(str::to_owned).collect();
    events.on_ack("names", move |_, ()| {
        let names = names.clone();
        async move { Ok((names,)) }
    })
}

#[rustfmt::skip]
fn middleware() -> Events {
    flushed(Events::new())
        .middleware(async |_, event| if event.name() == "no" { Err("no".into()) } else { Ok(()) })
        .on("no", async |socket, ()| socket.emit("passed", "no").await)
        .on("yes", async |socket, ()| socket.emit("passed", "yes").await)
        .on_error(|socket, _, error| drop(socket.emit("refused", error.to_string())))
}

#[rustfmt::skip]
fn moving() -> Events {
    flushed(Events::new())
        .on_upgrade(async |socket| socket.emit("moved", socket.transport().as_str()).await)
        .on_ack("wait", async |socket, ()| Ok(socket.upgraded().await))
}

#[rustfmt::skip]
fn leaving() -> Events {
    flushed(Events::new())
        .on_connect(async |socket| socket.join("players"))
        .on_disconnect(async |socket| println!("{:?}", socket.rooms()))
        .on_disconnect(async |socket|
            println!("{:?}", socket.disconnect_reason().map(CloseReason::as_str)))
}

#[rustfmt::skip]
fn errors() -> Events {
    flushed(Events::new())
        .on("fail", async |_, ()| Err("as it was told".into()))
        .on_error(|socket, name, error| eprintln!("{} {name}: {error}", socket.id()))
}

fn sequential() -> Events {
    flushed(Events::new())
        .on("work", async |socket, text: String| {
            socket.emit("begun", &text).await?;
            let () = socket.emit_with_ack("go", ()).await?;
            socket.emit("done", &text).await
        })
        .sequential()
}
