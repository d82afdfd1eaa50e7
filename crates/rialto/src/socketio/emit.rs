//! Sending one packet to one socket.

use super::returning::Track;
use crate::encoded::{Encoded, Flags, with_messages, with_scratch};
use crate::engine::{SendError, Session};
use crate::error::{Error, Result};
use crate::options::SlowPeer;
use bytes::Bytes;
use rialto_protocol::socketio;
use rialto_ws::Charge;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::coop;

/// An event on its way. Await it to keep within the peer's byte budget.
///
/// If the budget has room, the event has been queued before this is returned, and awaiting it
/// is free. Otherwise it is queued when there is room again, behind what was awaited before it; if
/// this is dropped before that, the event is not sent.
#[must_use = "await it, so that a peer that reads slowly slows down its sender"]
pub struct Emit(State);

enum State {
    Done(Option<Error>),
    /// Handed to everyone already; awaiting it may give way to other tasks.
    Broadcast(Option<Error>),
    Waiting(Box<Waiting>),
}

struct Waiting {
    session: Arc<Session>,
    text: Vec<u8>,
    attachments: Vec<Bytes>,
    manner: Manner,
    /// Its place in the line of those that wait, from the first poll on.
    ticket: Option<u64>,
    /// It waits for a slow peer as much as what is queued.
    _charge: Charge,
}

impl Emit {
    /// An emit that has ended already.
    pub(super) fn done(result: Result<()>) -> Self {
        Self(State::Done(result.err()))
    }

    /// A broadcast that has been handed out.
    pub(super) fn broadcast(result: Result<()>) -> Self {
        Self(State::Broadcast(result.err()))
    }

    /// Sends what `encode` writes, now or when there is room, or does what the policy says.
    pub(super) fn start(
        session: &Arc<Session>,
        manner: Manner,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>, socketio::Error>,
    ) -> Self {
        // Whoever waits already goes first.
        let in_line = !session.line().is_empty();
        if manner.flags.volatile && (in_line || !session.is_writable()) {
            session.counters().dropped_volatile();
            return Self::done(Ok(()));
        }
        with_scratch(|text| {
            let attachments = match encode(text) {
                Ok(attachments) => attachments,
                Err(error) => return Self::done(Err(error.into())),
            };
            let sent = match in_line && session.is_open() {
                true => Ok(Err(SendError::Full)),
                false => manner.send(session, text, &attachments),
            };
            let sent = match sent {
                Ok(sent) => sent,
                Err(error) => return Self::done(Err(error)),
            };
            match sent {
                Ok(()) => Self::done(Ok(())),
                Err(SendError::Closed) => Self::done(Err(Error::disconnected())),
                Err(SendError::Full) => match manner.overflow(session) {
                    Some(outcome) => Self::done(outcome),
                    None => Self(State::Waiting(Waiting::new(session, text, attachments, manner))),
                },
            }
        })
    }
}

/// How a packet is sent.
#[derive(Default)]
pub(super) struct Manner {
    flags: Flags,
    /// An event that nobody waits for: the policy for slow peers decides on it.
    event: bool,
    /// Where it is recorded for a client that comes back.
    track: Option<Track>,
}

/// What is no event, or one that asks for an ack: it waits for room, and nobody records it.
impl From<Flags> for Manner {
    fn from(flags: Flags) -> Self {
        Self { flags, ..Self::default() }
    }
}

impl Manner {
    /// For an event without an ack.
    pub(super) fn event(track: Option<Track>, flags: Flags) -> Self {
        Self { flags, event: true, track }
    }

    /// Hands a packet to the session, written by its parser.
    fn send(
        &self,
        session: &Session,
        text: &[u8],
        attachments: &[Bytes],
    ) -> Result<Result<(), SendError>> {
        let parser = session.options().parser.as_ref();
        let packet = || std::str::from_utf8(text.get(1..).unwrap_or_default()).unwrap_or_default();
        if let Some(track) = &self.track {
            return Ok(
                track.send(session, &Encoded::new(parser, packet(), attachments, self.flags)?)
            );
        }
        if self.flags.compress {
            return with_messages(parser, text, attachments, |messages| session.send(messages));
        }
        let flags = Flags { volatile: false, ..self.flags };
        Ok(session.send_encoded(&Encoded::new(parser, packet(), attachments, flags)?))
    }

    /// What becomes of a packet for which there is no room; `None` if it waits.
    fn overflow(&self, session: &Session) -> Option<Result<()>> {
        if self.flags.volatile {
            session.counters().dropped_volatile();
            return Some(Ok(()));
        }
        match session.options().slow_peer {
            SlowPeer::Drop if self.event => {
                session.counters().dropped();
                Some(Ok(()))
            }
            SlowPeer::Close if self.event => {
                session.close_slow();
                Some(Err(Error::full()))
            }
            _ => None,
        }
    }
}

impl Future for Emit {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.0 {
            State::Done(error) => Poll::Ready(error.take().map_or(Ok(()), Err)),
            State::Broadcast(error) => {
                // A loop of broadcasts would otherwise keep everybody else from running: those
                // who are to fetch them by polling, for one.
                ready!(coop::poll_proceed(cx)).made_progress();
                Poll::Ready(error.take().map_or(Ok(()), Err))
            }
            State::Waiting(waiting) => {
                let result = ready!(waiting.poll(cx));
                self.0 = State::Done(None);
                Poll::Ready(result)
            }
        }
    }
}

impl Waiting {
    fn new(
        session: &Arc<Session>,
        text: &[u8],
        attachments: Vec<Bytes>,
        manner: Manner,
    ) -> Box<Self> {
        let bytes = text.len() + attachments.iter().map(Bytes::len).sum::<usize>();
        Box::new(Self {
            session: Arc::clone(session),
            text: text.to_vec(),
            attachments,
            manner,
            ticket: None,
            _charge: session.charge(bytes),
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let line = self.session.line();
        let ticket = *self.ticket.get_or_insert_with(|| line.join());
        ready!(line.poll_first(ticket, cx));
        loop {
            let sent = self.manner.send(&self.session, &self.text, &self.attachments);
            match sent? {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(SendError::Closed) => return Poll::Ready(Err(Error::disconnected())),
                Err(SendError::Full) => {}
            }
            if ready!(self.session.poll_room(cx)).is_err() {
                return Poll::Ready(Err(Error::disconnected()));
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.session.line().leave(ticket);
        }
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.0 {
            State::Done(_) | State::Broadcast(_) => "done",
            State::Waiting(_) => "waiting",
        };
        f.debug_tuple("Emit").field(&state).finish()
    }
}
