//! A Socket.IO client, as small as these tests allow: WebSocket alone, the main namespace alone.
//!
//! It is written from the protocol's text and shares no code with the server.

use crate::within;
use rialto_ws::{Message, WebSocket};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A client that has joined the main namespace.
pub(crate) struct Client {
    socket: WebSocket,
    id: String,
    /// Events that came while an ack was awaited.
    events: VecDeque<Packet>,
    asked: u64,
}

/// An event or an ack.
#[derive(Debug)]
pub(crate) struct Packet {
    kind: char,
    pub(crate) id: Option<u64>,
    /// The event's name and arguments, or the arguments of the ack.
    data: Vec<Value>,
    pub(crate) attachments: Vec<Vec<u8>>,
}

impl Client {
    /// Joins without login data.
    pub(crate) async fn join(port: u16) -> Self {
        Self::login(port, &Value::Null).await.expect("the server refuses")
    }

    /// Joins with login data; `Err` is the content of the server's refusal.
    pub(crate) async fn login(port: u16, auth: &Value) -> Result<Self, Value> {
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let socket = within("connecting", rialto_ws::connect(&url)).await.unwrap();
        let mut client = Self { socket, id: String::new(), events: VecDeque::new(), asked: 0 };
        let open = client.frame().await.to_string();
        assert!(open.starts_with("0{"), "not an Engine.IO open packet: {open}");
        let auth = if auth.is_null() { String::new() } else { auth.to_string() };
        client.socket.send(format!("40{auth}")).await.unwrap();
        let answer = client.frame().await.to_string();
        let content: Value = serde_json::from_str(&answer[2..]).unwrap();
        match &answer[..2] {
            "40" => client.id = content["sid"].as_str().unwrap().to_owned(),
            "44" => return Err(content),
            _ => panic!("an answer to CONNECT that is none: {answer}"),
        }
        Ok(client)
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Emits an event; `args` is an array.
    pub(crate) async fn emit(&self, name: &str, args: Value) {
        self.socket.send(format!("42{}", event(name, args))).await.unwrap();
    }

    /// Emits an event, its last argument binary, and returns what the ack holds.
    pub(crate) async fn ask_binary(&mut self, name: &str, args: Value, data: &[u8]) -> Vec<Value> {
        let mut args = args.as_array().unwrap().clone();
        args.push(json!({ "_placeholder": true, "num": 0 }));
        self.asked += 1;
        let header = format!("451-{}{}", self.asked, event(name, args.into()));
        self.socket.send(header).await.unwrap();
        self.socket.send(data).await.unwrap();
        self.answer_of(self.asked).await
    }

    /// Emits an event and returns what the ack holds.
    pub(crate) async fn ask(&mut self, name: &str, args: Value) -> Vec<Value> {
        self.asked += 1;
        self.socket.send(format!("42{}{}", self.asked, event(name, args))).await.unwrap();
        self.answer_of(self.asked).await
    }

    /// Acks an event of the server.
    pub(crate) async fn answer(&self, question: &Packet, args: Value) {
        let id = question.id.expect("the server wants no answer");
        self.socket.send(format!("43{id}{args}")).await.unwrap();
    }

    /// The next event, which has to have this name; its arguments.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        let packet = self.event_packet(name).await;
        assert_eq!(packet.id, None, "{name} was not expected to want an ack");
        Value::Array(packet.data[1..].to_vec())
    }

    /// The next event with all that belongs to it.
    pub(crate) async fn event_packet(&mut self, name: &str) -> Packet {
        let packet = match self.events.pop_front() {
            Some(packet) => packet,
            None => self.packet().await,
        };
        assert!(matches!(packet.kind, '2' | '5'), "not an event: {packet:?}");
        assert_eq!(packet.data[0], name, "{packet:?}");
        packet
    }

    async fn answer_of(&mut self, id: u64) -> Vec<Value> {
        loop {
            let packet = self.packet().await;
            if packet.kind == '3' {
                assert_eq!(packet.id, Some(id));
                return packet.data;
            }
            self.events.push_back(packet);
        }
    }

    async fn packet(&mut self) -> Packet {
        let text = self.frame().await.to_string();
        let mut rest = text.strip_prefix('4').expect("an Engine.IO message");
        let kind = take(&mut rest, 1).chars().next().unwrap();
        let mut attachments = Vec::new();
        if matches!(kind, '5' | '6') {
            let digits = rest.find('-').unwrap();
            let count: usize = take(&mut rest, digits).parse().unwrap();
            take(&mut rest, 1);
            for _ in 0..count {
                match self.frame().await {
                    Message::Binary(data) => attachments.push(data.to_vec()),
                    Message::Text(text) => panic!("{text} instead of an attachment"),
                }
            }
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
        let id = take(&mut rest, digits).parse().ok();
        Packet { kind, id, data: serde_json::from_str(rest).unwrap(), attachments }
    }

    /// The next WebSocket message that is no heartbeat.
    async fn frame(&mut self) -> Message {
        loop {
            let frame = within("a packet", self.socket.recv()).await.unwrap();
            let frame = frame.expect("the server has closed the connection");
            if frame.as_text() != Some("2") {
                return frame;
            }
            self.socket.send("3").await.unwrap();
        }
    }
}

/// An event's name and arguments as the payload of a packet.
fn event(name: &str, args: Value) -> Value {
    let mut event = vec![name.into()];
    event.extend(args.as_array().unwrap().iter().cloned());
    event.into()
}

/// Cuts off the first bytes.
fn take<'a>(rest: &mut &'a str, count: usize) -> &'a str {
    let (head, tail) = rest.split_at(count);
    *rest = tail;
    head
}
