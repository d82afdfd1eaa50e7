//! What servers of a cluster say to each other through their adapters.

use super::{Answer, RoomChange};
use crate::encoded::Encoded;
use bytes::Bytes;
use futures_util::future::BoxFuture;

/// An event from one server to the others: see
/// [`Io::server_side_emit`](crate::Io::server_side_emit).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// A JSON array: the event's name, then its arguments.
    pub data: String,
    /// Their attachments.
    pub attachments: Vec<Bytes>,
}

/// What the other servers answered.
#[derive(Clone, Debug, Default)]
pub struct ServerAnswers {
    /// The answers, in the order of their arrival.
    pub answers: Vec<Answer>,
    /// How many servers did not answer in time.
    pub missing: usize,
}

/// The namespace, as its adapter sees it.
pub trait Host: Send + Sync + 'static {
    /// Its name.
    fn namespace(&self) -> &str;

    /// Whether anybody wants to be told by [`Host::room_changed`].
    fn watches_rooms(&self) -> bool;

    /// Tells that a room has changed. Not to be called with a lock held.
    fn room_changed(&self, change: &RoomChange);

    /// Handles an event of another server; the answer, if a listener here gave one.
    fn server_event(&self, event: ServerEvent) -> BoxFuture<'static, Option<Answer>>;

    /// An id for an ack that no other ack of this namespace has: for a broadcast of another server,
    /// whose own id a socket here may owe already. See [`AckRequest`](super::AckRequest).
    fn next_ack(&self) -> u64;

    /// Makes a packet of what [`Encoded::text`] and [`Encoded::attachments`] were on another
    /// server, written by the parser of this one.
    ///
    /// # Errors
    /// If the parser does not take it.
    fn packet(&self, text: &str, attachments: &[Bytes], volatile: bool) -> crate::Result<Encoded>;
}
