//! [`Socket`]: one client in one namespace.

mod closed;
mod member;
mod state;

pub(super) use self::closed::Closed;
use self::state::State;
use super::acks::{Pending, decode};
use super::broadcast::{Broadcast, Rooms};
use super::emit::{Emit, Manner};
use super::emitter::Emitter;
use super::event::Event;
use super::extensions::Extensions;
use super::io::Io;
use super::namespace::Namespace;
use super::outgoing::{Outgoing, OutgoingListener, OutgoingListeners};
#[cfg(doc)]
use super::remote::RemoteSocket;
use super::returning::{Identity, Track, is_recoverable};
use crate::adapter::{Answer, Debtor, Host, Room, SavedSession, SessionData};
use crate::encoded::{Flags, with_messages, with_scratch};
use crate::ends;
use crate::engine::{SendError, Session};
use crate::error::{Error, Result};
use crate::handshake::Handshake;
use crate::options::Transport;
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use rialto_protocol::CloseReason;
use rialto_protocol::socketio;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::oneshot;

/// One client in one namespace. Cloning costs a reference count; clones are the same socket.
///
/// ```
/// use rialto::Socket;
/// async fn chat(mut socket: Socket) -> rialto::Result {
///     while let Some(event) = socket.recv().await {
///         if event.name() == "chat message" {
///             socket.io().emit("chat message", event.args::<String>()?).await?;
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    id: Room,
    session: Arc<Session>,
    namespace: Arc<Namespace>,
    handshake: Handshake,
    data: RwLock<Extensions>,
    /// Whether anybody wants to know what is sent.
    watched: AtomicBool,
    /// There is a reason why it is over: to be read without the lock.
    over: AtomicBool,
    /// By which it can come back, where that is on.
    identity: Option<Box<Identity>>,
    state: Mutex<State>,
    /// Itself: what an adapter holds is this, with no block between.
    this: Weak<Self>,
}

impl Socket {
    pub(super) fn new(
        id: Room,
        session: Arc<Session>,
        namespace: Arc<Namespace>,
        handshake: Handshake,
        identity: Option<Box<Identity>>,
    ) -> Self {
        Self(Arc::new_cyclic(|this| Inner {
            id,
            session,
            namespace,
            handshake,
            data: RwLock::default(),
            watched: AtomicBool::new(false),
            over: AtomicBool::new(false),
            identity,
            state: Mutex::default(),
            this: this.clone(),
        }))
    }

    /// The socket's public id, which is also the name of a room that it is alone in.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// True if this is a client that has come back, with the id, the rooms and the data that it had
    /// before, and what it missed is on its way: see
    /// [`ConnectionStateRecovery`](crate::ConnectionStateRecovery). Values that cannot be kept are
    /// for `on_connect` to set anew.
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.0.identity.as_ref().is_some_and(|identity| identity.recovered)
    }

    /// The secret by which the client can come back.
    pub(super) fn pid(&self) -> Option<&str> {
        self.0.identity.as_ref().map(|identity| &*identity.pid)
    }

    /// Takes its former place: data, rooms, what was missed.
    pub(super) fn rejoin(&self, saved: &SavedSession) {
        if let Some(data) = saved.data.get::<Extensions>() {
            let data = data.clone();
            let earlier = std::mem::replace(&mut *self.0.data.write(), data);
            drop(earlier);
        }
        let Some(recovery) = self.0.namespace.recovery() else { return };
        let _turn = rialto_ws::turn::enter();
        recovery.rejoin(saved, self.member(), &mut |packet| {
            if self.0.session.send_encoded(packet) == Err(SendError::Full) {
                self.0.session.close_slow();
            }
        });
    }

    /// From now on it can be found by its secret.
    pub(super) fn arrive(&self) {
        if let (Some(returning), Some(pid)) = (self.0.namespace.returning(), self.pid()) {
            returning.arrive(pid, self);
        }
    }

    /// Ends the connection under the socket, because its client has opened another.
    pub(super) fn displace(&self) {
        self.0.session.fail(CloseReason::TransportClose, ends::RETURNED);
    }

    /// The next event in order; `None` once the client is gone. Cancel safe.
    ///
    /// For handlers that are a loop; with an [`Events`](super::Events) table the events go there.
    pub async fn recv(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.0.state.lock();
        if let Some((event, last)) = state.pop_event() {
            if last {
                // The connection may have stopped reading for this.
                self.0.session.wake();
            }
            return Poll::Ready(Some(event));
        }
        if state.reason.is_some() {
            return Poll::Ready(None);
        }
        let replaced = state.wait_for_event(cx);
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Emits an event to this client: one value is one argument, a tuple several, `()` none.
    ///
    /// The event is queued at once if the client's byte budget has room; awaiting the result
    /// waits for room otherwise.
    pub fn emit(&self, name: &str, args: impl Serialize) -> Emit {
        self.emit_flagged(name, &args, Flags::default())
    }

    /// Emits a variant of an enum: the counterpart of [`Event::read`].
    pub fn send(&self, event: &impl Serialize) -> Emit {
        let nsp = self.0.namespace.name();
        Emit::start(&self.0.session, Manner::event(self.track(), Flags::default()), |out| {
            self.watching(out, |out| socketio::encode_enum(out, nsp, None, event))
        })
    }

    pub(super) fn emit_flagged(&self, name: &str, args: &impl Serialize, flags: Flags) -> Emit {
        if self.is_over() {
            return Emit::done(Err(Error::disconnected()));
        }
        let nsp = self.0.namespace.name();
        Emit::start(&self.0.session, Manner::event(self.track(), flags), |out| {
            self.watching(out, |out| socketio::encode_event(out, nsp, None, name, args))
        })
    }

    /// Encodes an event, and tells those who want to know.
    fn watching(
        &self,
        out: &mut Vec<u8>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>, socketio::Error>,
    ) -> Result<Vec<Bytes>, socketio::Error> {
        let start = out.len();
        let attachments = encode(out)?;
        if self.0.watched.load(Ordering::Relaxed) {
            let packet = std::str::from_utf8(&out[start..]).unwrap_or_default();
            self.tell(packet, &attachments);
        }
        Ok(attachments)
    }

    fn tell(&self, packet: &str, attachments: &[Bytes]) {
        if let Some(listeners) = self.data::<OutgoingListeners>() {
            listeners.tell(self, packet, attachments);
        }
    }

    /// Is told of every event that goes to this client, broadcasts included, before it is queued
    /// (with connection state recovery, of a broadcast right after it was).
    pub fn on_any_outgoing<H>(&self, handler: H)
    where
        H: Fn(&Self, &Outgoing<'_>) + Send + Sync + 'static,
    {
        self.watch(|listeners| listeners.push(Arc::new(handler)));
    }

    /// As [`Socket::on_any_outgoing`], before those that are there already.
    pub fn prepend_any_outgoing<H>(&self, handler: H)
    where
        H: Fn(&Self, &Outgoing<'_>) + Send + Sync + 'static,
    {
        self.watch(|listeners| listeners.insert(0, Arc::new(handler)));
    }

    /// Removes whatever is told of outgoing events, the table's
    /// ([`Events::on_any_outgoing`](super::Events::on_any_outgoing)) included.
    pub fn off_any_outgoing(&self) {
        self.watch(Vec::clear);
    }

    pub(super) fn watch(&self, change: impl FnOnce(&mut Vec<Arc<OutgoingListener>>)) {
        let mut data = self.0.data.write();
        let listeners = data.get::<OutgoingListeners>();
        let mut listeners = listeners.as_deref().cloned().unwrap_or_default();
        change(&mut listeners.0);
        self.0.watched.store(!listeners.0.is_empty(), Ordering::Relaxed);
        let earlier = data.insert(listeners);
        // What listeners hold is the program's, and so are the values below: they are dropped when
        // nothing is locked.
        drop(data);
        drop(earlier);
    }

    /// Where its events are recorded, if it can come back for them.
    fn track(&self) -> Option<Track> {
        self.0.identity.as_ref().and_then(|_| Track::of(&self.0.namespace, &self.0.id))
    }

    pub(super) fn send_ack(&self, id: u64, args: &impl Serialize) -> Emit {
        let nsp = self.0.namespace.name();
        Emit::start(&self.0.session, Manner::default(), |out| {
            socketio::encode_ack(out, nsp, id, args)
        })
    }

    /// Emits an event and waits for the client's ack.
    ///
    /// It always ends: with the answer, after [`Options::ack_timeout`](crate::Options), or when
    /// the client leaves.
    ///
    /// # Errors
    /// [`Error::is_timeout`], [`Error::is_disconnected`], or an answer that does not fit the type.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        name: &str,
        args: impl Serialize,
    ) -> Result<T> {
        self.ask(name, &args, self.ack_timeout(), Flags::default()).await
    }

    pub(super) fn ask<T: DeserializeOwned, A: Serialize>(
        &self,
        name: &str,
        args: &A,
        limit: Duration,
        flags: Flags,
    ) -> impl Future<Output = Result<T>> + Send + use<T, A> {
        let id = self.0.namespace.next_ack();
        let (sender, receiver) = oneshot::channel();
        let registered = self.expect_ack(id, Pending::One(sender));
        let guard = AckGuard(self.clone(), id);
        let nsp = self.0.namespace.name();
        let sending = match registered {
            Err(error) => Emit::done(Err(error)),
            Ok(()) => Emit::start(&self.0.session, flags.into(), |out| {
                self.watching(out, |out| socketio::encode_event(out, nsp, Some(id), name, args))
            }),
        };
        async move {
            let _guard = guard;
            let answering = async {
                sending.await?;
                receiver.await.map_err(|_| Error::disconnected())
            };
            match tokio::time::timeout(limit, answering).await {
                Ok(answer) => decode(&answer?),
                Err(_) => Err(Error::timeout()),
            }
        }
    }

    fn expect_ack(&self, id: u64, pending: Pending) -> Result<()> {
        let mut state = self.0.state.lock();
        if state.reason.is_some() {
            return Err(Error::disconnected());
        }
        if state.acks() >= self.0.session.options().max_pending_acks {
            return Err(Error::full());
        }
        let displaced = state.add_ack(id, pending);
        drop(state);
        if let Some(displaced) = displaced {
            displaced.resolve(&self.0.id, None);
        }
        Ok(())
    }

    /// An ack of the client has come; one that nobody waits for is ignored.
    pub(super) fn answer(&self, id: u64, answer: Answer) {
        let pending = self.0.state.lock().take_ack(id);
        if let Some(pending) = pending {
            pending.resolve(&self.0.id, Some(answer));
        }
    }

    /// Emits that may be dropped if the client is not ready for them.
    #[must_use]
    pub fn volatile(&self) -> Emitter<'_> {
        Emitter::new(self).volatile()
    }

    /// Whether emits are compressed, if the client has agreed on compression. Default true; not
    /// worth it for what is compressed already, as images are. A poll is compressed if anything in
    /// it is.
    #[must_use]
    pub fn compress(&self, on: bool) -> Emitter<'_> {
        Emitter::new(self).compress(on)
    }

    /// Sets how long [`Emitter::emit_with_ack`] waits.
    #[must_use]
    pub fn timeout(&self, limit: Duration) -> Emitter<'_> {
        Emitter::new(self).timeout(limit)
    }

    /// The time for acks unless told otherwise.
    pub(super) fn ack_timeout(&self) -> Duration {
        self.0.session.options().ack_timeout
    }

    /// Joins rooms: a name, or several.
    ///
    /// # Errors
    /// If the client is gone.
    pub fn join(&self, rooms: impl Rooms) -> Result<()> {
        let joined = self.0.namespace.adapter().join(&self.0.id, &rooms.into_rooms());
        if joined { Ok(()) } else { Err(Error::disconnected()) }
    }

    /// Leaves rooms.
    ///
    /// # Errors
    /// None at present: who is not in a room has left it.
    pub fn leave(&self, rooms: impl Rooms) -> Result<()> {
        for room in rooms.into_rooms() {
            self.0.namespace.adapter().leave(&self.0.id, &room);
        }
        Ok(())
    }

    /// Leaves all rooms, the one of its own id excepted.
    pub fn leave_all(&self) {
        for room in self.rooms() {
            self.0.namespace.adapter().leave(&self.0.id, &room);
        }
    }

    /// The rooms it has joined, sorted; the one of its own id is left out.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        self.0.namespace.adapter().rooms(&self.0.id)
    }

    /// To everyone in these rooms except this client.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// To everyone in the namespace except this client.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.0.namespace)).except(Arc::clone(&self.0.id))
    }

    /// To everyone in the namespace on this machine, except this client.
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// To everyone in the namespace outside these rooms, except this client.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// The namespace: emits to everyone, this client included.
    #[must_use]
    pub fn io(&self) -> Io {
        Io::new(Arc::clone(&self.0.namespace))
    }

    /// The name of its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.namespace.name()
    }

    /// The request that opened the connection, and the client's `auth`.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.0.handshake
    }

    /// What was read from the name of its namespace, if that is a dynamic one: see
    /// [`Server::namespace_pattern`](crate::Server::namespace_pattern).
    #[must_use]
    pub fn params<P: Send + Sync + 'static>(&self) -> Option<Arc<P>> {
        self.0.handshake.params()
    }

    /// The transport in use now.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.0.session.transport()
    }

    /// Ready when the client is on a WebSocket, with true: at once, if it began there. False if its
    /// connection ends on long-polling. Cancel safe. For loops and tasks of your own; a table has
    /// [`Events::on_upgrade`](super::Events::on_upgrade).
    pub fn upgraded(&self) -> impl Future<Output = bool> + Send + 'static {
        let session = Arc::clone(&self.0.session);
        poll_fn(move |cx| session.poll_upgraded(cx))
    }

    /// The value of this type that was stored for this socket.
    #[must_use]
    pub fn data<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.data.read().get()
    }

    /// Stores a value for this socket, in place of an earlier one of its type.
    pub fn set_data<T: Send + Sync + 'static>(&self, value: T) {
        let earlier = self.0.data.write().insert(value);
        drop(earlier);
    }

    /// As [`Socket::set_data`], and other servers see it as well: [`RemoteSocket::data`] decodes
    /// it. A socket has one such value; it takes the place of an earlier one, of whatever type.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn set_shared_data<T>(&self, value: T) -> Result<()>
    where
        T: Serialize + Send + Sync + 'static,
    {
        let json = serde_json::to_string(&value)?;
        let mut data = self.0.data.write();
        let earlier = (data.insert(SharedData(json.into())), data.insert(value));
        drop(data);
        drop(earlier);
        Ok(())
    }

    /// Takes the value of this type out again.
    pub fn remove_data<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.data.write().remove()
    }

    /// The server's state of this type: see [`Server::state`](crate::Server::state).
    ///
    /// # Panics
    /// If the server was given none. That ends this connection and shows in the log.
    #[must_use]
    #[track_caller]
    #[allow(clippy::panic, reason = "the program lacks a line; no peer can cause it")]
    pub fn state<T: Send + Sync + 'static>(&self) -> Arc<T> {
        match self.io().state() {
            Some(state) => state,
            None => panic!("no Server::state of type {}", std::any::type_name::<T>()),
        }
    }

    /// True while the client is connected to the namespace.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.is_over()
    }

    /// Why the client is gone, once it is.
    #[must_use]
    pub fn disconnect_reason(&self) -> Option<CloseReason> {
        if self.is_over() { self.0.state.lock().reason } else { None }
    }

    /// Ready when the client is gone; says why. For tasks of your own. Cancel safe: dropped, it
    /// leaves nothing behind.
    pub fn closed(&self) -> impl Future<Output = CloseReason> + Send + 'static {
        self.wait_closed()
    }

    pub(super) fn wait_closed(&self) -> Closed {
        Closed::of(self.clone())
    }

    /// Makes the client leave the namespace, and with `close` ends the connection under it.
    pub fn disconnect(&self, close: bool) {
        if !self.is_over() {
            self.say_goodbye();
            self.end(CloseReason::ServerNamespaceDisconnect);
            self.0.session.wake();
        }
        if close {
            // The other namespaces of the connection are told first, by its own task.
            self.0.session.evict();
        }
    }

    /// Tells the client that it is out. One that has no room even for that has to be cut off.
    fn say_goodbye(&self) {
        let session = &self.0.session;
        let sent = with_scratch(|out| match socketio::encode_disconnect(out, self.namespace()) {
            Ok(()) => {
                let parser = session.options().parser.as_ref();
                with_messages(parser, out, &[], |messages| session.send(messages))
                    .unwrap_or(Err(SendError::Closed))
            }
            Err(_) => Err(SendError::Closed),
        });
        if sent == Err(SendError::Full) {
            session.close_slow();
        }
    }

    /// Ends the Engine.IO connection as it is, as if the network had failed.
    pub fn close_connection(&self) {
        self.0.session.close(CloseReason::ForcedClose);
    }

    fn is_over(&self) -> bool {
        self.0.over.load(Ordering::Acquire)
    }

    /// Marks the end, and ends everything that waits for this client. False if it was over.
    pub(super) fn end(&self, reason: CloseReason) -> bool {
        let ended = self.0.state.lock().end(reason, &self.0.over);
        let Some((acks, wakers)) = ended else { return false };
        for pending in acks.into_values() {
            pending.resolve(&self.0.id, None);
        }
        wakers.into_iter().for_each(Waker::wake);
        true
    }

    /// Leaves the namespace and all rooms.
    ///
    /// A client that may come back is remembered first.
    pub(super) fn leave_namespace(&self) {
        let namespace = &self.0.namespace;
        if let (Some(recovery), Some(pid)) = (namespace.recovery(), self.pid())
            && self.disconnect_reason().is_some_and(is_recoverable)
        {
            let mut data = self.0.data.read().clone();
            // Who listened to this socket does not know of the next one.
            data.remove::<OutgoingListeners>();
            let data = SessionData::new(data);
            let rooms = namespace.adapter().rooms(&self.0.id);
            recovery.persist_session(SavedSession::new(
                Arc::clone(&self.0.id),
                pid.into(),
                rooms,
                data,
            ));
        }
        namespace.leave(&self.0.id);
        if let (Some(returning), Some(pid)) = (namespace.returning(), self.pid()) {
            returning.depart(pid);
        }
    }

    /// Puts an event where the `recv` loop finds it.
    pub(super) fn push_event(&self, event: Event) {
        let waiting = self.0.state.lock().push_event(event);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Events and bytes that wait for the `recv` loop.
    pub(super) fn waiting(&self) -> (usize, usize) {
        self.0.state.lock().waiting()
    }

    /// A listener of this client's namespace failed; true if a warning is due.
    pub(super) fn count_report(&self) -> bool {
        self.0.namespace.count_report()
    }

    /// An event of this client did not decode.
    pub(super) fn count_undecoded(&self) {
        self.0.namespace.count_undecoded();
    }

    /// True the first time that it is called with this number.
    pub(super) fn fire_once(&self, listener: usize) -> bool {
        self.0.state.lock().fire_once(listener)
    }
}

/// What [`Socket::set_shared_data`] keeps beside the value.
struct SharedData(Arc<str>);

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.0.id)
            .field("namespace", &self.0.namespace.name())
            .finish_non_exhaustive()
    }
}

/// Forgets an ack that nobody waits for any more.
struct AckGuard(Socket, u64);

impl Drop for AckGuard {
    fn drop(&mut self) {
        self.0.0.forgive(self.1);
    }
}
