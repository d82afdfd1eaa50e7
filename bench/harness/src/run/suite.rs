//! What is compared: WebSocket servers, or Socket.IO servers.

use super::{SOCKETIO, Scenario, WEBSOCKET};

/// Servers and scenarios that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Raw WebSocket.
    WebSocket,
    /// Socket.IO.
    SocketIo,
}

impl Suite {
    /// The suite of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::WebSocket, Self::SocketIo].into_iter().find(|suite| suite.name() == name)
    }

    /// Its name on the command line and of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::SocketIo => "socketio",
        }
    }

    /// Its scenarios, in the order of the table.
    #[must_use]
    pub fn scenarios(self) -> &'static [Scenario] {
        match self {
            Self::WebSocket => WEBSOCKET,
            Self::SocketIo => SOCKETIO,
        }
    }

    /// The servers that a short run tries: ours and the floors.
    #[must_use]
    pub fn smoke(self) -> &'static str {
        match self {
            Self::WebSocket => "rialto,floor-epoll,floor-tokio",
            Self::SocketIo => "rialto,floor",
        }
    }
}
