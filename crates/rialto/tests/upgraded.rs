//! Who is told when a client moves from long-polling to a WebSocket: tables, loops, bare Engine.IO.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{EngineSocket, Events, Options, Server, Socket};
use std::time::Duration;
use support::{Client, Poller, http, start, within};
use tokio::sync::mpsc;

/// The client's upgrade, complete.
async fn upgrade(poller: &Poller) -> Client {
    let mut socket = poller.websocket().await;
    socket.send("2probe").await.unwrap();
    assert_eq!(within(socket.recv()).await.unwrap().unwrap().to_string(), "3probe");
    socket.send("5").await.unwrap();
    Client { socket }
}

#[tokio::test]
async fn a_table_hears_of_each_upgrade_once() {
    let events = Events::new()
        .on_upgrade(async |socket| socket.emit("moved", socket.transport().as_str()).await)
        .on_upgrade(async |_| Err("on purpose".into()))
        .on_ack("ping", async |_, ()| Ok("pong"))
        .on_error(|socket, name, error| drop(socket.emit("failed", (name, error.to_string()))));
    let other = Events::new().on_upgrade(async |socket| socket.emit("too", ()).await);
    let (address, _) = start(Server::new(events).namespace("/other", other)).await;

    let mut poller = Poller::join(address).await;
    poller.post("40/other,").await;
    assert!(poller.poll().await.starts_with("40/other,"));
    poller.post(r#"421["ping"]"#).await;
    assert_eq!(poller.poll().await, r#"431["pong"]"#, "nothing has moved yet");
    let mut client = upgrade(&poller).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(client.recv().await);
    }
    heard.sort();
    let expected = [
        r#"2/other,["too"]"#,
        r#"2["failed","upgrade","on purpose"]"#,
        r#"2["moved","websocket"]"#,
    ];
    assert_eq!(heard, expected);
    assert_eq!(client.ask(2, r#"["ping"]"#).await, r#"32["pong"]"#);

    // What begins on a WebSocket does not move.
    let mut direct = Client::join(address).await;
    assert_eq!(direct.ask(1, r#"["ping"]"#).await, r#"31["pong"]"#);
}

#[tokio::test]
async fn loops_and_tasks_of_ones_own_can_wait_for_it() {
    let (said, mut hears) = mpsc::unbounded_channel();
    let outside = move |socket: Socket| {
        let said = said.clone();
        async move {
            let waiting = socket.upgraded();
            let task = tokio::spawn(async move { said.send(waiting.await).unwrap() });
            let moved = socket.upgraded().await;
            task.await.unwrap();
            socket.emit("moved", moved).await?;
            socket.closed().await;
            Ok(())
        }
    };
    let (address, _) = start(Server::new(outside)).await;
    let poller = Poller::join(address).await;
    let mut client = upgrade(&poller).await;
    assert_eq!(client.recv().await, r#"2["moved",true]"#);
    assert_eq!(within(hears.recv()).await, Some(true));
    // One that is there already is there at once.
    let mut direct = Client::join(address).await;
    assert_eq!(direct.recv().await, r#"2["moved",true]"#);
    assert_eq!(within(hears.recv()).await, Some(true));
    // And one that leaves never comes.
    let mut poller = Poller::join(address).await;
    poller.post("1").await;
    assert_eq!(within(hears.recv()).await, Some(false));
}

#[tokio::test]
async fn a_bare_session_has_it_too() {
    let (said, mut hears) = mpsc::unbounded_channel();
    let handler = move |socket: EngineSocket| {
        let said = said.clone();
        async move {
            let moved = socket.upgraded().await;
            said.send(moved).unwrap();
            socket.send(socket.transport().as_str()).await
        }
    };
    let options = Options::default().ping_interval(Duration::from_secs(30));
    let (address, _) = start(Server::default().engine("/raw", handler).options(options)).await;
    let open = async || {
        let base = "/raw/?EIO=4&transport=polling";
        let (_, body) = http(address, "GET", base, "").await;
        format!("{base}&sid={}", body.split('"').nth(3).unwrap())
    };
    let target = open().await.replace("transport=polling", "transport=websocket");
    let url = format!("ws://{address}{target}");
    let mut socket = within(rialto::ws::connect(&url)).await.unwrap();
    socket.send("2probe").await.unwrap();
    assert_eq!(within(socket.recv()).await.unwrap().unwrap().to_string(), "3probe");
    socket.send("5").await.unwrap();
    assert_eq!(within(socket.recv()).await.unwrap().unwrap().to_string(), "4websocket");
    assert_eq!(within(hears.recv()).await, Some(true));
    assert_eq!(http(address, "POST", &open().await, "1").await.0, 200);
    assert_eq!(within(hears.recv()).await, Some(false));
}
