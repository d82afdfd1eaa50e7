//! The rooms of a namespace and who is in them, without fetching sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{Events, Server};
use std::collections::BTreeMap;
use support::{Client, start};

#[tokio::test]
async fn rooms_have_sizes_and_members() {
    let events = Events::new()
        .on_ack("join", async |socket, rooms: Vec<String>| socket.join(rooms))
        .on_ack("leave", async |socket, room: String| socket.leave(room))
        .on_ack("id", async |socket, ()| Ok(socket.id().to_owned()));
    let other = Events::new().on_connect(async |socket| socket.join("elsewhere"));
    let (address, io) = start(Server::new(events).namespace("/other", other)).await;
    assert!(io.rooms().is_empty() && io.members("a").is_empty());

    let (mut one, mut two) = (Client::join(address).await, Client::join(address).await);
    one.send("0/other,").await;
    assert!(one.recv().await.starts_with("0/other,"));
    let id = |ack: String| ack.trim_start_matches("30").trim_matches(['[', ']', '"']).to_owned();
    let ids = [id(one.ask(0, r#"["id"]"#).await), id(two.ask(0, r#"["id"]"#).await)];
    one.ask(0, r#"["join",["a","b"]]"#).await;
    two.ask(0, r#"["join",["b","c"]]"#).await;
    let sizes = |sizes: &[(&str, usize)]| -> BTreeMap<_, _> {
        sizes.iter().map(|(room, size)| ((*room).into(), *size)).collect()
    };
    assert_eq!(io.rooms(), sizes(&[("a", 1), ("b", 2), ("c", 1)]));
    assert_eq!(io.of("/other").unwrap().rooms(), sizes(&[("elsewhere", 1)]));
    let mut members = io.members("b");
    members.sort_by_key(|id| **id != *ids[0]);
    assert_eq!(members.iter().map(|id| &**id).collect::<Vec<_>>(), ids);
    assert_eq!(io.members("a"), [(&*ids[0]).into()]);
    assert_eq!(io.members(&ids[1]), [(&*ids[1]).into()], "each is in the room of its own id");

    one.ask(0, r#"["leave","a"]"#).await;
    assert_eq!(io.rooms(), sizes(&[("b", 2), ("c", 1)]));
    assert!(io.members("a").is_empty());
}
