//! A whole server in memory: what a peer can say by HTTP, from the head of a request to the packets
//! of a session and the claim of one that comes back. No answer is out of order, nothing is told
//! to pages of other origins, and packets that the server sends can be read.
//!
//! Input: one byte of switches, then parts, each behind a zero byte. The first is the head of a
//! request with the second as its body; the others are posted to a session, one by one. In them,
//! byte 1 stands for the secret of the session before, byte 2 for the last offset that was heard,
//! and a part that is byte 3 alone begins the next session.
#![no_main]

use bytes::Bytes;
use http::{Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use rialto::axum::{Router, body::Body};
use rialto::parser::Msgpack;
use rialto::{Args, ConnectionStateRecovery, Cors, Events, Options, Server, Socket};
use rialto_protocol::engine::{self, PayloadDecoder, revision3};
use rialto_protocol::socketio::{Limits, Packet, PacketType};
use serde_json::Value;
use std::pin::pin;
use std::task::Poll;
use tower::ServiceExt;

/// Bytes of a request's body.
const MAX_PAYLOAD: usize = 10_000;
/// Turns of the other tasks after which a poll is given up, as by a client that goes away.
const PATIENCE: usize = 20;
/// Parts of an input that are looked at.
const MAX_PARTS: usize = 12;
const EVIL: &str = "https://evil.example";

fuzz_target!(|data: &[u8]| {
    let Some((switches, rest)) = data.split_first() else { return };
    let parts: Vec<&[u8]> = rest.split(|byte| *byte == 0).take(MAX_PARTS).collect();
    // Of its own, so that its end is the end of all that was begun.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let world = World::new(*switches);
        world.first(parts[0], parts.get(1).copied().unwrap_or_default()).await;
        world.sessions(parts.get(2..).unwrap_or_default()).await;
    });
});

struct World {
    router: Router,
    revision: u8,
    json: bool,
}

/// A session on long-polling.
struct Session {
    sid: String,
    /// The number of the newest event; none yet.
    heard: Option<u64>,
}

/// What a client keeps for its next session.
#[derive(Default)]
struct Memory {
    pid: Vec<u8>,
    offset: Vec<u8>,
}

impl World {
    fn new(switches: u8) -> Self {
        let on = |bit: u8| switches >> bit & 1 == 1;
        let mut options = Options::default().max_payload(MAX_PAYLOAD).allow_eio3(on(0));
        options = options.allow_jsonp(on(1));
        if on(2) {
            options = options.cors(Cors::new(["https://app.example"]));
        }
        if on(3) {
            options = options.connection_state_recovery(ConnectionStateRecovery::default());
        }
        if on(4) {
            options = options.parser(Msgpack);
        }
        let events = Events::new()
            .on("count", async |socket: Socket, to: u8| {
                for number in 1..=u64::from(to % 8) {
                    socket.emit("number", number).await?;
                }
                Ok(())
            })
            .on_ack("echo", async |_: Socket, args: Args| Ok(args))
            .on_ack("join", async |socket: Socket, room: String| socket.join(room));
        let router = Server::new(events).options(options).into_router();
        Self { router, revision: if on(0) && on(5) { 3 } else { 4 }, json: !on(4) }
    }

    async fn ask(&self, request: Request<Body>) -> Option<(StatusCode, Bytes)> {
        let foreign = request.headers().get(header::ORIGIN).is_some_and(|origin| origin == EVIL);
        let mut answer = pin!(self.router.clone().oneshot(request));
        for _ in 0..PATIENCE {
            let polled = std::future::poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
            let Poll::Ready(answer) = polled else {
                tokio::task::yield_now().await;
                continue;
            };
            let answer = answer.unwrap_or_else(|never| match never {});
            let (head, body) = answer.into_parts();
            let told = head.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert!(!foreign || told.is_none_or(|told| told != EVIL && told != "*"));
            assert!(!foreign || told.is_none(), "a page of another origin is told: {told:?}");
            let body = rialto::axum::body::to_bytes(body, usize::MAX).await.expect("a body");
            assert!(known(head.status, &body), "{} {body:?}", head.status);
            return Some((head.status, body));
        }
        None
    }

    /// Any request at all.
    async fn first(&self, head: &[u8], body: &[u8]) {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut fields);
        let head = [head, b"\r\n\r\n"].concat();
        if !matches!(parsed.parse(&head), Ok(httparse::Status::Complete(_))) {
            return;
        }
        let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return };
        let mut request = Request::builder().method(method).uri(target);
        for field in parsed.headers.iter() {
            request = request.header(field.name, field.value);
        }
        let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
        self.ask(request).await;
    }

    async fn sessions(&self, parts: &[&[u8]]) {
        let mut memory = Memory::default();
        for parts in parts.split(|part| *part == [3]) {
            let Some(mut session) = self.open().await else { return };
            for part in parts {
                let body = self.fill(part, &memory);
                let Some((status, _)) = self.post(&session, body).await else { return };
                if status != StatusCode::OK || !self.poll(&mut session, &mut memory).await {
                    break;
                }
            }
        }
    }

    /// The part with what the client knows.
    fn fill(&self, part: &[u8], memory: &Memory) -> Vec<u8> {
        let mut body = Vec::new();
        for byte in part {
            match byte {
                1 if self.json => body.extend_from_slice(&memory.pid),
                2 if self.json => body.extend_from_slice(&memory.offset),
                byte => body.push(*byte),
            }
        }
        body
    }

    fn request(&self, method: &str, sid: &str) -> http::request::Builder {
        let query = format!("/socket.io/?EIO={}&transport=polling{sid}", self.revision);
        Request::builder().method(method).uri(query).header(header::HOST, "app.example")
    }

    async fn open(&self) -> Option<Session> {
        let request = self.request("GET", "").body(Body::empty()).expect("a request");
        let (status, body) = self.ask(request).await.expect("an answer at once");
        assert_eq!(status, StatusCode::OK);
        let packets = self.packets(&body);
        let engine::Packet::Open(json) = packets.first()? else { panic!("{packets:?}") };
        let open: Value = serde_json::from_str(json).expect("JSON");
        let sid = open["sid"].as_str().expect("an id").to_owned();
        Some(Session { sid, heard: None })
    }

    async fn post(&self, session: &Session, body: Vec<u8>) -> Option<(StatusCode, Bytes)> {
        let binary = self.revision == 3 && body.first().is_some_and(|byte| *byte < 2);
        let kind = if binary { "application/octet-stream" } else { "text/plain;charset=UTF-8" };
        let long = body.len() > MAX_PAYLOAD;
        let request = self.request("POST", &format!("&sid={}", session.sid));
        let request = request.header(header::CONTENT_TYPE, kind).body(Body::from(body));
        let answer = self.ask(request.expect("a request")).await;
        assert!(!long || answer.as_ref().is_none_or(|(status, _)| *status != StatusCode::OK));
        answer
    }

    /// Takes what there is; false if the session has ended or has nothing to say.
    async fn poll(&self, session: &mut Session, memory: &mut Memory) -> bool {
        let request = self.request("GET", &format!("&sid={}", session.sid));
        let request = request.body(Body::empty()).expect("a request");
        let Some((StatusCode::OK, body)) = self.ask(request).await else { return false };
        let mut open = true;
        for packet in self.packets(&body) {
            match packet {
                engine::Packet::Text(text) if self.json => hear(text, session, memory),
                engine::Packet::Close => open = false,
                _ => {}
            }
        }
        open
    }

    /// What we write can be read.
    fn packets<'b>(&self, body: &'b [u8]) -> Vec<engine::Packet<'b>> {
        let text = std::str::from_utf8(body);
        let packets: Result<Vec<_>, _> = match (self.revision, text) {
            (3, Ok(text)) if text.as_bytes()[0].is_ascii_digit() => {
                revision3::PayloadDecoder::text(text).collect()
            }
            (3, _) => revision3::PayloadDecoder::binary(body).collect(),
            (_, text) => PayloadDecoder::new(text.expect("UTF-8")).collect(),
        };
        packets.expect("packets")
    }
}

/// A packet from the server.
fn hear(text: &str, session: &mut Session, memory: &mut Memory) {
    let limits = Limits { max_attachments: usize::MAX, ..Limits::default() };
    // The one type whose data is not the same for both revisions.
    if text.starts_with('4') {
        return;
    }
    let packet = Packet::decode(text, &limits).expect("a packet");
    let data: Value = serde_json::from_str(packet.data).unwrap_or_default();
    match packet.kind {
        PacketType::Connect => {
            let pid = data["pid"].as_str().unwrap_or_default();
            memory.pid = pid.as_bytes().to_vec();
        }
        PacketType::Event if data[0] == "number" => {
            let number = data[1].as_u64().expect("a number");
            // Each count begins with 1; what was missed comes before, from where it was missed.
            let follows = session.heard.is_none_or(|heard| number == heard + 1);
            assert!(number == 1 || follows, "{number} after {:?}", session.heard);
            session.heard = Some(number);
            if let Some(offset) = data[2].as_str() {
                memory.offset = offset.as_bytes().to_vec();
            }
        }
        _ => {}
    }
}

/// The answers of a server that is in order, and of one that has no connection to hand over.
fn known(status: StatusCode, body: &[u8]) -> bool {
    match status.as_u16() {
        500 => body == b"this server does not hand over connections\n",
        status => matches!(status, 200 | 204 | 301..=308 | 400 | 403 | 404 | 405 | 413 | 426),
    }
}
