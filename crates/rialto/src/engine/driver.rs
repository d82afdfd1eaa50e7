//! The one task of a session: reads, hands messages up, keeps time.

use super::server::Listed;
use super::session::Session;
use crate::ends::{self, End};
use crate::panics::message;
use pin_project_lite::pin_project;
use rialto_protocol::CloseReason;
use rialto_protocol::engine::{Packet, Version, Violation, revision3};
use rialto_ws::{CloseCode, MessageRef, WebSocket, turn};
use std::any::Any;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::{Sleep, sleep};
use tracing::field::display;

/// What is served above Engine.IO, for one session.
pub(crate) trait Client: Send + 'static {
    /// A message has come.
    fn receive(
        &mut self,
        message: MessageRef<'_>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Result<(), Fault>;

    /// Goes on with what is suspended. Ready when nothing is.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// False while messages should wait in the transport.
    fn wants_more(&self) -> bool;

    /// The address that the session was opened from, for the log.
    fn peer(&self) -> Option<SocketAddr>;

    /// The next moment at which [`Client::handle_timeout`] has something to do.
    fn poll_timeout(&self) -> Option<Instant>;

    /// A part of a message has come, or there was no reading: nothing that is awaited of the peer
    /// is late yet.
    fn heard(&mut self, now: Instant);

    /// Does what is due.
    fn handle_timeout(&mut self, now: Instant) -> Result<(), Fault>;

    /// The session is over; called once.
    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>);
}

/// A reason to end a session because of what its peer sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) reason: CloseReason,
    pub(crate) text: &'static str,
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self { reason: violation.reason(), text: violation.as_str() }
    }
}

pin_project! {
    /// The task. It ends when the session is over and nothing above it is suspended.
    ///
    /// Its timer lies in it, so that task and timer are one block: with what tokio needs for a
    /// task, 256 bytes. `tests::the_task_is_one_small_block` watches that.
    pub(super) struct Driver {
        turns: Turns,
        #[pin]
        sleep: Sleep,
    }
}

/// What the task has besides its timer.
struct Turns {
    socket: Option<WebSocket>,
    client: Box<dyn Client>,
    /// Told the client that the session is over.
    closed: bool,
    heard: bool,
    /// The lower half of how many bytes the WebSocket had received when it was last asked.
    received: u32,
    /// Dropped last: the session leaves the table when all else is gone.
    session: Listed,
}

/// Where a timer stands that nothing is due at.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// Messages handled before the task gives way to others.
const BATCH: usize = 256;

impl Driver {
    pub(super) fn new(session: Listed, socket: Option<WebSocket>, client: Box<dyn Client>) -> Self {
        let turns = Turns { socket, client, closed: false, heard: false, received: 0, session };
        Self { turns, sleep: sleep(NEVER) }
    }
}

impl Turns {
    /// Reads until the transport has no more, or the client wants none.
    fn read(&mut self, cx: &mut Context<'_>, now: Instant) {
        for _ in 0..BATCH {
            if !self.client.wants_more() {
                // Time in which we do not read never counts against the peer.
                self.heard = true;
                return;
            }
            if !self.session.is_open() {
                return;
            }
            let outcome = match &mut self.socket {
                Some(socket) => match socket.poll_recv_ref(cx) {
                    Poll::Pending => return self.note_bytes(),
                    Poll::Ready(Ok(Some(message))) => {
                        self.heard = true;
                        take(&self.session, self.client.as_mut(), message, cx, now)
                    }
                    Poll::Ready(Ok(None)) => {
                        return self.session.fail(CloseReason::TransportClose, ends::PEER_CLOSED);
                    }
                    Poll::Ready(Err(error)) => return self.transport_failed(&error),
                },
                None => match self.session.take_inbound() {
                    Some(message) => self.client.receive(message.as_ref(), cx, now),
                    None => return,
                },
            };
            if let Err(fault) = outcome {
                return self.session.fail(fault.reason, End::broken(fault.text));
            }
        }
        // More may be there: come back after the others.
        cx.waker().wake_by_ref();
    }

    /// Hands up what POSTs had brought before the session ended, whether or not the client above
    /// wants more: at most two bodies. True if there was anything.
    fn take_rest(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut any = false;
        while let Some(message) = self.session.take_inbound() {
            any = true;
            if self.client.receive(message.as_ref(), cx, now).is_err() {
                // The session is over anyway; nothing behind a broken packet counts.
                while self.session.take_inbound().is_some() {}
            }
        }
        any
    }

    /// A part of a long message is a sign of life as well.
    fn note_bytes(&mut self) {
        let received = self.socket.as_ref().map_or(0, WebSocket::received);
        #[allow(clippy::cast_possible_truncation, reason = "only whether it has changed matters")]
        let received = received as u32;
        self.heard |= received != self.received;
        self.received = received;
    }

    fn transport_failed(&self, error: &rialto_ws::Error) {
        // A browser that is closed ends its connection without a Close frame.
        let reason = if error.is_closed() || error.is_io() {
            CloseReason::TransportClose
        } else {
            CloseReason::TransportError
        };
        tracing::debug!(%error, "the WebSocket failed");
        if error.violation().is_some_and(|it| it.close_code() == CloseCode::TOO_LARGE) {
            let peer = self.socket.as_ref().and_then(WebSocket::peer_addr);
            self.session.warn_of_large(None, peer);
        }
        // What its peer has to know, the WebSocket itself has said.
        let end = match error.violation() {
            Some(violation) => End { code: violation.close_code().get(), text: violation.as_str() },
            None if error.is_timeout() => ends::STALLED,
            None if error.is_closed() => ends::VANISHED,
            None => ends::LOST,
        };
        self.session.fail(reason, end);
    }

    fn handle_client_timeout(&mut self, now: Instant) {
        if self.client.poll_timeout().is_none_or(|due| due > now) {
            return;
        }
        // A POST's body has a deadline of its own.
        if self.session.has_post() {
            self.client.heard(now);
        }
        if let Err(fault) = self.client.handle_timeout(now) {
            self.session.close_with(fault.reason, End { code: 1008, text: fault.text });
        }
    }

    /// Arms the timer for the earlier of two deadlines; true if it is due already.
    ///
    /// A timer that is armed for an earlier moment is left alone: when it fires, it is armed anew.
    fn arm(
        &self,
        mut sleep: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
    ) -> bool {
        let due = [deadline, self.client.poll_timeout()].into_iter().flatten().min();
        // Where it fires in vain, the task has a turn in which nothing is due.
        let Some(due) = due else { return false };
        if sleep.is_elapsed() || due < sleep.deadline().into_std() {
            sleep.as_mut().reset(due.into());
        }
        sleep.poll(cx).is_ready()
    }

    /// One line for each end: who has ended it, and why.
    fn log_end(&self, reason: CloseReason, farewell: Option<End>) {
        let End { code, text } = match reason {
            CloseReason::PingTimeout => ends::SILENT,
            _ => farewell.unwrap_or(ends::LOST),
        };
        let (reason, peer) = (reason.as_str(), self.client.peer().map(display));
        let frame = self.socket.as_ref().and_then(WebSocket::close_frame);
        match frame.filter(|_| farewell == Some(ends::PEER_CLOSED)) {
            Some(frame) => {
                let (code, said) = (frame.code.get(), frame.reason.as_str());
                tracing::debug!(reason, code, peer, ?said, "session ended: {text}");
            }
            None if farewell == Some(ends::SLOW) => {
                tracing::warn!(reason, code, peer, "session ended: {text}");
            }
            None => tracing::debug!(reason, code, peer, "session ended: {text}"),
        }
    }

    fn log_panic(&self, panic: &(dyn Any + Send)) {
        let peer = self.client.peer().map(display);
        tracing::error!(panic = message(panic), peer, "a handler panicked");
    }

    /// The session has ended: tells the client, lets the connection go.
    fn finish(&mut self, reason: CloseReason, farewell: Option<End>, cx: &mut Context<'_>) {
        if !self.closed {
            self.closed = true;
            self.log_end(reason, farewell);
            self.session.counters().closed(reason);
            self.client.closed(reason, cx);
        }
        if let Some(socket) = self.socket.take() {
            if reason == CloseReason::PingTimeout {
                // Nobody is there to answer a Close frame: it is sent for the record.
                socket.sender().close(ends::SILENT.code, ends::SILENT.text);
                socket.sender().abort();
            } else if farewell == Some(ends::PEER_CLOSED) {
                socket.sender().close(ends::GOODBYE.code, ends::GOODBYE.text);
            } else if let Some(end) = farewell.filter(|end| end.is_said()) {
                socket.sender().close(end.code, end.text);
            }
        }
    }
}

/// One message of the WebSocket.
fn take(
    session: &Session,
    client: &mut dyn Client,
    message: MessageRef<'_>,
    cx: &mut Context<'_>,
    now: Instant,
) -> Result<(), Fault> {
    let text = match message {
        MessageRef::Binary(data) if session.version() == Version::V3 => {
            let Packet::Binary(data) = revision3::decode_binary(data)? else { return Ok(()) };
            return client.receive(MessageRef::Binary(&data), cx, now);
        }
        MessageRef::Binary(_) => return client.receive(message, cx, now),
        MessageRef::Text(text) => text,
    };
    if let Some(text) = text.strip_prefix('4') {
        return client.receive(MessageRef::Text(text), cx, now);
    }
    let packet = match session.version() {
        Version::V4 => Packet::decode(text)?,
        Version::V3 => revision3::decode_text(text)?,
    };
    match packet {
        // Here binary has frames of its own, but a client without binary support keeps to base64.
        Packet::Binary(data) => client.receive(MessageRef::Binary(&data), cx, now),
        packet => Ok(session.receive_control(&packet, now)?),
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = self.project();
        let (this, sleep) = (driver.turns, driver.sleep);
        let _turn = turn::enter();
        match catch_unwind(AssertUnwindSafe(|| this.turn(sleep, cx))) {
            Ok(poll) => poll,
            // The client has been told of its end already: there is nobody left to tell.
            Err(panic) if this.closed => {
                this.log_panic(&*panic);
                Poll::Ready(())
            }
            Err(panic) => {
                this.log_panic(&*panic);
                // A handler's panic ends its own session, in order: `closed` still has to run.
                this.session.fail(CloseReason::ForcedClose, ends::HANDLER_FAILED);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Turns {
    fn turn(&mut self, sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self;
        let now = Instant::now();
        loop {
            this.read(cx, now);
            let paused = !this.client.wants_more();
            let running = this.client.poll(cx).is_pending();
            let reads = !paused || this.client.wants_more();
            if paused && reads && this.session.is_open() {
                // What was left unread would wake nobody.
                continue;
            }
            let heard = std::mem::take(&mut this.heard);
            if heard {
                this.client.heard(now);
            }
            let signals = this.session.signals(cx, now, heard);
            if let Some(socket) = signals.upgraded {
                this.socket = Some(socket);
                continue;
            }
            if let Some(reason) = signals.closed {
                let first = !this.closed;
                if first && this.take_rest(cx, now) {
                    continue;
                }
                this.finish(reason, signals.farewell, cx);
                if first {
                    continue;
                }
                if !running && signals.deadline.is_none() {
                    return Poll::Ready(());
                }
            } else {
                this.handle_client_timeout(now);
                if !this.session.is_open() || (!reads && this.client.wants_more()) {
                    continue;
                }
            }
            if this.arm(sleep, cx, signals.deadline) {
                // Time has passed while this turn ran: the next turn reads the clock again.
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokio's own part of a task is 104 bytes, which it aligns to 128: a larger one would take
    /// 384 bytes, and 512 of some allocators. With tokio's `rt-multi-thread`, timers are larger.
    #[test]
    fn the_task_is_one_small_block() {
        let size = size_of::<Driver>();
        assert!(size <= 256 - 104, "{size} bytes");
    }
}
