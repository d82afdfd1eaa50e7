//! The acks that broadcasts ask for.

use super::{Answer, Room};
use parking_lot::Mutex;
use std::fmt;
use std::sync::{Arc, Weak};

/// Collects the answers to one broadcast.
pub trait AckSink: Send + Sync {
    /// The packet has been handed to this socket, which is to answer.
    fn expect(&self, socket: &Room);

    /// The socket has answered; `None` if it has left before.
    fn answer(&self, socket: &Room, answer: Option<Answer>);

    /// The answers are not complete before [`AckSink::release`]: for an adapter that still has to
    /// hear which sockets of another server were reached.
    fn hold(&self);

    /// The opposite of one [`AckSink::hold`]. What is not released is overtaken by the time limit.
    fn release(&self);
}

/// The ack that a broadcast asks for, as long as anybody wants the answers: when the last clone is
/// dropped, the sockets of this machine that were asked forget about it.
///
/// The server drops its own when all have answered, when the time is up, or when nobody awaits the
/// answers any more. An adapter that hands on the broadcast of another server makes one itself, and
/// keeps it for the time limit of that broadcast. Its sink must not hold it: each socket that was
/// asked holds the sink.
#[derive(Clone)]
#[non_exhaustive]
pub struct AckRequest {
    /// The id in the packet.
    pub id: u64,
    /// Where the answers go.
    pub sink: Arc<dyn AckSink>,
    asked: Arc<Asked>,
}

impl AckRequest {
    /// A request for answers to the packet with this id, which no other has: of
    /// [`Host::next_ack`](super::Host::next_ack).
    #[must_use]
    pub fn new(id: u64, sink: Arc<dyn AckSink>) -> Self {
        Self { id, sink, asked: Arc::new(Asked { id, debtors: Mutex::default() }) }
    }

    /// A socket of this machine owes the ack from now on.
    pub(crate) fn owed_by(&self, debtor: Weak<dyn Debtor>) {
        self.asked.debtors.lock().push(debtor);
    }
}

impl fmt::Debug for AckRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckRequest").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Who owes acks.
pub(crate) trait Debtor: Send + Sync {
    /// The ack with this id is owed no more.
    fn forgive(&self, id: u64);
}

/// The sockets that were asked.
struct Asked {
    id: u64,
    debtors: Mutex<Vec<Weak<dyn Debtor>>>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        for debtor in self.debtors.get_mut().drain(..).filter_map(|debtor| debtor.upgrade()) {
            debtor.forgive(self.id);
        }
    }
}
