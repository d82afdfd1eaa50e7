//! One session: what its HTTP requests, its WebSocket, its task and its senders share.

use super::host::{Counters, Home};
use super::id::Id;
use super::line::Line;
use super::queues::Queues;
use super::revision3::{self, Payload};
use super::server::Engine;
use crate::encoded::{Encoded, Messages};
use crate::ends::{self, End};
use crate::options::Options;
use parking_lot::Mutex;
use rialto_protocol::CloseReason;
use rialto_protocol::engine::{self, Packet, Received, State, Timeout, Transport, Version};
use rialto_ws::{Message, MessageRef, Sender, WebSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tokio::runtime::Handle;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The session is over.
    Closed,
    /// The byte budget is used up.
    Full,
}

/// An Engine.IO session.
///
/// Once it lives on a WebSocket, sending goes straight to that connection's queue and takes
/// no lock here.
pub(crate) struct Session {
    id: Id,
    engine: Arc<Engine>,
    websocket: OnceLock<Sender>,
    open: AtomicBool,
    version: Version,
    /// A client of revision 3 that cannot receive binary on its present transport.
    base64: AtomicBool,
    /// See [`Session::evict`].
    evicted: AtomicBool,
    /// Where its task runs.
    home: Home,
    line: Line,
    inner: Mutex<Inner>,
}

pub(super) struct Inner {
    pub(super) machine: engine::Session,
    /// Nothing once the session's task has its WebSocket.
    queues: Option<Box<Queues>>,
    driver: Option<Waker>,
    /// What the WebSocket's Close frame says.
    farewell: Option<Box<End>>,
}

/// What the session's task has to know at the start of each of its turns.
pub(super) struct Signals {
    pub(super) closed: Option<CloseReason>,
    pub(super) upgraded: Option<WebSocket>,
    pub(super) deadline: Option<Instant>,
    pub(super) farewell: Option<End>,
}

impl Session {
    pub(super) fn new(
        id: Id,
        engine: Arc<Engine>,
        machine: engine::Session,
        websocket: Option<&WebSocket>,
        base64: bool,
    ) -> Self {
        let (version, home) = (machine.version(), engine.host().here());
        let sender = websocket.map_or_else(OnceLock::new, |ws| OnceLock::from(ws.sender()));
        let inner = Inner {
            machine,
            queues: websocket.is_none().then(|| Queues::new(engine.host())),
            driver: None,
            farewell: None,
        };
        Self {
            id,
            engine,
            websocket: sender,
            open: AtomicBool::new(true),
            version,
            base64: AtomicBool::new(base64),
            evicted: AtomicBool::new(false),
            home,
            line: Line::default(),
            inner: Mutex::new(inner),
        }
    }

    /// The session's secret id; clients of revision 3 have no other.
    pub(crate) fn id(&self) -> &str {
        self.id.as_str()
    }

    /// What it is a session of.
    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The worker on which its task runs, if this is called on another.
    pub(super) fn elsewhere(&self) -> Option<&Handle> {
        self.engine.host().elsewhere(self.home)
    }

    pub(crate) fn options(&self) -> &Arc<Options> {
        &self.engine.host().options
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.engine.host().counters
    }

    /// Cuts off a peer that has no room for what cannot wait.
    pub(crate) fn close_slow(&self) {
        let budget = self.options().budget();
        if self.is_open() {
            tracing::warn!(budget, "{}", ends::SLOW.text);
            self.counters().closed_slow();
        }
        self.close_with(CloseReason::TransportError, ends::SLOW);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// The revision of Engine.IO that the client speaks.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Whether the client cannot receive binary on its present transport.
    pub(super) fn base64(&self) -> bool {
        self.base64.load(Ordering::Acquire)
    }

    /// Hands messages to the WebSocket, in the revision's form.
    fn write(&self, sender: &Sender, messages: Messages<'_>) -> Result<(), SendError> {
        if self.version == Version::V3 && messages.has_binary() {
            return self.write_revised(sender, messages.iter());
        }
        let sent = match messages {
            Messages::Standard(text, attachments) => {
                sender.try_send_text_with_binary(text, attachments)
            }
            Messages::Other(messages) => {
                let messages: Vec<_> = messages.iter().map(Message::as_ref).collect();
                sender.try_send_group(&messages)
            }
        };
        sent.map_err(|error| refusal(&error))
    }

    /// [`Session::write`] for revision 3, where binary has a form of its own.
    fn write_revised<'a>(
        &self,
        sender: &Sender,
        messages: impl Iterator<Item = MessageRef<'a>>,
    ) -> Result<(), SendError> {
        let messages = revision3::messages(messages, self.base64());
        let messages: Vec<_> = messages.iter().map(Message::as_ref).collect();
        sender.try_send_group(&messages).map_err(|error| refusal(&error))
    }

    /// [`Session::write`] of what was framed before.
    fn write_encoded(&self, sender: &Sender, packet: &Encoded) -> Result<(), SendError> {
        let messages = match self.version {
            Version::V4 => packet.messages(),
            Version::V3 if self.base64() => {
                return self.write_revised(sender, packet.message_refs());
            }
            Version::V3 => packet.messages_of_revision3(),
        };
        sender.try_send_prepared_group(messages).map_err(|error| refusal(&error))
    }

    /// The senders that wait for room.
    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// The transport on which packets leave now.
    pub(crate) fn transport(&self) -> Transport {
        if self.websocket.get().is_some() { Transport::WebSocket } else { Transport::Polling }
    }

    /// Sends the messages of one packet side by side, if the budget has room for all.
    pub(crate) fn send(&self, messages: Messages<'_>) -> Result<(), SendError> {
        if let Some(sender) = self.websocket.get() {
            return self.write(sender, messages);
        }
        let mut inner = self.inner.lock();
        if let Some(sender) = self.websocket.get() {
            return self.write(sender, messages);
        }
        self.admit(&inner)?;
        if let Some(queues) = &mut inner.queues {
            messages.iter().for_each(|message| queues.outbox.push(message));
            queues.wake_poll();
        }
        Ok(())
    }

    /// Sends a packet that was encoded once for many; a volatile one may be dropped.
    pub(crate) fn send_encoded(&self, packet: &Encoded) -> Result<(), SendError> {
        if packet.is_volatile() && !self.is_writable() {
            self.counters().dropped_volatile();
            return Ok(());
        }
        if let Some(sender) = self.websocket.get() {
            return self.write_encoded(sender, packet);
        }
        let mut inner = self.inner.lock();
        if let Some(sender) = self.websocket.get() {
            return self.write_encoded(sender, packet);
        }
        self.admit(&inner)?;
        if let Some(queues) = &mut inner.queues {
            let push = |message| queues.outbox.push_prepared(message, packet.compresses());
            packet.messages().iter().for_each(push);
            queues.wake_poll();
        }
        Ok(())
    }

    fn admit(&self, inner: &Inner) -> Result<(), SendError> {
        if !inner.machine.is_open() {
            return Err(SendError::Closed);
        }
        let waiting = inner.queues.as_ref().map_or(0, |queues| queues.outbox.len());
        let exhausted = inner.has_waiting() && self.engine.host().buffered.is_exhausted();
        let room = waiting < self.options().budget() && !exhausted;
        if room { Ok(()) } else { Err(SendError::Full) }
    }

    /// True if something sent now would leave at once.
    pub(crate) fn is_writable(&self) -> bool {
        match self.websocket.get() {
            Some(sender) => !sender.is_congested(),
            None => {
                // Between two polls a client is as ready as during one.
                let inner = self.inner.lock();
                inner.machine.is_open() && !inner.has_waiting()
            }
        }
    }

    /// Ready when a small message would be taken, or the session is over.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if let Some(sender) = self.websocket.get() {
            return sender.poll_ready(cx).map_err(|_| SendError::Closed);
        }
        let mut inner = self.inner.lock();
        match self.admit(&inner) {
            Err(SendError::Full) => inner.wait(cx),
            admitted => Poll::Ready(admitted),
        }
    }

    /// Ready when the session lives on a WebSocket, with true, or is over.
    pub(crate) fn poll_upgraded(&self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.websocket.get().is_some() {
            return Poll::Ready(true);
        }
        let mut inner = self.inner.lock();
        match self.websocket.get() {
            Some(_) => Poll::Ready(true),
            None if !inner.machine.is_open() => Poll::Ready(false),
            // Whoever waits for room is woken by either, too.
            None => inner.wait(cx),
        }
    }

    /// Ends the session from this side: what is queued leaves first, then the news.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.close_with(reason, ends::CLOSED);
    }

    /// [`Session::close`] with the code and text of a WebSocket's Close frame.
    pub(crate) fn close_with(&self, reason: CloseReason, end: End) {
        let mut inner = self.inner.lock();
        if !inner.machine.is_open() {
            return;
        }
        inner.machine.close(reason, Instant::now());
        inner.farewell = Some(Box::new(end));
        if self.websocket.get().is_some() {
            inner.machine.lost(reason);
        }
        self.settle(&mut inner);
    }

    /// Ends the session because the peer broke a rule.
    pub(crate) fn fail(&self, reason: CloseReason, end: End) {
        let mut inner = self.inner.lock();
        if self.websocket.get().is_none() && inner.machine.is_moving() {
            inner.machine.close(reason, Instant::now());
        } else {
            inner.machine.lost(reason);
        }
        inner.farewell.get_or_insert_with(|| Box::new(end));
        self.settle(&mut inner);
    }

    /// Asks the layer above to take leave of its client and to close the session.
    pub(crate) fn evict(&self) {
        self.evicted.store(true, Ordering::Release);
        self.wake();
    }

    /// True once after [`Session::evict`].
    pub(crate) fn take_eviction(&self) -> bool {
        self.evicted.load(Ordering::Acquire) && self.evicted.swap(false, Ordering::AcqRel)
    }

    /// Runs `change` on the shared state and wakes whoever it concerns.
    pub(super) fn update<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        let mut inner = self.inner.lock();
        let armed = inner.machine.poll_timeout();
        let result = change(&mut inner);
        self.settle(&mut inner);
        // The task sleeps until the deadline that it knows of, or an earlier one.
        let due = inner.machine.poll_timeout();
        if due.is_some_and(|due| armed.is_none_or(|armed| due < armed)) {
            inner.wake_driver();
        }
        result
    }

    /// After a change: polls and probes that must not wait longer, the task, waiting senders.
    fn settle(&self, inner: &mut Inner) {
        let open = inner.machine.is_open();
        if !open
            && !inner.machine.is_moving()
            && let Some(probe) = inner.take_probe()
        {
            probe.close(ends::PROBE_OVER.code, ends::PROBE_OVER.text);
        }
        if !open && self.open.swap(false, Ordering::AcqRel) {
            inner.wake_waiters();
            inner.wake_driver();
        }
        if inner.machine.must_release_poll() {
            inner.wake_poll();
        }
        if matches!(inner.machine.state(), State::Closed(_)) {
            inner.clear();
            inner.wake_driver();
            inner.wake_poll();
        }
    }

    /// Wakes the session's task: something above it has changed.
    pub(crate) fn wake(&self) {
        self.inner.lock().wake_driver();
    }

    /// Takes messages that a POST has brought; true if the task had taken all earlier ones,
    /// `None` if it takes nothing from POSTs any more.
    pub(super) fn deliver(&self, messages: Vec<Message>) -> Option<bool> {
        let mut inner = self.inner.lock();
        let queues = inner.queues.as_mut()?;
        let was_empty = queues.inbound.is_empty();
        queues.inbound.extend(messages);
        inner.wake_driver();
        Some(was_empty)
    }

    /// Ready when the task has taken what POSTs have brought.
    pub(super) fn poll_taken(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        let open = inner.machine.is_open();
        match &mut inner.queues {
            Some(queues) if open && !queues.inbound.is_empty() => {
                queues.wait(cx);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// The next message of a POST, for the session's task.
    pub(super) fn take_inbound(&self) -> Option<Message> {
        let mut inner = self.inner.lock();
        let queues = inner.queues.as_mut()?;
        let message = queues.inbound.pop_front()?;
        // Only now: a handler that waits for room is woken by this too, and runs in the task that
        // asks here in each of its turns.
        if queues.inbound.is_empty() {
            queues.wake_waiters();
        }
        Some(message)
    }

    /// The upgrade is complete: what waits leaves by the WebSocket, and so does all that follows.
    pub(super) fn move_to(&self, inner: &mut Inner, socket: WebSocket, base64: bool) {
        let sender = socket.sender();
        self.base64.store(base64, Ordering::Release);
        let mut full = false;
        if let Some(queues) = &mut inner.queues {
            queues.outbox.drain(|message| {
                let sent = match self.version {
                    Version::V3 => self.write_revised(&sender, std::iter::once(message)),
                    Version::V4 => sender.try_send_ref(message).map_err(|error| refusal(&error)),
                };
                full |= sent.is_err();
            });
            queues.probe = None;
            queues.upgraded = Some(socket);
        }
        if full {
            // More was waiting for polls than the connection's budget takes at once.
            inner.farewell = Some(Box::new(ends::LATE));
            inner.machine.lost(CloseReason::TransportError);
        }
        if let State::Closing(reason) = inner.machine.state() {
            // The end was waiting for this: the task closes the WebSocket.
            inner.machine.lost(reason);
        }
        let _first = self.websocket.set(sender);
        inner.wake_poll();
        inner.wake_waiters();
        inner.wake_driver();
    }

    /// What the session's task has to know; registers the task to be woken by later changes.
    pub(super) fn signals(&self, cx: &mut Context<'_>, now: Instant, heard: bool) -> Signals {
        let mut inner = self.inner.lock();
        inner.register_driver(cx);
        if heard {
            inner.machine.heard(now);
        }
        while let Some(timeout) = inner.machine.handle_timeout(now) {
            self.handle_timeout(&mut inner, timeout);
        }
        if inner.machine.is_open() && self.has_stalled(&inner, now) {
            tracing::warn!("a client on long-polling fetches nothing of what waits for it");
            self.counters().closed_slow();
            inner.machine.lost(CloseReason::TransportError);
            inner.explain(ends::UNFETCHED);
            self.settle(&mut inner);
        }
        let closed = match inner.machine.state() {
            State::Open => None,
            State::Closing(reason) | State::Closed(reason) => Some(reason),
        };
        let due = inner.machine.poll_timeout();
        Signals {
            closed,
            upgraded: inner.take_upgraded(),
            deadline: due.map(|due| self.next_look(due, now)),
            farewell: inner.farewell.as_deref().copied(),
        }
    }

    /// What waits for polls is looked after once per ping, also while one is not answered, and
    /// where clients ping by themselves.
    fn next_look(&self, due: Instant, now: Instant) -> Instant {
        if self.transport() == Transport::WebSocket || self.options().stall_timeout.is_none() {
            return due;
        }
        now.checked_add(self.options().ping_interval).map_or(due, |look| due.min(look))
    }

    /// Whether a client on long-polling has left something lie for too long.
    fn has_stalled(&self, inner: &Inner, now: Instant) -> bool {
        let Some(limit) = self.options().stall_timeout else { return false };
        let waits = inner.queues.as_ref().and_then(|queues| queues.outbox.waits_since());
        waits.is_some_and(|since| now.saturating_duration_since(since) >= limit)
    }

    fn handle_timeout(&self, inner: &mut Inner, timeout: Timeout) {
        match timeout {
            Timeout::Ping => match self.websocket.get() {
                // A peer that does not take its ping will miss its deadline.
                Some(sender) => drop(sender.try_send_ref(MessageRef::Text("2"))),
                None => {
                    if let Some(queues) = &mut inner.queues {
                        queues.outbox.push(MessageRef::Text("2"));
                        queues.wake_poll();
                    }
                }
            },
            Timeout::ProbeExpired => {
                if let Some(probe) = inner.take_probe() {
                    probe.close(ends::SLOW_UPGRADE.code, ends::SLOW_UPGRADE.text);
                }
            }
            Timeout::Closed(_) => self.settle(inner),
        }
    }

    /// A packet of the WebSocket that is not a message.
    pub(super) fn receive_control(
        &self,
        packet: &Packet<'_>,
        now: Instant,
    ) -> Result<(), engine::Violation> {
        let received = self.update(|inner| {
            let received = inner.machine.receive(packet, now)?;
            inner.explain(ends::LEFT);
            Ok(received)
        })?;
        if received == Received::Ping
            && let Some(sender) = self.websocket.get()
        {
            // A peer that does not take its pong takes nothing else either.
            drop(sender.try_send_ref(MessageRef::Text("3")));
        }
        Ok(())
    }
}

impl Inner {
    fn register_driver(&mut self, cx: &Context<'_>) {
        if !self.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
    }

    fn wake_driver(&self) {
        if let Some(waker) = &self.driver {
            waker.wake_by_ref();
        }
    }

    /// Says why the session is over, if it is and nobody has said so before.
    pub(super) fn explain(&mut self, end: End) {
        if !self.machine.is_open() {
            self.farewell.get_or_insert_with(|| Box::new(end));
        }
    }

    /// A ping of revision 3 has come by a POST.
    pub(super) fn answer_ping(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.outbox.push_pong();
            queues.wake_poll();
        }
    }

    /// Registers the waiting poll.
    pub(super) fn register_poll(&mut self, cx: &Context<'_>) {
        match &mut self.queues {
            Some(queues) => queues.poll = Some(cx.waker().clone()),
            // It is being released.
            None => cx.waker().wake_by_ref(),
        }
    }

    fn wake_poll(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.wake_poll();
        }
    }

    /// Registers a sender that waits for room.
    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        match &mut self.queues {
            Some(queues) => queues.wait(cx),
            None => cx.waker().wake_by_ref(),
        }
        Poll::Pending
    }

    fn wake_waiters(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.wake_waiters();
        }
    }

    /// Whether something waits for the next poll.
    pub(super) fn has_waiting(&self) -> bool {
        self.queues.as_ref().is_some_and(|queues| !queues.outbox.is_empty())
    }

    /// What waits for the next poll, as far as it fits `limit` bytes; makes room for more.
    pub(super) fn take_payload(&mut self, version: Version, base64: bool, limit: usize) -> Payload {
        let Some(queues) = &mut self.queues else { return Payload::control(version, "6") };
        let body = Payload::take(&mut queues.outbox, version, base64, limit);
        queues.wake_waiters();
        body
    }

    fn clear(&mut self) {
        if let Some(queues) = &mut self.queues {
            queues.outbox.clear();
        }
    }

    /// The connection that is being probed, while the session lives on polling.
    pub(super) fn set_probe(&mut self, probe: Option<Sender>) {
        if let Some(queues) = &mut self.queues {
            queues.probe = probe;
        }
    }

    fn take_probe(&mut self) -> Option<Sender> {
        self.queues.as_mut()?.probe.take()
    }

    /// The WebSocket that the session has moved to, once nothing is left of the time before.
    fn take_upgraded(&mut self) -> Option<WebSocket> {
        let open = self.machine.is_open();
        let taken = self
            .queues
            .take_if(|queues| queues.upgraded.is_some() && (queues.inbound.is_empty() || !open));
        taken?.upgraded.take()
    }
}

fn refusal(error: &rialto_ws::Error) -> SendError {
    if error.is_full() { SendError::Full } else { SendError::Closed }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allocators give out 192 bytes, and 224 for one more.
    #[test]
    fn a_session_is_one_small_block() {
        let size = size_of::<Session>() + 2 * size_of::<usize>();
        assert!(size <= 192, "{size} bytes");
    }
}
