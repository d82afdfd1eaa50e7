//! How connections end from this side: one list of codes and sentences.
//!
//! `docs/ends.md` explains each to users; `tests/ends.rs` compares the two.

/// The code and the text of a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: u16,
    pub(crate) text: &'static str,
}

const fn end(code: u16, text: &'static str) -> End {
    End { code, text }
}

/// The program closed the connection.
pub(crate) const CLOSED: End = end(1000, "the server closed this connection");
/// The peer has said goodbye: an echo.
pub(crate) const GOODBYE: End = end(1000, "");
/// A probe of a session that has ended.
pub(crate) const PROBE_OVER: End = end(1000, "the session is over");
/// The server stops.
pub(crate) const STOPPED: End = end(1001, "the server stops");
/// Connection state recovery.
pub(crate) const RETURNED: End = end(1001, "this client has come back on another connection");
/// A probe that is none.
pub(crate) const NO_UPGRADE: End = end(1002, "this is not an upgrade");
/// Socket.IO.
pub(crate) const NOT_JOINED: End = end(1002, "a packet for a namespace that was not joined");
/// Socket.IO.
pub(crate) const JOINED_ALREADY: End = end(1002, "a namespace that was joined already");
/// Socket.IO.
pub(crate) const SERVERS_ONLY: End = end(1002, "a packet that only servers send");
/// Socket.IO, with a parser of its own.
pub(crate) const NOT_PARSED: End =
    end(1002, "the message is no packet of this server's parser; does the client use another?");
/// Nothing was heard.
pub(crate) const SILENT: End = end(1008, "ping timeout");
/// `connect_timeout`, `refused_timeout`.
pub(crate) const NEVER_JOINED: End = end(1008, "no namespace was joined in time");
/// Refused CONNECTs.
pub(crate) const REFUSED: End = end(1008, "too many refused namespaces");
/// `upgrade_timeout`.
pub(crate) const SLOW_UPGRADE: End = end(1008, "the upgrade took too long");
/// `generate_id`: two sessions began with one id at the same time.
pub(crate) const ID_TAKEN: End = end(1011, "another session has this id");
/// A panic in a handler.
pub(crate) const HANDLER_FAILED: End = end(1011, "a handler failed");
/// A panic elsewhere.
pub(crate) const SERVER_FAILED: End = end(1011, "the server failed");
/// `send_budget`, `max_buffered`.
pub(crate) const SLOW: End = end(1013, "this client reads too slowly");
/// `send_budget` in an upgrade.
pub(crate) const LATE: End = end(1013, "too much was waiting for this client");

/// What was seen of a peer that is gone: it stands in the log, under a code that no Close frame has
/// (RFC 6455 section 7.4.1).
const fn seen(code: u16, text: &'static str) -> End {
    End { code, text }
}

impl End {
    /// A rule of Engine.IO or Socket.IO was broken.
    pub(crate) const fn broken(text: &'static str) -> Self {
        Self { code: 1002, text }
    }

    /// Whether it is for a Close frame.
    pub(crate) const fn is_said(self) -> bool {
        !matches!(self.code, 1005 | 1006)
    }
}

/// A Close frame; where it has a code, that stands in place of this one.
pub(crate) const PEER_CLOSED: End = seen(1005, "the peer closed the connection");
/// The packet `1`.
pub(crate) const LEFT: End = seen(1005, "the client said goodbye");
/// The end of the stream.
pub(crate) const VANISHED: End = seen(1006, "the peer closed without a Close frame");
/// An error of the stream, of which there is a line before.
pub(crate) const LOST: End = seen(1006, "the connection failed");
/// `stall_timeout` on a WebSocket.
pub(crate) const STALLED: End = seen(1006, "the peer took nothing of what waited for it");
/// `stall_timeout` on long-polling.
pub(crate) const UNFETCHED: End = seen(1006, "the client fetched nothing of what waited for it");
/// On long-polling.
pub(crate) const POLL_LOST: End = seen(1006, "the client broke off its poll");
/// On long-polling; the client has left, or `body_timeout` has passed.
pub(crate) const POST_LOST: End = seen(1006, "a POST of the client did not arrive whole");

/// A refusal of a request, beside those of the reference (codes 0 to 5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestEnd {
    pub(crate) status: u16,
    pub(crate) code: u8,
    pub(crate) text: &'static str,
}

const fn request(status: u16, code: u8, text: &'static str) -> RequestEnd {
    RequestEnd { status, code, text }
}

/// `max_payload`.
pub(crate) const TOO_LARGE: RequestEnd = request(413, 6, "Payload too large");
/// `body_timeout`.
pub(crate) const TOO_SLOW: RequestEnd = request(408, 7, "Payload too slow");
/// The operating system gives no random numbers.
pub(crate) const NO_RANDOMNESS: RequestEnd = request(500, 8, "No randomness");
/// `generate_id`.
pub(crate) const NOT_AN_ID: RequestEnd = request(500, 9, "Session ID not usable");
/// `max_connections_per_address`.
pub(crate) const CROWDED: RequestEnd = request(429, 11, "Too many connections");
/// A panic in a function of the program that answers requests.
pub(crate) const HOOK_FAILED: RequestEnd = request(500, 10, "The server failed");

/// A refusal of a CONNECT: the `message` of the `connect_error`, and what is in its `data`.
///
/// `Invalid namespace` is none of them: the protocol's own test suite compares that packet byte for
/// byte, so it has no data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JoinEnd {
    pub(crate) code: u16,
    pub(crate) message: &'static str,
    pub(crate) text: &'static str,
}

const fn join(code: u16, message: &'static str, text: &'static str) -> JoinEnd {
    JoinEnd { code, message, text }
}

/// What there is no namespace for.
pub(crate) const NO_NAMESPACE: &str = "Invalid namespace";
/// The operating system gives no random numbers.
pub(crate) const NO_ID: JoinEnd = join(8, "no randomness", "the server could not make an id");
/// `max_namespaces`.
pub(crate) const TOO_MANY: JoinEnd =
    join(10, "Too many namespaces", "this connection is in as many namespaces as it may join");
/// `Handshake::auth`.
pub(crate) const INVALID_AUTH: JoinEnd =
    join(11, "invalid auth", "auth is not what the login of this namespace asks for");
/// `connect_timeout`, of the login alone.
pub(crate) const LOGIN_LATE: JoinEnd =
    join(13, "login took too long", "the login did not decide within connect_timeout");
/// A login that failed by an error of its own.
pub(crate) const LOGIN_FAILED: JoinEnd =
    join(12, "login failed", "the login could not decide; the server's log says why");
