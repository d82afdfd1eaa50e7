//! What a session answers to its inputs.

use crate::CloseReason;
use crate::engine::{HandshakeError, Violation};

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Packets travel both ways.
    Open,
    /// This side has closed; what is queued may still leave, what arrives is ignored.
    Closing(CloseReason),
    /// The end.
    Closed(CloseReason),
}

/// What to do with a packet that [`Session::receive`](super::Session::receive) has judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Hand the message to the layer above.
    Message,
    /// Answer with a `pong` on the active transport: in revision 3 it is the client that pings.
    Ping,
    /// Nothing: the packet was for the session itself, or came too late.
    Nothing,
    /// The peer ended the session.
    Closed(CloseReason),
}

/// What to do with a poll that [`Session::poll_started`](super::Session::poll_started) has let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Answer as soon as there is a packet to send.
    Hold,
    /// Answer at once, with what is queued or else a `noop`: the client is about to upgrade and
    /// waits for its polls to return.
    Answer,
    /// Answer at once, with what is queued and a `close` packet behind it.
    Last,
}

/// What to do after [`Session::probe_received`](super::Session::probe_received).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Send `3probe` on the new transport, then release a waiting poll with what is queued or a
    /// `noop`.
    Answer,
    /// The new transport is the session's from now on. A poll that still waits gets a `noop`.
    Upgraded,
    /// No probe is under way (it was given up): close that transport.
    Ended,
}

/// Why a request that names the session is turned down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The session has ended.
    Ended,
    /// The session lives on another transport.
    WrongTransport,
    /// Another WebSocket is already probing.
    AlreadyProbing,
    /// The server does not allow upgrades.
    UpgradesDisabled,
    /// Two polls or two POSTs at once. The session is closed by it; a poll that still waits is
    /// answered with a `close` packet.
    Overlap(Violation),
}

impl Refusal {
    /// The HTTP answer to the request.
    pub const fn handshake_error(self) -> HandshakeError {
        match self {
            Self::Ended => HandshakeError::SessionUnknown,
            _ => HandshakeError::BadRequest,
        }
    }
}

/// What became due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Send a `ping` on the active transport.
    Ping,
    /// The upgrade took too long: close the probing transport. The session goes on.
    ProbeExpired,
    /// The session is over: release all that belongs to it.
    Closed(CloseReason),
}
