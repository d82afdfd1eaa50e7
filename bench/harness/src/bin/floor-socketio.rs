//! Floor: the least that a Socket.IO server could do for the benchmark's events by WebSocket. It
//! looks for their first bytes and sends the rest back, with one call for all that a read brought;
//! no JSON, no heartbeat, no limits.

use bench_harness::floor::{ANSWER, Connections, Protocol, port, serve, unmask_first, write_frame};
use std::io;

const OPEN: &[u8] = b"0{\"sid\":\"floor\",\"upgrades\":[],\"pingInterval\":25000,\
    \"pingTimeout\":20000,\"maxPayload\":1000000}";

fn main() -> io::Result<()> {
    serve(port(), Events::default())
}

#[derive(Default)]
struct Events {
    room: Vec<usize>,
    /// Answers to one read.
    out: Vec<u8>,
    /// Frames for the room.
    said: Vec<u8>,
}

#[derive(Default)]
struct Session {
    open: bool,
    /// What is not whole.
    received: Vec<u8>,
    /// The number of the ack whose attachment is yet to come.
    ack: Vec<u8>,
}

impl Protocol for Events {
    type State = Session;

    fn take(&mut self, number: usize, bytes: &mut [u8], all: &mut Connections<Session>) {
        let Some(session) = all.state(number) else { return };
        self.out.clear();
        self.said.clear();
        if session.received.is_empty() {
            let used = self.read(number, session, bytes);
            session.received.extend(&bytes[used..]);
        } else {
            let mut received = std::mem::take(&mut session.received);
            received.extend(&*bytes);
            let used = self.read(number, session, &mut received);
            received.drain(..used);
            if !received.is_empty() {
                session.received = received;
            }
        }
        if !self.out.is_empty() {
            all.send(number, &self.out);
        }
        if !self.said.is_empty() {
            for member in &self.room {
                all.send(*member, &self.said);
            }
        }
    }

    fn gone(&mut self, number: usize) {
        self.room.retain(|it| *it != number);
    }
}

impl Events {
    /// Reads what is whole; gives the bytes that it took.
    fn read(&mut self, number: usize, session: &mut Session, bytes: &mut [u8]) -> usize {
        if !session.open {
            let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else { return 0 };
            session.open = true;
            self.out.extend(ANSWER);
            write_frame(0x81, &[OPEN], &mut self.out);
            return end + 4;
        }
        let mut at = 0;
        while let Some(frame) = unmask_first(&mut bytes[at..]) {
            let payload = &bytes[at..][frame.payload];
            match frame.first & 0x0f {
                1 if std::str::from_utf8(payload).is_ok() => self.text(number, session, payload),
                2 => {
                    let rest = b"[{\"_placeholder\":true,\"num\":0}]";
                    write_frame(0x81, &[b"461-", &session.ack, rest], &mut self.out);
                    write_frame(0x82, &[payload], &mut self.out);
                }
                _ => {}
            }
            at += frame.end;
        }
        at
    }

    fn text(&mut self, number: usize, session: &mut Session, text: &[u8]) {
        if text.starts_with(b"42[\"say\",") {
            write_frame(0x81, &[text], &mut self.said);
        } else if text.starts_with(b"42[") {
            write_frame(0x81, &[text], &mut self.out);
        } else if let Some((ack, rest)) = text.strip_prefix(b"42").map(digits) {
            if let Some(rest) = rest.strip_prefix(b"[\"echo\",") {
                write_frame(0x81, &[b"43", ack, b"[", rest], &mut self.out);
            } else if rest.starts_with(b"[\"join\",") {
                self.room.push(number);
                write_frame(0x81, &[b"43", ack, b"[\"ok\"]"], &mut self.out);
            }
        } else if let Some((ack, _)) = text.strip_prefix(b"451-").map(digits) {
            ack.clone_into(&mut session.ack);
        } else if text.starts_with(b"40") {
            write_frame(0x81, &[b"40{\"sid\":\"floor\"}"], &mut self.out);
        }
    }
}

/// The digits at the beginning, and what follows them.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|it| !it.is_ascii_digit()).unwrap_or(bytes.len()))
}
