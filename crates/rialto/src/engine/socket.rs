//! A bare Engine.IO session for applications: messages without events, rooms or namespaces.

use super::driver::{Client, Fault};
use super::line::Line;
use super::server::App;
use super::session::{SendError, Session};
use crate::encoded::{Messages, with_scratch};
use crate::error::{Error, Result};
use crate::handshake::Handshake;
use crate::options::Transport;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rialto_protocol::CloseReason;
use rialto_ws::{Message, MessageRef};
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// What a message costs that waits, beside what it says.
const OVERHEAD: usize = 64;

/// An Engine.IO session: messages over long-polling or a WebSocket, whichever the client has.
///
/// Given to the handler of [`Server::engine`](crate::Server::engine). It is cheap to clone;
/// one task should receive.
#[derive(Clone)]
pub struct EngineSocket {
    session: Arc<Session>,
    inbox: Arc<Mutex<Inbox>>,
    handshake: Handshake,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Message>,
    /// Bytes that it takes to keep them; above [`Options::room_for_events`] the transport waits.
    bytes: usize,
    closed: Option<CloseReason>,
    waker: Option<Waker>,
    driver: Option<Waker>,
}

impl EngineSocket {
    /// The next message; `None` once the session is over. Cancel safe.
    pub async fn recv(&self) -> Option<Message> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut inbox = self.inbox.lock();
        if let Some(message) = inbox.messages.pop_front() {
            let room = self.session.options().room_for_events();
            let paused = inbox.bytes > room;
            inbox.bytes -= message.len() + OVERHEAD;
            if paused
                && inbox.bytes <= room
                && let Some(driver) = inbox.driver.take()
            {
                driver.wake();
            }
            return Poll::Ready(Some(message));
        }
        if inbox.closed.is_some() {
            return Poll::Ready(None);
        }
        inbox.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Sends a message; waits while the peer's byte budget is used up, in line with others that
    /// wait. Cancel safe: what was not sent when this is dropped is not sent.
    ///
    /// # Errors
    /// If the session is over.
    pub async fn send(&self, message: impl Into<Message>) -> Result<()> {
        let message = message.into();
        let line = self.session.line();
        let mut sent = if line.is_empty() { self.try_send(&message) } else { Err(SendError::Full) };
        if sent == Err(SendError::Full) {
            let _charge = self.session.charge(message.len());
            let place = InLine { line, ticket: line.join() };
            poll_fn(|cx| line.poll_first(place.ticket, cx)).await;
            sent = self.try_send(&message);
            while sent == Err(SendError::Full) {
                let room = poll_fn(|cx| self.session.poll_room(cx)).await;
                sent = room.and_then(|()| self.try_send(&message));
            }
        }
        sent.map_err(|_| Error::disconnected())
    }

    fn try_send(&self, message: &Message) -> Result<(), SendError> {
        match message {
            Message::Binary(_) => self.session.send(Messages::Other(std::slice::from_ref(message))),
            Message::Text(text) => with_scratch(|out| {
                out.extend_from_slice(text.as_bytes());
                self.session.send(Messages::Standard(out, &[]))
            }),
        }
    }

    /// Ends the session.
    pub fn close(&self) {
        self.session.close(CloseReason::ForcedClose);
    }

    /// The session's id. Whoever knows it has the session.
    #[must_use]
    pub fn id(&self) -> &str {
        self.session.id()
    }

    /// The request that opened the session.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// The transport in use.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.session.transport()
    }

    /// Ready when the session is on a WebSocket, with true: at once, if it began there. False if it
    /// ends on long-polling. Cancel safe.
    pub fn upgraded(&self) -> impl Future<Output = bool> + Send + 'static {
        let session = Arc::clone(&self.session);
        poll_fn(move |cx| session.poll_upgraded(cx))
    }

    /// Why the session ended, once it has.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.inbox.lock().closed
    }
}

/// A place in the line of senders, given up when it is dropped.
struct InLine<'a> {
    line: &'a Line,
    ticket: u64,
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.line.leave(self.ticket);
    }
}

impl fmt::Debug for EngineSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineSocket").field("transport", &self.transport()).finish_non_exhaustive()
    }
}

/// Serves a handler on bare Engine.IO.
pub(crate) struct EngineApp<H>(H);

impl<H, F> EngineApp<H>
where
    H: Fn(EngineSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    pub(crate) fn new(handler: H) -> Self {
        Self(handler)
    }
}

impl<H, F> App for EngineApp<H>
where
    H: Fn(EngineSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    fn open(&self, session: Arc<Session>, handshake: Handshake) -> Box<dyn Client> {
        let peer = handshake.address();
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let socket =
            EngineSocket { session: Arc::clone(&session), inbox: Arc::clone(&inbox), handshake };
        Box::new(Bridge { handler: Some(Box::pin((self.0)(socket))), inbox, session, peer })
    }
}

/// Between the session's task and the handler, which runs inside that task.
struct Bridge {
    handler: Option<BoxFuture<'static, Result<()>>>,
    inbox: Arc<Mutex<Inbox>>,
    session: Arc<Session>,
    peer: Option<SocketAddr>,
}

impl Client for Bridge {
    fn receive(
        &mut self,
        message: MessageRef<'_>,
        _cx: &mut Context<'_>,
        _now: Instant,
    ) -> Result<(), Fault> {
        let mut inbox = self.inbox.lock();
        inbox.bytes += message.as_bytes().len() + OVERHEAD;
        inbox.messages.push_back(message.to_message());
        if let Some(waker) = inbox.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.inbox.lock().driver = Some(cx.waker().clone());
        let Some(handler) = &mut self.handler else { return Poll::Ready(()) };
        let Poll::Ready(result) = handler.as_mut().poll(cx) else { return Poll::Pending };
        self.handler = None;
        if let Err(error) = result
            && !error.is_disconnected()
        {
            tracing::warn!(%error, "the handler of an Engine.IO session failed");
        }
        self.session.close(CloseReason::ForcedClose);
        Poll::Ready(())
    }

    fn wants_more(&self) -> bool {
        self.inbox.lock().bytes <= self.session.options().room_for_events()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn heard(&mut self, _now: Instant) {}

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Fault> {
        Ok(())
    }

    fn closed(&mut self, reason: CloseReason, _cx: &mut Context<'_>) {
        let mut inbox = self.inbox.lock();
        inbox.closed = Some(reason);
        if let Some(waker) = inbox.waker.take() {
            waker.wake();
        }
    }
}
