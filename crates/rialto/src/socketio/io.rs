//! [`Io`]: the way to everyone in a namespace.

use super::acks::Acks;
use super::broadcast::{Broadcast, Rooms};
use super::emit::Emit;
use super::namespace::Namespace;
use super::remote::RemoteSocket;
use super::servers::{self, ServerAcks};
use super::socket::Socket;
use crate::adapter::{Member, Room, RoomChange, Target};
use crate::engine::Stats;
use crate::error::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Emits to everyone in a namespace, from anywhere: handlers, HTTP routes, tasks of your own.
///
/// Cloning costs a reference count.
#[derive(Clone)]
pub struct Io(Arc<Namespace>);

impl Io {
    pub(crate) fn new(namespace: Arc<Namespace>) -> Self {
        Self(namespace)
    }

    /// Another namespace of the same server, if it exists; the leading `/` may be left out.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Option<Self> {
        let core = self.0.core()?;
        let name = namespace.trim_start_matches('/');
        core.existing(&format!("/{name}")).map(Self)
    }

    /// The namespace's name.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.name()
    }

    /// Emits an event to everyone in the namespace.
    ///
    /// It is handed to every client before this returns, and waits for none: for one that reads too
    /// slowly, [`Options::slow_peer`](crate::Options) decides. Awaiting the result says whether the
    /// arguments could be sent, and lets other tasks run now and then.
    pub fn emit(&self, name: &str, args: impl Serialize) -> Emit {
        self.everyone().emit(name, args)
    }

    /// Emits a variant of an enum to everyone in the namespace: the counterpart of
    /// [`Event::read`](crate::Event::read).
    pub fn send(&self, event: &impl Serialize) -> Emit {
        self.everyone().send(event)
    }

    /// To everyone in these rooms.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.everyone().to(rooms)
    }

    /// To everyone outside these rooms.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.everyone().except(rooms)
    }

    /// To everyone on this machine.
    pub fn local(&self) -> Broadcast {
        self.everyone().local()
    }

    /// To everyone who is ready for it.
    pub fn volatile(&self) -> Broadcast {
        self.everyone().volatile()
    }

    /// To everyone, compressed or not: see [`Broadcast::compress`].
    pub fn compress(&self, on: bool) -> Broadcast {
        self.everyone().compress(on)
    }

    /// To everyone, with a time for acks.
    pub fn timeout(&self, limit: Duration) -> Broadcast {
        self.everyone().timeout(limit)
    }

    fn everyone(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.0))
    }

    /// The sockets in the namespace.
    ///
    /// # Errors
    /// If other machines do not answer in time.
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>> {
        self.everyone().fetch_sockets().await
    }

    /// The socket of this id, if it is of this machine: to find one elsewhere, too,
    /// `io.to(id).fetch_sockets()`.
    #[must_use]
    pub fn socket(&self, id: &str) -> Option<Socket> {
        let target = Target { rooms: vec![id.into()], ..Target::default() };
        let members = self.0.adapter().members(&target);
        // A room may have the name of an id.
        members.into_iter().find(|member| **member.id() == *id).and_then(socket)
    }

    /// Bars a client from coming back as who it was: what is kept for the socket of this id by
    /// [`ConnectionStateRecovery`](crate::ConnectionStateRecovery) is dropped, and nothing will be
    /// kept of one that is still connected. False if there is neither on this machine.
    ///
    /// The client may connect anew, by its login. One that is connected stays so:
    /// [`Socket::disconnect`] ends it.
    ///
    /// ```
    /// # fn example(io: rialto::Io, id: &str) {
    /// // Whether it is connected or lost for the moment, it is out.
    /// if let Some(socket) = io.socket(id) {
    ///     socket.disconnect(true);
    /// }
    /// io.forget(id);
    /// # }
    /// ```
    pub fn forget(&self, id: &str) -> bool {
        let live = self.socket(id);
        live.iter().for_each(Socket::bar);
        let kept = self.0.recovery().is_some_and(|recovery| recovery.forget_session(id));
        kept || live.is_some()
    }

    /// The sockets of this machine that are in the namespace.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        let members = self.0.adapter().members(&Target::default());
        members.into_iter().filter_map(socket).collect()
    }

    /// The rooms that sockets of this machine are in, and how many of them are in each: a picture
    /// of this moment. The room of a socket's own id is none of them.
    ///
    /// It costs a step for each room, while nobody can join or leave one. For the rooms of one
    /// socket there is [`Socket::rooms`], for members on all machines
    /// `io.to(room).fetch_sockets()`.
    ///
    /// ```
    /// # fn example(io: rialto::Io) {
    /// for (room, size) in io.rooms() {
    ///     println!("{size} in {room}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn rooms(&self) -> BTreeMap<Room, usize> {
        self.0.adapter().sizes()
    }

    /// The ids of the sockets of this machine that are in a room, in no order; none if there is no
    /// such room. For those of all machines, `io.to(room).fetch_sockets()`.
    #[must_use]
    pub fn members(&self, room: &str) -> Vec<Room> {
        let target = Target { rooms: vec![room.into()], ..Target::default() };
        let members = self.0.adapter().members(&target);
        members.iter().map(|member| Arc::clone(member.id())).collect()
    }

    /// Makes everyone join rooms.
    pub fn sockets_join(&self, rooms: impl Rooms) {
        self.everyone().sockets_join(rooms);
    }

    /// Makes everyone leave rooms.
    pub fn sockets_leave(&self, rooms: impl Rooms) {
        self.everyone().sockets_leave(rooms);
    }

    /// Disconnects everyone from the namespace, and with `close` ends their connections.
    pub fn disconnect_sockets(&self, close: bool) {
        self.everyone().disconnect_sockets(close);
    }

    /// Emits to everyone and collects the acks: see [`Broadcast::emit_with_ack`].
    ///
    /// # Errors
    /// As there.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        name: &str,
        args: impl Serialize,
    ) -> Result<Acks<T>> {
        self.everyone().emit_with_ack(name, args).await
    }

    /// Emits an event to the same namespace of the other servers of a cluster, where
    /// [`Io::on_server_side`] hears it. No client gets it. Alone, a server reaches nobody.
    ///
    /// # Errors
    /// If the arguments cannot be sent, the name is reserved (`connect`, `connection`,
    /// `new_namespace` and what [`Io::emit`] refuses), or the adapter cannot hand it over.
    pub async fn server_side_emit(&self, name: &str, args: impl Serialize) -> Result<()> {
        let event = servers::event(name, &args)?;
        self.0.adapter().emit_to_servers(&event, false).await.map(drop)
    }

    /// As [`Io::server_side_emit`]; collects what the listeners there return.
    ///
    /// # Errors
    /// As there. A server that does not answer in the adapter's time is no error:
    /// [`ServerAcks::missing`] counts it.
    pub async fn server_side_emit_with_ack<T: DeserializeOwned>(
        &self,
        name: &str,
        args: impl Serialize,
    ) -> Result<ServerAcks<T>> {
        let event = servers::event(name, &args)?;
        self.0.adapter().emit_to_servers(&event, true).await.map(ServerAcks::new)
    }

    /// Listens to what other servers send by [`Io::server_side_emit`]. Of several listeners of one
    /// name, the first to succeed gives the answer.
    ///
    /// ```
    /// # fn example(io: rialto::Io) {
    /// io.on_server_side("reload", async |io, file: String| {
    ///     io.local().emit("reload", file).await
    /// });
    /// # }
    /// ```
    pub fn on_server_side<T, A, H, F>(&self, name: &str, handler: H)
    where
        T: DeserializeOwned,
        A: Serialize + Send,
        H: Fn(Self, T) -> F + Send + Sync + 'static,
        F: Future<Output = Result<A>> + Send + 'static,
    {
        servers::warn(name);
        self.0.add_server_listener(name, servers::listener(handler));
    }

    /// Is told of each room that comes to be or goes, and of each socket that joins or leaves one,
    /// on this machine: Node's adapter events. It is called in the order of the changes, by
    /// whatever thread is about: be quick.
    ///
    /// ```
    /// use rialto::adapter::RoomChange;
    /// # fn example(io: rialto::Io) {
    /// io.on_room_change(|change| {
    ///     if let RoomChange::Created { room } = change {
    ///         println!("{room} is open");
    ///     }
    /// });
    /// # }
    /// ```
    pub fn on_room_change(&self, handler: impl Fn(&RoomChange) + Send + Sync + 'static) {
        self.0.add_room_listener(Arc::new(handler));
    }

    /// The namespaces that exist now, in no order: the children of a dynamic one are found by their
    /// names.
    #[must_use]
    pub fn namespaces(&self) -> Vec<Self> {
        self.0.core().map(|core| core.namespaces()).unwrap_or_default()
    }

    /// How many clients are connected to the server, over whichever transport, in namespaces or not
    /// yet; those included that have gone and whose handlers are still suspended.
    #[must_use]
    pub fn clients_count(&self) -> usize {
        self.0.core().map_or(0, |core| core.close(false))
    }

    /// How many sockets of this machine are in the namespace.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.adapter().count()
    }

    /// How the server is doing: connections, what waits for slow ones, what became of others.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.core().map(|core| core.host.stats()).unwrap_or_default()
    }

    /// How many events of this namespace did not decode and were dropped, since the start.
    #[must_use]
    pub fn undecoded(&self) -> u64 {
        self.0.undecoded()
    }

    /// What was read from its name, if it is a dynamic namespace: see
    /// [`Server::namespace_pattern`](crate::Server::namespace_pattern).
    #[must_use]
    pub fn params<P: Send + Sync + 'static>(&self) -> Option<Arc<P>> {
        self.0.params()?.clone().downcast().ok()
    }

    /// The server's state of this type: see [`Server::state`](crate::Server::state).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.core()?.state.get()
    }

    /// Closes every connection of the server, with 1001 and the reason `server shutting down`, and
    /// waits until they and their suspended handlers are gone, at most
    /// [`Options::drain_timeout`](crate::Options). The handler of an event goes on when its client
    /// leaves, so a session counts until the last of them has ended; how many are left then is a
    /// warning in the log.
    pub async fn close(&self) {
        let Some(core) = self.0.core() else { return };
        let limit = core.options.drain_timeout;
        let drained = async {
            while core.close(true) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(limit, drained).await.is_err() {
            tracing::warn!(
                left = core.close(false),
                "not all sessions ended in time: handlers of theirs still run, or a client took \
                 no leave"
            );
        }
    }
}

fn socket(member: Arc<dyn Member>) -> Option<Socket> {
    Socket::of(member)
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("namespace", &self.0.name()).finish_non_exhaustive()
    }
}
