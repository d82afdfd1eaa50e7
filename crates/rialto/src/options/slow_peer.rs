//! What becomes of events for peers that read too slowly.

/// What becomes of an event for a peer whose [`Options::send_budget`](crate::Options) is used up.
///
/// Volatile events are dropped before that: as soon as anything waits. Acks, and events that ask
/// for one, wait in any case. [`Io::stats`](crate::Io::stats) counts what was dropped and closed.
///
/// | | `socket.emit` | a broadcast, which cannot wait |
/// | --- | --- | --- |
/// | `Wait` | waits for room when it is awaited | closes the peer |
/// | `Drop` | drops the event | drops it for this peer |
/// | `Close` | closes the peer and fails | closes the peer |
///
/// An `emit` that fails by `Close` has [`is_full`](crate::Error::is_full).
/// A peer is closed with 1013 and the text `this client reads too slowly`, on long-polling by the
/// end of its polls; the reason on this side is `transport error`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SlowPeer {
    /// Wait for it. The default.
    #[default]
    Wait,
    /// Drop the event.
    Drop,
    /// Close the connection.
    Close,
}
