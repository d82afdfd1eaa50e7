//! One client's connection: packets in, namespaces, handlers.

use super::core::Core;
use super::event::Incoming;
use super::events::{Events, warn_or_debug};
use super::handler::{Admission, Refused, StartKind};
use super::namespace::Namespace;
use super::rare::{Outside, Parked};
use super::reading::{Reading, decode};
use super::returning::{self, Arrival};
use super::revision4;
use super::running::{Finished, Running, RunningSet};
use super::socket::Socket;
use crate::adapter::{Answer, Room, SavedSession};
use crate::encoded::{with_messages, with_scratch};
use crate::ends;
use crate::engine::{App, Client, Fault, Session, random_id};
use crate::error::Result;
use crate::handshake::Handshake;
use futures_util::future::BoxFuture;
use rialto_protocol::CloseReason;
use rialto_protocol::socketio::{self, Attachments, Connected, PacketType, Violation, event_name};
use rialto_ws::MessageRef;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Refused CONNECT packets after which a connection is closed.
const MAX_REFUSED: u32 = 100;
/// Events that may wait for a suspended handler or a `recv` loop before reading stops.
const MAX_PARKED: usize = 64;

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
    connect_by: Option<Instant>,
    /// The main namespace is to be joined unasked: so it is for clients of revision 4.
    joins_main: bool,
}

/// A namespace that the client is in.
struct Joined {
    socket: Socket,
    /// The table of its listeners; `None` if a `recv` loop serves it.
    table: Option<Arc<Events>>,
}

/// A packet with its attachments.
struct Whole<'a> {
    kind: PacketType,
    namespace: &'a str,
    query: &'a str,
    id: Option<u64>,
    data: &'a str,
    /// See [`socketio::Packet::name_end`].
    name_end: usize,
    attachments: Attachments<'a>,
}

impl Whole<'_> {
    fn event_name(&self) -> Option<Cow<'_, str>> {
        match self.name_end.checked_sub(1).and_then(|quote| self.data.get(2..quote)) {
            Some(name) => Some(Cow::Borrowed(name)),
            None => event_name(self.data).map(|(name, _)| name),
        }
    }
}

impl Connection {
    fn new(core: Arc<Core>, session: Arc<Session>, handshake: Handshake) -> Self {
        let connect_by = Instant::now().checked_add(core.options.connect_timeout);
        Self {
            joins_main: revision4::is_spoken(&session),
            session,
            handshake,
            joined: Vec::new(),
            outside: Outside::default(),
            reading: Reading::new(&core),
            running: RunningSet::default(),
            parked: Parked::default(),
            connect_by,
            core,
        }
    }

    fn packet(&mut self, packet: &Whole<'_>, cx: &mut Context<'_>) -> Result<(), Fault> {
        if packet.kind == PacketType::Connect {
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
            PacketType::Event | PacketType::BinaryEvent => self.event(index, packet, cx),
            PacketType::Ack | PacketType::BinaryAck => {
                let attachments = packet.attachments.to_vec();
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

    fn connect(&mut self, name: &str, auth: &str, cx: &mut Context<'_>) -> Result<(), Fault> {
        if self.outside.is_joining(name) || self.find(name).is_some() {
            return Err(parse_error(ends::JOINED_ALREADY.text));
        }
        let full = self.joined.len() + self.outside.joining() >= self.core.options.max_namespaces;
        let namespace = if full { None } else { self.core.namespace(name) };
        let Some(namespace) = namespace else {
            if full {
                return self.refuse(name, &Refused::by(ends::TOO_MANY));
            }
            let refused = Refused::new(ends::NO_NAMESPACE);
            return match revision4::is_spoken(&self.session) {
                // As the reference: an object here, a string where a middleware refuses.
                true => {
                    let data = serde_json::json!({ "message": ends::NO_NAMESPACE });
                    self.refuse(name, &refused.data(&data))
                }
                false => self.refuse(name, &refused),
            };
        };
        self.outside.ask(name);
        let handshake = self.handshake.joining(auth, namespace.params());
        // Clients of revision 4 have no secret to come back by.
        let claim = match namespace.returning() {
            Some(_) if !revision4::is_spoken(&self.session) => returning::claim(&handshake),
            _ => None,
        };
        let future = match claim {
            Some(claim) => returning::admit(Arc::clone(&namespace), handshake, claim),
            None => match Arc::clone(namespace.handler()).admit(&handshake) {
                Admission::Now(start) => {
                    self.join(namespace, handshake, Arrival::new(start), cx);
                    return Ok(());
                }
                Admission::Later(future) => {
                    Box::pin(async move { Ok(Arrival::new(future.await?)) })
                }
            },
        };
        self.outside.begin(Arc::clone(&namespace));
        self.running.push(Running::Login { namespace, auth: auth.into(), future });
        Ok(())
    }

    /// Joins the main namespace, once, for a client that expects it.
    fn join_main(&mut self, cx: &mut Context<'_>) {
        if self.joins_main
            && std::mem::take(&mut self.joins_main)
            && self.session.is_open()
            && let Err(fault) = self.connect("/", "", cx)
        {
            self.session.close_with(fault.reason, ends::REFUSED);
        }
    }

    /// [`Connection::refuse`], where nobody above takes the fault.
    fn turn_away(&mut self, namespace: &str, refused: &Refused) {
        if let Err(fault) = self.refuse(namespace, refused) {
            self.session.close_with(fault.reason, ends::REFUSED);
        }
    }

    fn refuse(&mut self, namespace: &str, refused: &Refused) -> Result<(), Fault> {
        tracing::debug!(?namespace, "a client may not join: {}", refused.message());
        if revision4::is_spoken(&self.session) {
            self.send(|out| revision4::encode_refusal(out, namespace, refused));
        } else {
            let data = refused.data_json();
            let data = data.and_then(|json| RawValue::from_string(json.to_owned()).ok());
            self.send(|out| {
                socketio::encode_connect_error(out, namespace, refused.message(), data.as_deref())
            });
        }
        if self.outside.refuse() > MAX_REFUSED {
            return Err(Fault { reason: CloseReason::ForcedClose, text: ends::REFUSED.text });
        }
        Ok(())
    }

    /// Sends a packet of the protocol itself; a peer that cannot take it is about to be closed.
    fn send(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), socketio::Error>) {
        let sent = with_scratch(|out| match encode(out) {
            Ok(()) => {
                let parser = self.core.options.parser.as_ref();
                let sent = with_messages(parser, out, &[], |messages| self.session.send(messages));
                matches!(sent, Ok(Ok(())))
            }
            Err(_) => false,
        });
        if !sent {
            tracing::debug!("a packet of the protocol was not sent");
        }
    }

    /// The public id of a socket: its former one, if it comes back.
    fn socket_id(
        &self,
        namespace: &Namespace,
        saved: Option<&SavedSession>,
    ) -> std::io::Result<Room> {
        if let Some(saved) = saved {
            return Ok(Arc::clone(&saved.id));
        }
        let id = match revision4::is_spoken(&self.session) {
            true => revision4::socket_id(&self.session, namespace.name()),
            false => random_id()?,
        };
        Ok(id.into())
    }

    /// The client joins the namespace.
    fn join(
        &mut self,
        namespace: Arc<Namespace>,
        handshake: Handshake,
        arrival: Arrival,
        cx: &mut Context<'_>,
    ) {
        let Arrival { start, session: saved } = arrival;
        let Ok(id) = self.socket_id(&namespace, saved.as_deref()) else {
            return self.turn_away(namespace.name(), &Refused::by(ends::NO_ID));
        };
        self.connect_by = None;
        let session = Arc::clone(&self.session);
        let old = revision4::is_spoken(&self.session);
        let returning = namespace.returning().filter(|_| !old);
        let identity = returning.and_then(|it| it.identify(saved.as_deref()));
        let socket = Socket::new(id, session, Arc::clone(&namespace), handshake, identity);
        let connected = (!old).then(|| Connected { sid: socket.id(), pid: socket.pid() });
        let greet = |connection: &Self| {
            connection
                .send(|out| socketio::encode_connect(out, namespace.name(), connected.as_ref()));
        };
        let start = match saved {
            Some(saved) => {
                // Clients keep what comes before the answer to their CONNECT until it is there.
                socket.rejoin(&saved);
                greet(self);
                start.prepare(&socket)
            }
            None => {
                greet(self);
                let start = start.prepare(&socket);
                // Only now may broadcasts reach it: the client knows that it has joined.
                namespace.adapter().add(socket.member());
                start
            }
        };
        socket.arrive();
        self.begin(socket, start, cx);
    }

    /// Starts what serves a socket that has joined.
    fn begin(&mut self, socket: Socket, start: StartKind, cx: &mut Context<'_>) {
        // Most clients join one namespace: room for four would rest with each of them.
        self.joined.reserve_exact(1);
        match start {
            StartKind::Run(run) => {
                self.joined.push(Joined { socket: socket.clone(), table: None });
                self.running.push(Running::Handler { future: run(socket.clone()), socket });
            }
            StartKind::Table(table) => {
                let connected = table.connected(&socket);
                self.joined.push(Joined { socket: socket.clone(), table: Some(table) });
                for mut future in connected {
                    match future.as_mut().poll(cx) {
                        Poll::Ready(result) => self.connected(&socket, result),
                        Poll::Pending => {
                            self.running.push(Running::Connect { socket: socket.clone(), future });
                        }
                    }
                }
            }
        }
    }

    /// `on_connect` has ended.
    fn connected(&self, socket: &Socket, result: Result<()>) {
        let Err(error) = result else { return };
        if !error.is_disconnected() {
            self.report(socket, "connect", &error);
        }
    }

    fn report(&self, socket: &Socket, event: &str, error: &crate::Error) {
        let joined = self.joined.iter().find(|joined| joined.socket.id() == socket.id());
        match joined.and_then(|joined| joined.table.as_ref()) {
            Some(table) => table.report(socket, event, error),
            None => warn_or_debug(socket, event, error),
        }
    }

    fn event(&mut self, index: usize, packet: &Whole<'_>, cx: &mut Context<'_>) {
        let Some(name) = packet.event_name() else { return };
        let incoming = Incoming {
            name: &name,
            data: packet.data,
            name_end: packet.name_end,
            attachments: packet.attachments,
            ack: packet.id,
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
    fn unpark(&mut self, cx: &mut Context<'_>) -> bool {
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

    /// Something suspended has ended.
    fn finished(&mut self, finished: Finished, cx: &mut Context<'_>) {
        match finished {
            Finished::Listener { socket, name, result } => {
                if let Err(error) = result {
                    self.report(&socket, &name, &error);
                }
            }
            Finished::Connect { socket, result } => self.connected(&socket, result),
            Finished::Disconnect => {}
            Finished::Handler { socket, result } => {
                if let Err(error) = result
                    && !error.is_disconnected()
                {
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
        let (namespace, id) = (socket.namespace(), socket.id());
        tracing::debug!(?namespace, id, reason = reason.as_str(), "a client has left");
        socket.end(reason);
        for mut future in table.iter().flat_map(|table| table.disconnected(&socket)) {
            if future.as_mut().poll(cx).is_pending() {
                self.running.push(Running::Disconnect { future });
            }
        }
        socket.leave_namespace();
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
        let (assembler, message) = match (&mut self.reading, message) {
            (Reading::Standard(assembler), message) => (assembler, message),
            (Reading::Parser(decoder), message) => {
                let Some(packet) = decode(decoder.as_mut(), message)? else { return Ok(()) };
                let whole = Whole {
                    kind: packet.kind,
                    namespace: &packet.namespace,
                    query: "",
                    id: packet.id,
                    data: &packet.data,
                    name_end: 0,
                    attachments: Attachments::from(&packet.attachments),
                };
                return self.packet(&whole, cx);
            }
        };
        match message {
            MessageRef::Text(text) => {
                let Some(packet) = assembler.receive_text(text, now)? else { return Ok(()) };
                let whole = Whole {
                    kind: packet.kind,
                    namespace: packet.namespace,
                    query: packet.query,
                    id: packet.id,
                    data: packet.data,
                    name_end: packet.name_end,
                    attachments: Attachments::default(),
                };
                self.packet(&whole, cx)
            }
            MessageRef::Binary(bytes) => {
                let Some(packet) = assembler.receive_lent(bytes)? else { return Ok(()) };
                let whole = Whole {
                    kind: packet.kind,
                    namespace: packet.namespace(),
                    query: "",
                    id: packet.id,
                    data: packet.data(),
                    name_end: packet.name_end,
                    attachments: Attachments::from(&packet.attachments).and_lent(bytes),
                };
                self.packet(&whole, cx)
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
        let limit = self.core.options.max_payload;
        let room = |(count, bytes)| count < MAX_PARKED && bytes <= limit;
        room(self.parked.size())
            && self.joined.iter().all(|j| j.table.is_some() || room(j.socket.waiting()))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.connect_by, self.reading.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Fault> {
        self.reading.handle_timeout(now)?;
        if self.connect_by.is_some_and(|due| due <= now) {
            self.connect_by = None;
            let text = ends::NEVER_JOINED.text;
            return Err(Fault { reason: CloseReason::ForcedClose, text });
        }
        Ok(())
    }

    fn closed(&mut self, reason: CloseReason, cx: &mut Context<'_>) {
        self.connect_by = None;
        self.reading = Reading::new(&self.core);
        self.parked.clear();
        while !self.joined.is_empty() {
            self.leave(0, reason, cx);
        }
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
        let event = incoming.to_event(socket);
        run(Box::pin(Arc::clone(table).pass(socket.clone(), event)));
    } else {
        table.dispatch(socket, incoming, run);
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
