//! With connection state recovery, code of the program that runs while packets are being recorded
//! may itself emit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{ConnectionStateRecovery, Events, Io, Options, Server, Socket};
use std::net::SocketAddr;
use std::time::Duration;
use support::{Client, start, within};
use tokio::sync::mpsc;

async fn serve(events: Events, kept: Duration) -> (SocketAddr, Io) {
    let recovery = ConnectionStateRecovery::default().max_disconnection_duration(kept);
    start(Server::new(events).options(Options::default().connection_state_recovery(recovery))).await
}

/// The event without its offset.
async fn event(client: &mut Client) -> String {
    let packet = client.recv().await;
    let (event, _) = packet.rsplit_once(",\"").expect("an offset");
    event.to_owned()
}

/// Joins the main namespace; gives back the secret by which the client may return.
async fn join(client: &mut Client, auth: &str) -> String {
    client.send(&format!("0{auth}")).await;
    let answer = client.recv().await;
    answer.split('"').nth(7).expect("a pid").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_of_rooms_when_a_client_comes_back() {
    let events = Events::new()
        .on_ack("join", async |socket: Socket, room: String| socket.join(room))
        .on_ack("recovered", async |socket: Socket, ()| Ok(socket.recovered()));
    let (address, io) = serve(events, Duration::from_secs(60)).await;
    let told = io.clone();
    io.on_room_change(move |change| drop(told.emit("room", format!("{change:?}"))));
    let mut watcher = Client::open(address).await;
    join(&mut watcher, "").await;
    let mut client = Client::open(address).await;
    let pid = join(&mut client, "").await;
    client.send(r#"20["join","r"]"#).await;
    for change in ["Created", "Joined"] {
        assert!(event(&mut watcher).await.contains(change));
    }
    drop(client);
    for change in ["Left", "Deleted"] {
        assert!(event(&mut watcher).await.contains(change));
    }
    let mut client = Client::open(address).await;
    client.send(&format!(r#"0{{"pid":"{pid}"}}"#)).await;
    for change in ["Created", "Joined"] {
        assert!(event(&mut watcher).await.contains(change));
    }
    client.send(r#"21["recovered"]"#).await;
    within(async { while client.recv().await != "31[true]" {} }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_of_what_is_sent() {
    let events = Events::new().on_any_outgoing(|socket, event| {
        if event.name() == "news" {
            drop(socket.emit("seen", event.args::<u64>().unwrap()));
        }
    });
    let (address, io) = serve(events, Duration::from_secs(60)).await;
    let mut client = Client::open(address).await;
    join(&mut client, "").await;
    within(io.emit("news", 1)).await.unwrap();
    within(io.socket(io.sockets()[0].id()).unwrap().emit("news", 2)).await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(event(&mut client).await);
    }
    heard.sort();
    assert_eq!(heard, [r#"2["news",1"#, r#"2["news",2"#, r#"2["seen",1"#, r#"2["seen",2"#]);
}

/// Says when it is forgotten.
struct Farewell(Io);

impl Drop for Farewell {
    fn drop(&mut self) {
        drop(self.0.emit("gone", ()));
    }
}

/// Nothing is emitted and nobody comes or goes: what was kept is forgotten all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_is_dropped_with_a_session_that_has_expired() {
    let events = Events::new().on_ack("stay", async |socket: Socket, ()| {
        socket.set_data(Farewell(socket.io()));
        Ok(())
    });
    let (address, _) = serve(events, Duration::from_millis(50)).await;
    let mut other = Client::open(address).await;
    join(&mut other, "").await;
    let mut client = Client::open(address).await;
    join(&mut client, "").await;
    assert_eq!(client.ask(0, "[\"stay\"]").await, "30[]");
    drop(client);
    assert_eq!(event(&mut other).await, r#"2["gone""#);
}

/// A value that looks at the socket's other data when it goes.
struct Looks(Socket, mpsc::UnboundedSender<u64>);

impl Drop for Looks {
    fn drop(&mut self) {
        self.0.set_data("seen".to_owned());
        let number = self.0.data::<u64>().map_or(0, |number| *number);
        self.1.send(number).unwrap();
    }
}

impl serde::Serialize for Looks {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(1)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_is_replaced() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let events = Events::new().on_ack("replace", move |socket: Socket, ()| {
        let tell = tell.clone();
        async move {
            socket.set_data(7_u64);
            socket.set_data(Looks(socket.clone(), tell.clone()));
            socket.set_data(Looks(socket.clone(), tell.clone()));
            socket.set_shared_data(Looks(socket.clone(), tell))?;
            drop(socket.remove_data::<Looks>());
            Ok(())
        }
    });
    let (address, _io) = serve(events, Duration::from_secs(60)).await;
    let mut client = Client::open(address).await;
    join(&mut client, "").await;
    client.send(r#"21["replace"]"#).await;
    for _ in 0..3 {
        assert_eq!(within(told.recv()).await, Some(7));
    }
    assert_eq!(client.recv().await, "31[]");
}

/// A listener of outgoing events that holds such a value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_that_are_removed() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let events = Events::new().on_ack("listen", move |socket: Socket, ()| {
        socket.set_data(7_u64);
        let held = Looks(socket.clone(), tell.clone());
        socket.on_any_outgoing(move |_, _| assert!(held.0.is_connected()));
        socket.off_any_outgoing();
        std::future::ready(Ok(()))
    });
    let (address, _io) = serve(events, Duration::from_secs(60)).await;
    let mut client = Client::open(address).await;
    join(&mut client, "").await;
    client.send(r#"21["listen"]"#).await;
    assert_eq!(within(told.recv()).await, Some(7));
    assert_eq!(client.recv().await, "31[]");
}
