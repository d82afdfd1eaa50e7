//! One client's connection: packets in, namespaces, handlers.

mod joining;
mod listening;

use super::core::Core;
use super::events::{Events, warn_or_debug};
use super::pace::Pace;
use super::rare::{Outside, Parked};
use super::reading::{Reading, decode};
use super::returning::Arrival;
use super::revision4;
use super::running::{Finished, Running, RunningSet};
use super::socket::Socket;
use crate::adapter::Answer;
use crate::encoded::{with_messages, with_scratch};
use crate::ends;
use crate::engine::{App, Client, Fault, Session};
use crate::handshake::Handshake;
use rialto_protocol::CloseReason;
use rialto_protocol::socketio::{self, Attachments, Packet, PacketType, Violation};
use rialto_ws::MessageRef;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tracing::field::display;

/// Suspended `on_disconnect`s of one connection before reading stops.
const MAX_LEAVING: usize = 64;

/// Serves Socket.IO on an engine.
pub(crate) struct SocketIo(pub(crate) Arc<Core>);

impl App for SocketIo {
    fn open(&self, session: Arc<Session>, handshake: Handshake) -> Box<dyn Client> {
        Box::new(Connection::new(Arc::clone(&self.0), session, handshake))
    }
}

/// A client's connection with all its namespaces, owned by the session's task.
struct Connection {
    core: Arc<Core>,
    session: Arc<Session>,
    handshake: Handshake,
    joined: Vec<Joined>,
    outside: Outside,
    reading: Reading,
    running: RunningSet,
    parked: Parked,
    pace: Pace,
    /// When it is to be in a namespace.
    connect_by: Option<Instant>,
    /// The main namespace is to be joined unasked: so it is for clients of revision 4.
    joins_main: bool,
    /// It was said that events of this client wait for its handlers.
    said_waiting: bool,
}

/// A namespace that the client is in.
struct Joined {
    socket: Socket,
    /// The table of its listeners; `None` if a `recv` loop serves it.
    table: Option<Arc<Events>>,
}

impl Connection {
    fn new(core: Arc<Core>, session: Arc<Session>, handshake: Handshake) -> Self {
        let now = Instant::now();
        let connect_by = now.checked_add(core.options.connect_timeout);
        Self {
            joins_main: revision4::is_spoken(&session),
            session,
            handshake,
            joined: Vec::new(),
            outside: Outside::default(),
            reading: Reading::new(&core),
            running: RunningSet::default(),
            parked: Parked::default(),
            pace: Pace::new(&core.options, now),
            connect_by,
            said_waiting: false,
            core,
        }
    }

    fn packet(
        &mut self,
        packet: &Packet<'_>,
        attachments: Attachments<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), Fault> {
        if packet.kind == PacketType::Connect {
            self.pace.take(Instant::now);
            return match revision4::is_spoken(&self.session) {
                // It was joined unasked; some clients ask all the same.
                true if packet.namespace == "/" => Ok(()),
                true => self.connect(packet.namespace, &revision4::auth(packet.query), cx),
                false => self.connect(packet.namespace, packet.data, cx),
            };
        }
        let Some(index) = self.find(packet.namespace) else {
            if self.outside.has_left(packet.namespace) {
                return Ok(());
            }
            return Err(parse_error(ends::NOT_JOINED.text));
        };
        match packet.kind {
            PacketType::Event | PacketType::BinaryEvent => {
                self.pace.take(Instant::now);
                self.event(index, packet, attachments, cx)
            }
            PacketType::Ack | PacketType::BinaryAck => {
                let attachments = attachments.to_vec();
                let answer = Answer { data: packet.data.to_owned(), attachments };
                if let Some(id) = packet.id {
                    self.joined[index].socket.answer(id, answer);
                }
            }
            PacketType::Disconnect => {
                self.leave(index, CloseReason::ClientNamespaceDisconnect, cx);
            }
            PacketType::Connect | PacketType::ConnectError => {
                return Err(parse_error(ends::SERVERS_ONLY.text));
            }
        }
        Ok(())
    }

    fn find(&self, namespace: &str) -> Option<usize> {
        self.joined.iter().position(|joined| joined.socket.namespace() == namespace)
    }

    /// The client has broken a rule.
    fn broken(&self, violation: Violation) -> Fault {
        if violation == Violation::MessageTooLarge {
            self.session.warn_of_large(None, self.handshake.address());
        }
        violation.into()
    }

    /// Sends a packet of the protocol itself.
    fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), socketio::Error>) {
        let sent = with_scratch(|out| {
            encode(out)?;
            let parser = self.core.options.parser.as_ref();
            with_messages(parser, out, &[], |messages| self.session.send_own(messages))
        });
        if let Err(error) = sent {
            tracing::error!(%error, "a packet of the protocol has no form");
        }
    }

    /// Something suspended has ended.
    fn finished(&mut self, finished: Finished, cx: &mut Context<'_>) {
        match finished {
            Finished::Listener { socket, table, name, result, .. } => {
                if let Err(error) = result {
                    table.report(&socket, &name, &error);
                }
            }
            Finished::Connect { socket, result } => self.connected(&socket, result),
            Finished::Disconnect => {}
            Finished::Handler { socket, result } => {
                if let Err(error) = result {
                    warn_or_debug(&socket, "the loop", &error);
                }
                // The handler is the client's life in the namespace: when it returns, it is over.
                Socket::disconnect(&socket, false);
            }
            Finished::Login { namespace, auth, result } => {
                self.outside.end(&namespace);
                if !self.session.is_open() {
                    if let Ok(Arrival { session: Some(saved), .. }) = result
                        && let Some(recovery) = namespace.recovery()
                    {
                        // It is gone again before it was back.
                        recovery.persist_session(*saved);
                    }
                    return self.core.tidy(&namespace);
                }
                match result {
                    Ok(arrival) => {
                        let handshake = self.handshake.joining(&auth, namespace.params());
                        self.join(namespace, handshake, arrival, cx);
                    }
                    Err(refused) => {
                        self.turn_away(namespace.name(), &refused);
                        // It may have been made for this client.
                        self.core.tidy(&namespace);
                    }
                }
            }
        }
    }

    /// Takes out sockets that were disconnected from this side.
    fn sweep(&mut self, cx: &mut Context<'_>) {
        let mut index = 0;
        while index < self.joined.len() {
            match self.joined[index].socket.disconnect_reason() {
                None => index += 1,
                Some(reason) => {
                    let most = self.core.options.max_namespaces;
                    self.outside.leave(self.joined[index].socket.namespace(), most);
                    self.leave(index, reason, cx);
                }
            }
        }
    }

    /// The client is gone from a namespace.
    fn leave(&mut self, index: usize, reason: CloseReason, cx: &mut Context<'_>) {
        let Joined { socket, table } = self.joined.remove(index);
        let last = catch_unwind(AssertUnwindSafe(|| {
            self.start_last(&socket, cx);
            self.say_goodbye(&socket, table.as_deref(), reason, cx);
        }));
        // Whatever has panicked, its rooms do not keep it.
        socket.end(reason);
        socket.leave_namespace();
        if let Err(panic) = last {
            resume_unwind(panic);
        }
    }

    fn say_goodbye(
        &mut self,
        socket: &Socket,
        table: Option<&Events>,
        reason: CloseReason,
        cx: &mut Context<'_>,
    ) {
        let (namespace, id) = (socket.namespace(), socket.id());
        let (reason_text, peer) = (reason.as_str(), self.handshake.address().map(display));
        tracing::debug!(?namespace, id, reason = reason_text, peer, "a client has left");
        socket.end(reason);
        for mut future in table.into_iter().flat_map(|table| table.disconnected(socket)) {
            if future.as_mut().poll(cx).is_pending() {
                self.running.push(Running::Disconnect { future });
            }
        }
    }
}

impl Client for Connection {
    fn receive(
        &mut self,
        message: MessageRef<'_>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Result<(), Fault> {
        self.join_main(cx);
        match (&mut self.reading, message) {
            (Reading::Standard(assembler), MessageRef::Text(text)) => {
                // By reference: it is not to be moved.
                match &assembler.receive_text(text, now) {
                    Ok(Some(packet)) => self.packet(packet, Attachments::default(), cx),
                    Ok(None) => Ok(()),
                    Err(violation) => Err(self.broken(*violation)),
                }
            }
            (Reading::Standard(assembler), MessageRef::Binary(bytes)) => {
                let whole = match assembler.receive_lent(bytes) {
                    Ok(Some(whole)) => whole,
                    Ok(None) => {
                        assembler.heard(now);
                        return Ok(());
                    }
                    Err(violation) => return Err(self.broken(violation)),
                };
                let attachments = Attachments::from(&whole.attachments).and_lent(bytes);
                self.packet(&whole.packet(), attachments, cx)
            }
            (Reading::Parser(decoder), message) => {
                let most = self.core.options.max_attachments;
                let Some(whole) = decode(decoder.as_mut(), message, most)? else { return Ok(()) };
                self.packet(&whole.packet(), Attachments::from(&whole.attachments), cx)
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.join_main(cx);
        loop {
            let idle = loop {
                match self.running.poll_next(cx) {
                    Poll::Ready(Some(finished)) => self.finished(finished, cx),
                    Poll::Ready(None) => break true,
                    Poll::Pending => break false,
                }
            };
            if self.session.take_eviction() {
                self.joined.iter().for_each(|joined| joined.socket.disconnect(false));
                self.session.close(CloseReason::ForcedServerClose);
            }
            self.sweep(cx);
            if self.unpark(cx) {
                continue;
            }
            return if idle { Poll::Ready(()) } else { Poll::Pending };
        }
    }

    fn wants_more(&self) -> bool {
        let room = self.core.options.room_for_events();
        self.pace.is_open()
            && self.parked.bytes() <= room
            && self.running.leaving() < MAX_LEAVING
            && self.joined.iter().all(|j| j.table.is_some() || j.socket.waiting() <= room)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.handshake.address()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let due = [self.connect_by, self.reading.poll_timeout(), self.pace.paused()];
        due.into_iter().flatten().min()
    }

    fn heard(&mut self, now: Instant) {
        self.reading.heard(now);
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Fault> {
        self.pace.go_on(now);
        self.reading.handle_timeout(now)?;
        if self.connect_by.is_some_and(|due| due <= now) {
            self.connect_by = None;
            // After a refusal it may be in another namespace.
            if self.joined.is_empty() {
                let text = ends::NEVER_JOINED.text;
                return Err(Fault { reason: CloseReason::ForcedClose, text });
            }
        }
        Ok(())
    }

    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>) {
        self.connect_by = None;
        self.pace = Pace::default();
        self.reading = Reading::new(&self.core);
        while !self.joined.is_empty() {
            self.leave(0, reason, cx);
        }
    }
}

/// After a panic in a handler the sockets still have to leave their namespaces.
impl Drop for Connection {
    fn drop(&mut self) {
        for Joined { socket, .. } in self.joined.drain(..) {
            socket.end(CloseReason::ForcedClose);
            socket.leave_namespace();
        }
        self.running = RunningSet::default();
        for namespace in self.outside.end_all() {
            self.core.tidy(&namespace);
        }
    }
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        parse_error(violation.as_str())
    }
}

pub(super) fn parse_error(text: &'static str) -> Fault {
    Fault { reason: CloseReason::ParseError, text }
}
