//! Floor: bytes returned by an epoll loop with one buffer for all connections. Its `/fanout`
//! unmasks each frame once and hands the same bytes to every subscriber.

use bench_harness::floor::{ANSWER, Connections, Protocol, port, serve, unmasked};
use std::io;

fn main() -> io::Result<()> {
    serve(port(), Bytes::default())
}

#[derive(Default)]
struct Bytes {
    subscribers: Vec<usize>,
}

enum Stage {
    /// The request's head so far.
    Head(Vec<u8>),
    Echo,
    /// The frame so far.
    Fanout(Vec<u8>),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Protocol for Bytes {
    type State = Stage;

    fn take(&mut self, number: usize, bytes: &mut [u8], all: &mut Connections<Stage>) {
        let Some(stage) = all.state(number) else { return };
        match stage {
            Stage::Echo => all.send(number, bytes),
            Stage::Fanout(received) => {
                received.extend(&*bytes);
                let frames = unmasked(received);
                for subscriber in &self.subscribers {
                    all.send(*subscriber, &frames);
                }
            }
            Stage::Head(head) => {
                head.extend(&*bytes);
                if !head.ends_with(b"\r\n\r\n") {
                    return;
                }
                let fanout = head.starts_with(b"GET /fanout ");
                *stage = if fanout { Stage::Fanout(Vec::new()) } else { Stage::Echo };
                all.send(number, ANSWER);
                if fanout {
                    self.subscribers.push(number);
                }
            }
        }
    }

    fn gone(&mut self, number: usize) {
        self.subscribers.retain(|it| *it != number);
    }
}
