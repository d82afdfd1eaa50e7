//! Events on their way to the listeners: at once, or when a suspended one is done.

use super::{Connection, Joined};
use crate::socketio::event::Incoming;
use crate::socketio::events::{Events, warn_or_debug};
use crate::socketio::listener::Task;
use crate::socketio::owed::Wanted;
use crate::socketio::rare::Held;
use crate::socketio::running::{Running, RunningSet};
use crate::socketio::socket::Socket;
use rialto_protocol::socketio::{Attachments, Packet};
use std::sync::Arc;
use std::task::{Context, Poll};

impl Connection {
    pub(super) fn report(&self, socket: &Socket, event: &str, error: &crate::Error) {
        let joined = self.joined.iter().find(|joined| joined.socket.id() == socket.id());
        match joined.and_then(|joined| joined.table.as_ref()) {
            Some(table) => table.report(socket, event, error),
            None => warn_or_debug(socket, event, error),
        }
    }

    /// An event of the namespace with that index has come.
    pub(super) fn event(
        &mut self,
        index: usize,
        packet: &Packet<'_>,
        attachments: Attachments<'_>,
        cx: &mut Context<'_>,
    ) {
        let Some(name) = packet.event_name() else { return };
        let incoming = Incoming {
            name: &name,
            data: packet.data,
            name_end: packet.name_end,
            attachments,
            ack: packet.id.map(Wanted::new),
        };
        let Joined { socket, table } = &self.joined[index];
        if !socket.is_connected() {
            // It was sent before the client knew that it is out.
            return;
        }
        let Some(table) = table else {
            return socket.push_event(incoming.to_event(socket));
        };
        if !self.parked.is_empty() || !self.may_start(table, incoming.size()) {
            let (socket, table) = (socket.clone(), Arc::clone(table));
            self.parked.push(incoming.to_event(&socket), Arc::clone(&table));
            return self.tell_of_waiting(&socket, &table, incoming.name);
        }
        dispatch(table, socket, &incoming, &mut self.running, cx);
    }

    /// Says once that a client's events wait: from outside, a handler that never ends looks like a
    /// server that does not answer.
    fn tell_of_waiting(&mut self, socket: &Socket, table: &Events, event: &str) {
        if table.is_sequential() || self.said_waiting {
            return;
        }
        self.said_waiting = true;
        if socket.warns_of_waiting() {
            let (socket, handlers) = (socket.id(), self.running.listeners());
            tracing::warn!(socket, handlers, ?event, "an event waits for suspended handlers");
        }
    }

    /// Starts events that had to wait; true if any could. Some may be of a socket that is gone:
    /// they came before it went.
    pub(super) fn unpark(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Some(Held { event, table }) = self.parked.front() {
            if !self.may_start(table, event.incoming().size()) {
                break;
            }
            let Some(held) = self.parked.pop() else { break };
            self.start(&held, cx);
            any = true;
        }
        any
    }

    /// A socket is about to be gone: what it has sent before starts before its end, but for tables
    /// that take one event after the other, where it starts in its turn.
    pub(super) fn start_last(&mut self, socket: &Socket, cx: &mut Context<'_>) {
        let is_its =
            |held: &Held| held.event.socket().id() == socket.id() && !held.table.is_sequential();
        while let Some(held) = self.parked.take_first(is_its) {
            self.start(&held, cx);
        }
    }

    fn start(&mut self, held: &Held, cx: &mut Context<'_>) {
        let Held { event, table } = held;
        dispatch(table, event.socket(), &event.incoming(), &mut self.running, cx);
    }

    /// Whether a further event, of so many bytes, may be handed to this table now.
    fn may_start(&self, table: &Events, bytes: usize) -> bool {
        let (running, options) = (&self.running, &self.core.options);
        let most = if table.is_sequential() { 1 } else { options.max_running_handlers };
        let room = || running.bytes() + bytes <= options.room_for_events();
        running.listeners() == 0 || (running.listeners() < most && room())
    }
}

/// Hands an event to its listeners.
fn dispatch(
    table: &Arc<Events>,
    socket: &Socket,
    incoming: &Incoming<'_>,
    running: &mut RunningSet,
    cx: &mut Context<'_>,
) {
    let run = |mut task: Task| {
        // Most listeners end here, without ever being suspended.
        match task.as_mut().poll_with(socket, cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => table.report(socket, incoming.name, &error),
            Poll::Pending => {
                running.push(Running::Listener {
                    socket: socket.clone(),
                    table: Arc::clone(table),
                    name: incoming.name.into(),
                    bytes: incoming.size(),
                    task,
                });
            }
        }
    };
    run_listeners(table, socket, incoming, run);
}

/// Starts the listeners of an event; `run` gets each task that is to be polled.
fn run_listeners(
    table: &Arc<Events>,
    socket: &Socket,
    incoming: &Incoming<'_>,
    mut run: impl FnMut(Task),
) {
    if table.has_middlewares() {
        let given = incoming.ack.and_then(Wanted::sharing);
        let event = incoming.shared(given.as_ref()).to_event(socket);
        run(Box::pin(Arc::clone(table).pass(socket.clone(), event)));
    } else {
        table.dispatch(socket, incoming, run);
    }
}
