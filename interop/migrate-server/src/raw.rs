//! "Raw WebSockets".

use crate::ports::Ports;
use rialto::ws::{self, WebSocket};
use rialto::{Bytes, Events, Server};

/// Starts a server for each row that makes one, and one for what can be done with a connection.
pub(crate) async fn start(ports: &mut Ports) -> rialto::Result {
    ports
        .add_at("ws", |port| {
            tokio::spawn(async move {
                ws::serve(("127.0.0.1", port), echo).await?;
                ws::Result::<()>::Ok(())
            })
        })
        .await?;
    let server = || Server::new(Events::new());
    ports.add("ws-path", server().websocket("/echo", echo)).await?;
    let large = server();
    let large = large.websocket_with("/large", ws::Options::default().max_message(1000), echo);
    ports.add("ws-large", large).await?;
    let options = ws::Options::default().deflate(ws::Deflate::default());
    ports.add("ws-deflate", server().websocket_with("/", options, echo)).await?;
    let options = ws::Options::default().protocols(["chat"]).deflate(ws::Deflate::default());
    ports.add("ws-one", server().websocket_with("/", options, one)).await?;
    let group = ws::Group::new();
    let chat = move |socket| chat(socket, group.clone());
    ports.add("ws-all", server().websocket("/", chat)).await
}

/// Text forwards, binary backwards.
async fn echo(mut socket: WebSocket) -> ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        match message.as_text() {
            Some(text) => socket.send(text).await?,
            None => {
                let reversed: Vec<u8> = message.as_bytes().iter().rev().copied().collect();
                socket.send(reversed).await?;
            }
        }
    }
    Ok(())
}

/// What is said to a connection is what it does.
async fn one(mut socket: WebSocket) -> ws::Result<()> {
    while let Some(message) = socket.recv().await? {
        match message.as_text().unwrap_or_default() {
            "close" => socket.close(1000, "bye").await?,
            "terminate" => socket.abort(),
            command => answer(&socket, command).await?,
        }
    }
    let frame = socket.close_frame();
    if let Some(frame) = frame {
        println!("{} {}", frame.code, frame.reason);
    }
    Ok(())
}

async fn answer(socket: &WebSocket, command: &str) -> ws::Result<()> {
    let data = vec![1, 2, 3];
    match command {
        "text" => {
            socket.send("text").await?;
        }
        "buffer" => {
            socket.send(Bytes::from(data)).await?;
        }
        "image" => {
            let data = vec![7; 5000];
            socket.sender().uncompressed().send(data.clone()).await?;
        }
        "ping" => {
            socket.ping(b"")?;
        }
        "buffered" => socket.send(socket.buffered().to_string()).await?,
        "url" => socket.send(socket.request().target()).await?,
        "cookie" => socket.send(socket.request().header("cookie").unwrap_or_default()).await?,
        "protocol" => socket.send(socket.protocol().unwrap_or_default()).await?,
        command => dial(socket, command).await?,
    }
    Ok(())
}

/// `connect URL` and `connect with a cookie URL`: tells what the other end is told.
async fn dial(asker: &WebSocket, command: &str) -> ws::Result<()> {
    if let Some(url) = command.strip_prefix("connect with a cookie ") {
        let socket = ws::Connect::new(url).header("cookie", "id=1").connect().await?;
        return heard(socket, asker).await;
    }
    let url = command.trim_start_matches("connect ");
    let socket = ws::connect(url).await?;
    heard(socket, asker).await
}

async fn heard(mut socket: WebSocket, asker: &WebSocket) -> ws::Result<()> {
    socket.send("cookie").await?;
    if let Some(message) = socket.recv().await? {
        asker.send(message).await?;
    }
    socket.close(1000, "").await
}

async fn chat(mut socket: WebSocket, group: ws::Group) -> ws::Result<()> {
    let member = group.join(&socket);
    while let Some(message) = socket.recv().await? {
        let data = message.as_text().unwrap_or_default().to_owned();
        if data == "size" {
            socket.send(group.len().to_string()).await?;
        } else if data.starts_with("others") {
            group.publish_except(&member, data);
        } else {
            group.publish(data);
        }
    }
    Ok(())
}
