//! Why a connection ended: the words that both layers share with the users of socket.io.

use std::fmt;

/// Why a session or a socket came to its end.
///
/// The set is closed, and each reason is spelled as socket.io spells it, because programs compare
/// these strings (`if (reason === "ping timeout")`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CloseReason {
    /// The peer went away: a Close frame, the end of the TCP stream, an Engine.IO `close` packet.
    TransportClose,
    /// The transport failed or the peer broke the rules of Engine.IO.
    TransportError,
    /// Nothing arrived within `ping_timeout` after a ping.
    PingTimeout,
    /// Something arrived that is not a packet.
    ParseError,
    /// The connection was closed from this side below Socket.IO.
    ForcedClose,
    /// The application closed the connection under the socket.
    ForcedServerClose,
    /// The whole server is being stopped.
    ServerShuttingDown,
    /// The client left the namespace with a DISCONNECT packet.
    ClientNamespaceDisconnect,
    /// The server made the socket leave the namespace.
    ServerNamespaceDisconnect,
}

impl CloseReason {
    /// Every reason, in the order of declaration.
    pub const ALL: [Self; 9] = [
        Self::TransportClose,
        Self::TransportError,
        Self::PingTimeout,
        Self::ParseError,
        Self::ForcedClose,
        Self::ForcedServerClose,
        Self::ServerShuttingDown,
        Self::ClientNamespaceDisconnect,
        Self::ServerNamespaceDisconnect,
    ];

    /// The reason in socket.io's words.
    ///
    /// ```
    /// use rialto_protocol::CloseReason;
    ///
    /// assert_eq!(CloseReason::PingTimeout.as_str(), "ping timeout");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::ServerShuttingDown => "server shutting down",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
