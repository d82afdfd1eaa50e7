//! A client and a server that write packets in different ways: both hear of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

use rialto::parser::{Decoder, Packet, Parser};
use rialto::ws::{Message, MessageRef};
use rialto::{Events, Options, Server};
use support::log::Log;
use support::{Client, http, start};

/// Packets as lines of JSON in binary messages.
struct Lines;

impl Parser for Lines {
    fn encode(&self, packet: &Packet) -> rialto::Result<Vec<Message>> {
        let kind = packet.kind.digit() - b'0';
        let line = serde_json::to_vec(&(kind, &packet.namespace, packet.id, &packet.data))?;
        Ok(vec![line.into()])
    }
    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Self)
    }
}

impl Decoder for Lines {
    fn decode(&mut self, message: MessageRef<'_>) -> rialto::Result<Option<Packet>> {
        let (kind, namespace, id, data): (u8, String, Option<u64>, _) =
            serde_json::from_slice(message.as_bytes())?;
        Ok(Some(Packet { id, data, ..Packet::new(kind, namespace)? }))
    }
}

/// CONNECT, as npm's `socket.io-msgpack-parser` writes it.
const MSGPACK: &[u8] = b"\x82\xa4type\x00\xa3nsp\xa1/";
const BINARY: &str =
    "a binary message that no packet announced; does the client use another parser?";
const OTHER: &str =
    "the message is no packet of this server's parser; does the client use another?";

#[tokio::test]
async fn a_client_of_another_parser_at_a_server_of_json() {
    let (log, _logging) = Log::here();
    let (address, _) = start(Server::new(Events::new())).await;
    let mut client = Client::open(address).await;
    client.socket.send(MSGPACK).await.unwrap();
    assert_eq!(client.closed().await, (1002, BINARY.to_owned()));
    log.expect(&["session ended", BINARY]).await;

    let base = "/socket.io/?EIO=4&transport=polling";
    let (_, body) = http(address, "GET", base, "").await;
    let target = format!("{base}&sid={}", body.split('"').nth(3).unwrap());
    // The same in base64.
    assert_eq!(http(address, "POST", &target, "bgqR0eXBlAKNuc3ChLw==").await.0, 200);
    log.expect(&["session ended", BINARY]).await;
}

#[tokio::test]
async fn a_client_of_json_at_a_server_of_another_parser() {
    let (log, _logging) = Log::here();
    let server = Server::new(Events::new()).options(Options::default().parser(Lines));
    let (address, _) = start(server).await;
    let mut client = Client::open(address).await;
    client.send("0").await;
    assert_eq!(client.closed().await, (1002, OTHER.to_owned()));
    log.expect(&["session ended", OTHER]).await;
    let mut client = Client::open(address).await;
    client.socket.send(&br#"[0,"/",null,null]"#[..]).await.unwrap();
    assert!(client.recv().await.contains("\"sid\""));
}

#[cfg(feature = "msgpack")]
#[tokio::test]
async fn a_client_of_json_at_a_server_of_msgpack() {
    let options = Options::default().parser(rialto::parser::Msgpack);
    let (address, _) = start(Server::new(Events::new()).options(options)).await;
    let mut client = Client::open(address).await;
    client.send("0").await;
    assert_eq!(client.closed().await, (1002, OTHER.to_owned()));
}
