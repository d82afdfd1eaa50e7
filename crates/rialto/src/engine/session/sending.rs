//! What leaves a session: straight to its WebSocket's queue, or into the outbox of its polls.

use super::{Inner, Session};
use crate::encoded::{Encoded, Messages};
use crate::engine::line::Line;
use crate::engine::revision3;
use rialto_protocol::engine::{Transport, Version};
use rialto_ws::{Charge, Message, MessageRef, Sender};
use std::task::{Context, Poll};

/// Bytes beyond `send_budget` that packets of the protocol itself may take: pings, pongs, the
/// answers to CONNECT packets. A client that is slow to read is still there.
const RESERVE: usize = 64 << 10;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The session is over.
    Closed,
    /// The byte budget is used up.
    Full,
}

impl Session {
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

    /// So many bytes of what waits for slow peers on this server.
    pub(crate) fn charge(&self, bytes: usize) -> Charge {
        let mut charge = self.engine.host().buffered.charge();
        charge.set(bytes);
        charge
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

    /// Sends a packet of the protocol itself, such as the answer to a CONNECT: it does not depend
    /// on room that events have used up. A peer that has no room for these either is cut off.
    pub(crate) fn send_own(&self, messages: Messages<'_>) {
        let mut inner = self.inner.lock();
        let sent = match (self.websocket.get(), &mut inner.queues) {
            (Some(sender), _) => {
                messages.iter().try_for_each(|message| self.write_own(sender, message))
            }
            (None, Some(queues)) if self.is_open() => {
                let fits = messages.iter().all(|it| queues.outbox.push_beyond(it, RESERVE));
                queues.wake_poll();
                if fits { Ok(()) } else { Err(SendError::Full) }
            }
            (None, _) => Err(SendError::Closed),
        };
        drop(inner);
        if sent == Err(SendError::Full) {
            self.close_slow();
        }
    }

    /// Hands a message to the WebSocket though its budget may be used up.
    pub(super) fn write_own(
        &self,
        sender: &Sender,
        message: MessageRef<'_>,
    ) -> Result<(), SendError> {
        if self.version == Version::V3 && matches!(message, MessageRef::Binary(_)) {
            let messages = revision3::messages(std::iter::once(message), self.base64());
            let mut messages = messages.iter().map(Message::as_ref);
            return messages.try_for_each(|message| beyond(sender, message));
        }
        beyond(sender, message)
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
}

pub(super) fn beyond(sender: &Sender, message: MessageRef<'_>) -> Result<(), SendError> {
    sender.try_send_beyond(message, RESERVE).map_err(|error| refusal(&error))
}

fn refusal(error: &rialto_ws::Error) -> SendError {
    if error.is_full() { SendError::Full } else { SendError::Closed }
}
