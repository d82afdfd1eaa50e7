//! Events on their way to the listeners: at once, or when a suspended one is done.

use super::{Connection, Joined};
use crate::error::Result;
use crate::socketio::core::Core;
use crate::socketio::event::Incoming;
use crate::socketio::events::{Events, warn_or_debug};
use crate::socketio::owed::Wanted;
use crate::socketio::running::{Running, RunningSet};
use crate::socketio::socket::Socket;
use futures_util::future::BoxFuture;
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
        if !self.parked.is_empty() || !may_start(table, &self.running, &self.core) {
            self.parked.push(incoming.to_event(socket));
            return;
        }
        dispatch(table, socket, &incoming, &mut self.running, cx);
    }

    /// Starts events that had to wait; true if any could.
    pub(super) fn unpark(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Some(event) = self.parked.front() {
            let socket = event.socket().clone();
            let joined = self.joined.iter().find(|joined| joined.socket.id() == socket.id());
            let table = joined.and_then(|joined| joined.table.clone());
            let starts = |table| may_start(table, &self.running, &self.core);
            if table.as_ref().is_some_and(|table| !starts(table)) {
                break;
            }
            let Some(event) = self.parked.pop() else { break };
            any = true;
            if let Some(table) = table {
                dispatch(&table, &socket, &event.incoming(), &mut self.running, cx);
            }
        }
        any
    }
}

/// Whether a further event may be handed to this table now.
fn may_start(table: &Events, running: &RunningSet, core: &Core) -> bool {
    let limit = if table.is_sequential() { 1 } else { core.options.max_running_handlers };
    running.listeners() < limit
}

/// Hands an event to its listeners.
fn dispatch(
    table: &Arc<Events>,
    socket: &Socket,
    incoming: &Incoming<'_>,
    running: &mut RunningSet,
    cx: &mut Context<'_>,
) {
    let run = |mut future: BoxFuture<'static, Result<()>>| {
        // Most listeners end here, without ever being suspended.
        match future.as_mut().poll(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => table.report(socket, incoming.name, &error),
            Poll::Pending => {
                let (socket, name) = (socket.clone(), incoming.name.into());
                running.push(Running::Listener { socket, name, future });
            }
        }
    };
    run_listeners(table, socket, incoming, run);
}

/// Starts the listeners of an event; `run` gets each future that is to be polled.
fn run_listeners(
    table: &Arc<Events>,
    socket: &Socket,
    incoming: &Incoming<'_>,
    mut run: impl FnMut(BoxFuture<'static, Result<()>>),
) {
    if table.has_middlewares() {
        let given = incoming.ack.and_then(Wanted::sharing);
        let event = incoming.shared(given.as_ref()).to_event(socket);
        run(Box::pin(Arc::clone(table).pass(socket.clone(), event)));
    } else {
        table.dispatch(socket, incoming, run);
    }
}
