//! What users of the reference stumble over, and do not here. Those of recovery and of slow peers
//! have files of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::{CloseReason, Events, Options, Server, Socket};
use support::{Client, Poller, http, start, within};
use tokio::sync::mpsc;

#[tokio::test]
async fn a_broadcast_without_a_time_limit_waits_for_its_acks() {
    let events = Events::new().on_ack("ask", async |socket: Socket, ()| {
        let acks = socket.io().except(socket.id()).emit_with_ack::<u64>("question", ()).await?;
        acks.into_answers()
    });
    let (address, _) = start(Server::new(events)).await;
    let [mut asker, mut other] = [Client::join(address).await, Client::join(address).await];
    asker.send("27[\"ask\"]").await;
    let question = other.recv().await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    other.send(&question.replacen('2', "3", 1).replace("\"question\"", "5")).await;
    assert_eq!(asker.recv().await, "37[[5]]");
}

#[tokio::test]
async fn an_ack_that_is_awaited_of_who_leaves_ends() {
    let (report, mut reports) = mpsc::unbounded_channel();
    let events = Events::new().on_connect(move |socket: Socket| {
        let report = report.clone();
        async move {
            tokio::spawn(async move {
                let answer = socket.emit_with_ack::<()>("question", ()).await;
                report.send(answer.unwrap_err().is_disconnected()).unwrap();
            });
            Ok(())
        }
    });
    let (address, _) = start(Server::new(events)).await;
    let mut client = Client::join(address).await;
    assert!(client.recv().await.ends_with("[\"question\"]"));
    drop(client);
    assert_eq!(within(reports.recv()).await, Some(true));
}

#[tokio::test]
async fn too_large_a_message_and_too_many_attachments_are_told_why() {
    let (address, io) = start(Server::new(Events::new())).await;
    let large = "x".repeat(1_000_001);
    let mut client = Client::join(address).await;
    client.send(&format!("2[\"{large}\"]")).await;
    let (code, text) = client.closed().await;
    assert_eq!(code, 1009);
    assert!(text.contains("over the size limit"), "{text}");

    let poller = Poller::join(address).await;
    let (status, body) = http(address, "POST", &poller.target, &large).await;
    assert_eq!((status, &*body), (413, r#"{"code":6,"message":"Payload too large"}"#));

    let mut client = Client::join(address).await;
    client.send("511-[\"x\"]").await;
    let text = "more attachments than the limit allows".to_owned();
    assert_eq!(client.closed().await, (1002, text));
    within(async {
        while io.stats().closed.len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    let closed = io.stats().closed;
    assert_eq!(closed[&CloseReason::ParseError], 1);
    assert_eq!(closed[&CloseReason::TransportError], 1);
}

#[tokio::test]
async fn a_server_that_closes_says_so_on_both_sides() {
    let (report, mut reports) = mpsc::unbounded_channel();
    let events = Events::new().on_disconnect(move |socket: Socket| {
        report.send(socket.disconnect_reason()).unwrap();
        async {}
    });
    let (address, io) = start(Server::new(events).options(Options::default())).await;
    let mut client = Client::join(address).await;
    tokio::spawn(async move { io.close().await });
    assert_eq!(client.closed().await, (1001, "the server stops".to_owned()));
    assert_eq!(within(reports.recv()).await, Some(Some(CloseReason::ServerShuttingDown)));
}
