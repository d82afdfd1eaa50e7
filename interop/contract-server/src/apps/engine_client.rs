//! `--app engine-client`: the server of `engine.io-client`'s own tests.
//!
//! Two things of it need an interface that Rialto does not have: several cookies of the
//! application's own on the handshake's answer, and the headers of a later POST (`sendHeaders`
//! answers with those of the handshake).

use crate::args::Args;
use crate::settings;
use rialto::ws::Message;
use rialto::{Bytes, EngineSocket, Events, Handshake, Server};

const UTF8: &str = "пойду спать всем спокойной ночи";

pub(crate) fn server(args: &Args) -> Server {
    let options = settings::timing(args).allow_request(admit);
    Server::new(Events::new()).options(options).engine("/engine.io", serve)
}

fn admit(handshake: &Handshake) -> Result<(), String> {
    match handshake.query("deny") {
        Some(_) => Err("Forbidden".to_owned()),
        None => Ok(()),
    }
}

async fn serve(socket: EngineSocket) -> rialto::Result {
    socket.send("hi").await?;
    while let Some(message) = socket.recv().await {
        match message.as_text() {
            Some("give binary") => socket.send(Bytes::from_static(&[0, 1, 2, 3, 4])).await?,
            Some("give utf8") => socket.send(UTF8).await?,
            Some("sendHeaders") => socket.send(headers(&socket)?).await?,
            _ => socket.send(message).await?,
        }
    }
    Ok(())
}

fn headers(socket: &EngineSocket) -> rialto::Result<Message> {
    let fields: serde_json::Map<_, _> = socket
        .handshake()
        .headers()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into()))
        .collect();
    Ok(serde_json::to_string(&fields)?.into())
}
