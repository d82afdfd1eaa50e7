//! [`Socket`]: one client in one namespace.

mod closed;
mod data;
mod emitting;
mod ending;
mod member;
mod rooms;
mod state;

pub(super) use self::closed::Closed;
use self::state::State;
use super::event::Event;
use super::extensions::Extensions;
use super::namespace::Namespace;
use super::returning::Identity;
use crate::adapter::{Room, SavedSession};
use crate::ends;
use crate::engine::{SendError, Session};
use crate::error::Error;
use crate::handshake::Handshake;
use crate::options::Transport;
use parking_lot::{Mutex, RwLock};
use rialto_protocol::CloseReason;
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

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
    /// It was to join more rooms than it may be in, and that was said.
    crowded: AtomicBool,
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
            crowded: AtomicBool::new(false),
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

    /// Puts an event where the `recv` loop finds it.
    pub(super) fn push_event(&self, event: Event) {
        let waiting = self.0.state.lock().push_event(event);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Events and bytes that wait for the `recv` loop.
    pub(super) fn waiting(&self) -> usize {
        self.0.state.lock().waiting()
    }

    /// As [`Namespace::warns_of`].
    pub(super) fn warns_of(&self, error: &Error) -> bool {
        self.0.namespace.warns_of(error)
    }

    /// As [`Namespace::warns_of_waiting`].
    pub(super) fn warns_of_waiting(&self) -> bool {
        self.0.namespace.warns_of_waiting()
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

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.0.id)
            .field("namespace", &self.0.namespace.name())
            .finish_non_exhaustive()
    }
}
