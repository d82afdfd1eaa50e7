//! Acks that are awaited: of one socket, and of all receivers of a broadcast.

use crate::adapter::{AckSink, Answer, Room};
use crate::error::{Error, Result};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};

/// Where the answer to one ack id goes.
pub(super) enum Pending {
    One(oneshot::Sender<Answer>),
    Broadcast(Arc<dyn AckSink>),
}

impl Pending {
    /// Hands over the answer, or `None` if the socket has left.
    pub(super) fn resolve(self, socket: &Room, answer: Option<Answer>) {
        match (self, answer) {
            (Self::One(sender), Some(answer)) => drop(sender.send(answer)),
            // Dropping the sender tells the waiting side.
            (Self::One(_), None) => {}
            (Self::Broadcast(sink), answer) => sink.answer(socket, answer),
        }
    }
}

/// Decodes an answer's arguments.
pub(super) fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    Ok(rialto_protocol::socketio::decode(&answer.data, false, &answer.attachments)?)
}

/// What came back from a broadcast that asked for acks: who answered what, and who did not.
///
/// It always comes when everyone has answered or left, or the time is up.
#[derive(Debug)]
#[non_exhaustive]
pub struct Acks<T> {
    /// The answers, in the order of their arrival. An answer that does not fit the type is an
    /// error of its own.
    pub answers: Vec<(Room, Result<T>)>,
    /// Sockets that did not answer in time, or left before they did.
    pub missing: Vec<Room>,
}

impl<T> Acks<T> {
    /// True if everyone has answered.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// The answers alone.
    ///
    /// # Errors
    /// A time-out if anyone is missing; the first answer that does not fit the type.
    pub fn into_answers(self) -> Result<Vec<T>> {
        if !self.is_complete() {
            return Err(Error::timeout());
        }
        self.answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

/// Collects the answers to one broadcast.
#[derive(Default)]
pub(super) struct Collector {
    state: Mutex<Collected>,
    changed: Notify,
}

#[derive(Default)]
struct Collected {
    waiting: HashSet<Room>,
    answers: Vec<(Room, Answer)>,
    left: Vec<Room>,
    holds: usize,
}

impl Collected {
    fn is_complete(&self) -> bool {
        self.waiting.is_empty() && self.holds == 0
    }
}

impl Collector {
    /// Ready when nobody is waited for. Call it after the packet has been sent.
    pub(super) async fn complete(&self) {
        loop {
            let changed = self.changed.notified();
            if self.state.lock().is_complete() {
                return;
            }
            changed.await;
        }
    }

    /// What has come so far.
    pub(super) fn take<T: DeserializeOwned>(&self) -> Acks<T> {
        let mut state = self.state.lock();
        let answers = std::mem::take(&mut state.answers);
        let mut missing = std::mem::take(&mut state.left);
        missing.extend(state.waiting.drain());
        let decoded = answers.into_iter().map(|(socket, answer)| (socket, decode(&answer)));
        Acks { answers: decoded.collect(), missing }
    }
}

impl AckSink for Collector {
    fn expect(&self, socket: &Room) {
        self.state.lock().waiting.insert(Arc::clone(socket));
    }

    fn answer(&self, socket: &Room, answer: Option<Answer>) {
        let mut state = self.state.lock();
        if !state.waiting.remove(socket) {
            return;
        }
        match answer {
            Some(answer) => state.answers.push((Arc::clone(socket), answer)),
            None => state.left.push(Arc::clone(socket)),
        }
        if state.is_complete() {
            self.changed.notify_waiters();
        }
    }

    fn hold(&self) {
        self.state.lock().holds += 1;
    }

    fn release(&self) {
        let mut state = self.state.lock();
        state.holds = state.holds.saturating_sub(1);
        if state.is_complete() {
            self.changed.notify_waiters();
        }
    }
}
