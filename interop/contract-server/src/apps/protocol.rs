//! `--app protocol`: the server under test of the Engine.IO and Socket.IO protocol suites.

use crate::args::Args;
use crate::{raw, settings};
use rialto::{Args as Arguments, Cors, Events, Server, Socket};

pub(crate) fn server(args: &Args) -> Server {
    // The suites also run as a page of another origin.
    let options = settings::timing(args).cors(Cors::new(["*"]));
    Server::new(events())
        .namespace("/custom", events())
        .options(options)
        .engine("/engine.io", raw::echo_engine)
}

fn events() -> Events {
    Events::new()
        .on_connect(send_auth)
        .on("message", async |socket, args: Arguments| socket.emit("message-back", args).await)
        .on_ack("message-with-ack", async |_, args: Arguments| Ok(args))
}

async fn send_auth(socket: Socket) -> rialto::Result {
    let auth: serde_json::Value = socket.handshake().auth()?;
    socket.emit("auth", auth).await
}
