//! The scenarios, in the order of the table.

use crate::load::{Content, Kind, Load, socketio};

/// A load with a name.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called on the command line and in the table.
    pub name: &'static str,
    /// What the clients do.
    pub work: Work,
    /// Whether it runs only where it is named: it is large.
    pub named_only: bool,
}

/// What the clients do.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// On a WebSocket server.
    WebSocket(Load),
    /// On a Socket.IO server.
    SocketIo(socketio::Load),
}

impl Scenario {
    /// How many clients there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        match self.work {
            Work::WebSocket(load) => load.connections,
            Work::SocketIo(load) => load.connections,
        }
    }

    /// The same with so many clients at most.
    #[must_use]
    pub fn capped(mut self, most: usize) -> Self {
        match &mut self.work {
            Work::WebSocket(load) => load.connections = load.connections.min(most),
            Work::SocketIo(load) => load.connections = load.connections.min(most),
        }
        self
    }

    /// Whether messages are compressed.
    #[must_use]
    pub fn deflates(&self) -> bool {
        match self.work {
            Work::WebSocket(load) => load.deflate,
            Work::SocketIo(load) => load.deflate,
        }
    }

    /// Whether all goes through TLS.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        matches!(self.work, Work::SocketIo(load) if load.tls)
    }

    /// Whether it is memory that is measured.
    #[must_use]
    pub fn rests(&self) -> bool {
        match self.work {
            Work::WebSocket(load) => load.kind == Kind::Idle,
            Work::SocketIo(load) => load.kind == socketio::Kind::Idle,
        }
    }

    /// Its load, if the server is a WebSocket server.
    #[must_use]
    pub fn websocket(&self) -> Option<&Load> {
        match &self.work {
            Work::WebSocket(load) => Some(load),
            Work::SocketIo(_) => None,
        }
    }
}

const fn websocket(name: &'static str, load: Load) -> Scenario {
    Scenario { name, work: Work::WebSocket(load), named_only: false }
}

const fn echo(size: usize, depth: usize, connections: usize) -> Load {
    let (kind, content) = (Kind::Echo, Content::Binary);
    Load { kind, size, content, depth, connections, deflate: false }
}

const fn fanout(connections: usize, depth: usize) -> Load {
    let (kind, content) = (Kind::Fanout, Content::Text);
    Load { kind, size: 128, content, depth, connections, deflate: false }
}

const fn text(load: Load, content: Content) -> Load {
    Load { content, ..load }
}

const fn deflate(load: Load) -> Load {
    Load { deflate: true, ..load }
}

const fn kind(load: Load, kind: Kind) -> Load {
    Load { kind, ..load }
}

const fn socketio(
    name: &'static str,
    kind: socketio::Kind,
    size: usize,
    connections: usize,
    depth: usize,
) -> Scenario {
    let load = socketio::Load { kind, size, depth, connections, tls: false, deflate: false };
    Scenario { name, work: Work::SocketIo(load), named_only: false }
}

const fn with_tls(scenario: Scenario) -> Scenario {
    match scenario.work {
        Work::SocketIo(load) => {
            let load = socketio::Load { tls: true, ..load };
            Scenario { work: Work::SocketIo(load), ..scenario }
        }
        Work::WebSocket(_) => scenario,
    }
}

const fn with_deflate(scenario: Scenario) -> Scenario {
    match scenario.work {
        Work::SocketIo(load) => {
            let load = socketio::Load { deflate: true, ..load };
            Scenario { work: Work::SocketIo(load), ..scenario }
        }
        Work::WebSocket(_) => scenario,
    }
}

const fn if_named(scenario: Scenario) -> Scenario {
    Scenario { named_only: true, ..scenario }
}

/// Every scenario of WebSocket servers.
pub const WEBSOCKET: &[Scenario] = &[
    websocket("echo-16-d1", echo(16, 1, 64)),
    websocket("echo-512-d1", echo(512, 1, 64)),
    websocket("echo-512-c2000", echo(512, 1, 2000)),
    websocket("echo-16-d16", echo(16, 16, 64)),
    websocket("echo-512-d16", echo(512, 16, 64)),
    websocket("echo-16k-d1", echo(16 << 10, 1, 32)),
    websocket("echo-16k-d16", echo(16 << 10, 16, 16)),
    websocket("echo-1m", echo(1 << 20, 1, 4)),
    websocket("text-16k", text(echo(16 << 10, 1, 32), Content::NonAscii)),
    websocket("fanout-100", fanout(100, 1)),
    websocket("fanout-1000", fanout(1000, 1)),
    websocket("fanout-5000", fanout(5000, 1)),
    websocket("fanout-1000-d8", fanout(1000, 8)),
    websocket("handshake", kind(echo(0, 1, 32), Kind::Handshake)),
    websocket("deflate-1k", deflate(text(echo(1 << 10, 1, 32), Content::Text))),
    websocket("deflate-16k", deflate(text(echo(16 << 10, 1, 32), Content::Text))),
    websocket("idle", kind(text(echo(0, 1, 10_000), Content::Text), Kind::Idle)),
    websocket("idle-deflate", deflate(kind(text(echo(0, 1, 10_000), Content::Text), Kind::Idle))),
];

/// Every scenario of Socket.IO servers.
pub const SOCKETIO: &[Scenario] = &[
    socketio("ack", socketio::Kind::Ack, 64, 50, 8),
    socketio("ack-1k", socketio::Kind::Ack, 1 << 10, 50, 8),
    socketio("ack-c1000", socketio::Kind::Ack, 64, 1000, 1),
    socketio("ack-d400", socketio::Kind::Ack, 64, 8, 400),
    socketio("event", socketio::Kind::Event, 64, 50, 8),
    socketio("broadcast-100", socketio::Kind::Broadcast, 64, 100, 1),
    socketio("broadcast-1000", socketio::Kind::Broadcast, 64, 1000, 1),
    socketio("broadcast-5000", socketio::Kind::Broadcast, 64, 5000, 1),
    socketio("broadcast-1000-d8", socketio::Kind::Broadcast, 64, 1000, 8),
    with_deflate(socketio("broadcast-1000-deflate", socketio::Kind::Broadcast, 2 << 10, 1000, 1)),
    socketio("binary-4k", socketio::Kind::Binary, 4 << 10, 50, 2),
    socketio("polling", socketio::Kind::Polling, 64, 50, 8),
    with_tls(socketio("ack-tls", socketio::Kind::Ack, 64, 50, 8)),
    socketio("connect", socketio::Kind::Connect, 64, 50, 1),
    socketio("connect-upgrade", socketio::Kind::Upgrade, 64, 100, 1),
    socketio("idle", socketio::Kind::Idle, 0, 10_000, 1),
    if_named(socketio("idle-100k", socketio::Kind::Idle, 0, 100_000, 1)),
];
