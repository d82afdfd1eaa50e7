//! Clients of Socket.IO 2 beside those of today: one server, one room, each in its own words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use bytes::Bytes;
use rialto::ws::{self, Message, WebSocket};
use rialto::{Events, Options, Server};
use std::net::SocketAddr;
use support::{Client, start, within};

/// Opens a session of Engine.IO 3; its id.
async fn open(address: SocketAddr, query: &str) -> (WebSocket, String) {
    let url = format!("ws://{address}/socket.io/?EIO=3&transport=websocket{query}");
    let mut socket = within(ws::connect(&url)).await.unwrap();
    let open = next(&mut socket).await.to_string();
    let open: serde_json::Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(next(&mut socket).await, Message::from("40"));
    (socket, open["sid"].as_str().unwrap().to_owned())
}

async fn next(socket: &mut WebSocket) -> Message {
    within(socket.recv()).await.unwrap().unwrap()
}

fn server(events: Events) -> Server {
    Server::new(events).options(Options::default().allow_eio3(true))
}

#[tokio::test]
async fn a_broadcast_with_attachments_reaches_each_in_its_form() {
    let (address, io) = start(server(Events::new())).await;
    let (mut old, sid) = open(address, "").await;
    let (mut text_only, _) = open(address, "&b64=1").await;
    let mut modern = Client::join(address).await;
    for _ in 0..2 {
        io.emit("picture", Bytes::from_static(&[1, 2, 3])).await.unwrap();
    }
    let header = r#"451-["picture",{"_placeholder":true,"num":0}]"#;
    for _ in 0..2 {
        for (socket, binary) in [
            (&mut old, Message::from(vec![4, 1, 2, 3])),
            (&mut text_only, Message::from("b4AQID")),
            (&mut modern.socket, Message::from(vec![1, 2, 3])),
        ] {
            assert_eq!(next(socket).await, Message::from(header));
            assert_eq!(next(socket).await, binary);
        }
    }
    // The id is the session's, and names the client to everybody.
    io.to(sid.as_str()).emit("you", ()).await.unwrap();
    assert_eq!(next(&mut old).await, Message::from(r#"42["you"]"#));
}

#[tokio::test]
async fn a_question_to_an_old_client_is_answered_with_bytes() {
    let events = Events::new().on("begin", async |socket, ()| {
        let answer: Bytes = socket.emit_with_ack("question", Bytes::from_static(b"?")).await?;
        socket.emit("answer", (answer.len(), answer)).await
    });
    let (address, _) = start(server(events)).await;
    let (mut old, _) = open(address, "").await;
    old.send(r#"42["begin"]"#).await.unwrap();
    let question = next(&mut old).await.to_string();
    let id: String = question.chars().skip(4).take_while(char::is_ascii_digit).collect();
    assert_eq!(next(&mut old).await, Message::from(b"\x04?".to_vec()));
    let ack = format!(r#"461-{id}[{{"_placeholder":true,"num":0}}]"#);
    old.send(ack).await.unwrap();
    old.send(b"\x04four".to_vec()).await.unwrap();
    let answer = next(&mut old).await.to_string();
    assert_eq!(answer, r#"451-["answer",4,{"_placeholder":true,"num":0}]"#);
    assert_eq!(next(&mut old).await, Message::from(b"\x04four".to_vec()));
}

#[tokio::test]
async fn without_the_option_they_are_refused() {
    let (address, _) = start(Server::new(Events::new())).await;
    let url = format!("ws://{address}/socket.io/?EIO=3&transport=websocket");
    let error = within(ws::connect(&url)).await.unwrap_err();
    assert!(error.to_string().contains("400"), "{error}");
}
