//! [`Events`]: a namespace's listeners, registered once.

use super::event::{Event, Incoming};
use super::listener::{self, Listener, Task};
use super::misnamed;
use super::outgoing::{Outgoing, OutgoingListener};
use super::owed::Wanted;
use super::socket::Socket;
use crate::error::{Error, Result};
use crate::options::Transport;
use futures_util::future::{BoxFuture, join_all};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;

/// The listeners of a namespace. Registered once, they serve every client.
///
/// Listeners of one client start in the order in which its events arrive. One that suspends does
/// not hold up later events, as in Node; [`Events::sequential`] makes them wait.
///
/// ```
/// use rialto::{Events, Server};
///
/// let events = Events::new()
///     .on_connect(async |socket| socket.emit("welcome", "Hello!").await)
///     .on("chat message", async |socket, text: String| {
///         socket.io().emit("chat message", text).await
///     })
///     .on_ack("sum", async |_, (a, b): (i64, i64)| Ok(a + b));
/// let server = Server::new(events);
/// ```
///
/// State enters by [`Server::state`](crate::Server::state), or by a closure that clones what it
/// needs for each call:
///
/// ```
/// use rialto::Events;
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
///
/// let count = Arc::new(AtomicU64::new(0));
/// let events = Events::new().on("visit", move |_, ()| {
///     let count = count.clone();
///     async move {
///         count.fetch_add(1, Ordering::Relaxed);
///         Ok(())
///     }
/// });
/// ```
#[derive(Clone, Default)]
pub struct Events {
    /// The program chooses the names, peers only look them up: a quick hash will do.
    named: FxHashMap<Box<str>, Vec<Entry>>,
    any: Vec<Arc<AnyListener>>,
    middlewares: Vec<Arc<Middleware>>,
    outgoing: Vec<Arc<OutgoingListener>>,
    connect: Vec<Arc<ConnectListener>>,
    upgrade: Vec<Arc<ConnectListener>>,
    disconnect: Vec<Arc<DisconnectListener>>,
    error: Vec<Arc<ErrorListener>>,
    sequential: bool,
    /// Numbers the listeners, for `once`.
    registered: usize,
}

#[derive(Clone)]
struct Entry {
    listener: Arc<Listener>,
    /// Its number, if it runs once for each client.
    once: Option<usize>,
}

type AnyListener = dyn Fn(Socket, Event) -> Task + Send + Sync;
type Middleware = dyn Fn(Socket, Event) -> BoxFuture<'static, Result<()>> + Send + Sync;
type ConnectListener = dyn Fn(Socket) -> BoxFuture<'static, Result<()>> + Send + Sync;
type DisconnectListener = dyn Fn(Socket) -> BoxFuture<'static, ()> + Send + Sync;
type ErrorListener = dyn Fn(&Socket, &str, &Error) + Send + Sync;

impl Events {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs for each client that joins, beside its events.
    ///
    /// It may last as long as the client stays, and ends by itself when the client is gone.
    #[must_use]
    pub fn on_connect<H, F>(mut self, handler: H) -> Self
    where
        H: Fn(Socket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.connect.push(Arc::new(move |socket| Box::pin(handler(socket))));
        self
    }

    /// Runs for each client whose connection moves from long-polling to a WebSocket after it has
    /// joined: Node's `socket.conn.on("upgrade")`. One that began on a WebSocket, or has moved
    /// before it joined, does not move any more; [`Socket::transport`] tells.
    ///
    /// It runs beside the client's events, and ends by itself when the client is gone. Its errors
    /// are those of an event `upgrade`.
    ///
    /// ```
    /// use rialto::Events;
    /// let events = Events::new().on_upgrade(async |socket| {
    ///     println!("{} is on {} now", socket.id(), socket.transport().as_str());
    ///     Ok(())
    /// });
    /// ```
    #[must_use]
    pub fn on_upgrade<H, F>(mut self, handler: H) -> Self
    where
        H: Fn(Socket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.upgrade.push(Arc::new(move |socket| Box::pin(handler(socket))));
        self
    }

    /// Runs for each client that is gone; [`Socket::disconnect_reason`] says why.
    ///
    /// Until it first suspends, the socket is still in its rooms.
    #[must_use]
    pub fn on_disconnect<H, F>(mut self, handler: H) -> Self
    where
        H: Fn(Socket) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.disconnect.push(Arc::new(move |socket| Box::pin(handler(socket))));
        self
    }

    /// Runs for each event of that name: one value takes one argument, a tuple several, `()`
    /// whatever they are.
    ///
    /// Several listeners of one name run in the order of their registration. An event that does
    /// not decode is counted ([`Io::undecoded`](super::Io::undecoded)), logged, given to
    /// [`Events::on_error`], and dropped. The log shows ten a minute of a namespace as warnings,
    /// later ones at debug level: peers choose how many there are.
    #[must_use]
    pub fn on<T, H, F>(self, name: &str, handler: H) -> Self
    where
        T: DeserializeOwned,
        H: Fn(Socket, T) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.add(name, listener::plain(handler), false, false)
    }

    /// As [`Events::on`]; what it returns is the ack, if the client asked for one.
    ///
    /// After an error no ack is sent.
    #[must_use]
    pub fn on_ack<T, A, H, F>(self, name: &str, handler: H) -> Self
    where
        T: DeserializeOwned,
        A: Serialize + Send,
        H: Fn(Socket, T) -> F + Send + Sync + 'static,
        F: Future<Output = Result<A>> + Send + 'static,
    {
        self.add(name, listener::with_ack(handler), false, false)
    }

    /// As [`Events::on`], for the first event of that name of each client.
    #[must_use]
    pub fn once<T, H, F>(self, name: &str, handler: H) -> Self
    where
        T: DeserializeOwned,
        H: Fn(Socket, T) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.add(name, listener::plain(handler), true, false)
    }

    /// As [`Events::on`], before the listeners that are there already.
    #[must_use]
    pub fn prepend<T, H, F>(self, name: &str, handler: H) -> Self
    where
        T: DeserializeOwned,
        H: Fn(Socket, T) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.add(name, listener::plain(handler), false, true)
    }

    /// Removes the listeners of that name.
    #[must_use]
    pub fn off(mut self, name: &str) -> Self {
        self.named.remove(name);
        self
    }

    /// Runs for every event, before the listeners of its name and, unlike in Node, behind the
    /// [middlewares](Events::middleware): what they refuse it does not see.
    #[must_use]
    pub fn on_any<H, F>(mut self, handler: H) -> Self
    where
        H: Fn(Socket, Event) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.any.push(Arc::new(move |socket, event| Box::pin(handler(socket, event))));
        self
    }

    /// As [`Events::on_any`], before the catch-all listeners that are there already.
    #[must_use]
    pub fn prepend_any<H, F>(mut self, handler: H) -> Self
    where
        H: Fn(Socket, Event) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.any.insert(0, Arc::new(move |socket, event| Box::pin(handler(socket, event))));
        self
    }

    /// Removes the catch-all listeners.
    #[must_use]
    pub fn off_any(mut self) -> Self {
        self.any.clear();
        self
    }

    /// Decides on each event before any listener hears of it: Node's `socket.use`. Those of one
    /// table run one after the other; an error ends the event, and goes to [`Events::on_error`].
    ///
    /// One that suspends holds up its event and no other, as in Node, unless the table is
    /// [sequential](Events::sequential).
    ///
    /// ```
    /// use rialto::Events;
    /// let events = Events::new()
    ///     .middleware(async |_, event| match event.name() {
    ///         "forbidden" => Err("this event is forbidden".into()),
    ///         _ => Ok(()),
    ///     })
    ///     .on_error(|socket, name, error| {
    ///         drop(socket.emit("refused", (name, error.to_string())));
    ///     });
    /// ```
    #[must_use]
    pub fn middleware<H, F>(mut self, handler: H) -> Self
    where
        H: Fn(Socket, Event) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.middlewares.push(Arc::new(move |socket, event| Box::pin(handler(socket, event))));
        self
    }

    /// Is told of every event that goes to a client, broadcasts included, before it is queued (with
    /// connection state recovery, of a broadcast right after it was).
    /// [`Socket::on_any_outgoing`] is the same for one client.
    #[must_use]
    pub fn on_any_outgoing<H>(mut self, handler: H) -> Self
    where
        H: Fn(&Socket, &Outgoing<'_>) + Send + Sync + 'static,
    {
        self.outgoing.push(Arc::new(handler));
        self
    }

    /// As [`Events::on_any_outgoing`], before those that are there already.
    #[must_use]
    pub fn prepend_any_outgoing<H>(mut self, handler: H) -> Self
    where
        H: Fn(&Socket, &Outgoing<'_>) + Send + Sync + 'static,
    {
        self.outgoing.insert(0, Arc::new(handler));
        self
    }

    /// Removes what [`Events::on_any_outgoing`] has added.
    #[must_use]
    pub fn off_any_outgoing(mut self) -> Self {
        self.outgoing.clear();
        self
    }

    /// The names that have listeners, in no order.
    pub fn event_names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(|name| &**name)
    }

    /// Is told of each event that does not decode and each listener that fails. One that could not
    /// emit because its client has left has not ([`Error::is_disconnected`]): that is no mistake of
    /// anybody, and nothing is logged.
    #[must_use]
    pub fn on_error<H>(mut self, handler: H) -> Self
    where
        H: Fn(&Socket, &str, &Error) + Send + Sync + 'static,
    {
        self.error.push(Arc::new(handler));
        self
    }

    /// Makes each event of a client wait until the listeners of the one before it are done.
    #[must_use]
    pub fn sequential(mut self) -> Self {
        self.sequential = true;
        self
    }

    fn add(mut self, name: &str, listener: Listener, once: bool, first: bool) -> Self {
        misnamed::warn(name);
        self.registered += 1;
        let entry = Entry { listener: Arc::new(listener), once: once.then_some(self.registered) };
        let entries = self.named.entry(name.into()).or_default();
        entries.insert(if first { 0 } else { entries.len() }, entry);
        self
    }

    pub(super) fn is_sequential(&self) -> bool {
        self.sequential
    }

    pub(super) fn has_middlewares(&self) -> bool {
        !self.middlewares.is_empty()
    }

    pub(super) fn outgoing(&self) -> &[Arc<OutgoingListener>] {
        &self.outgoing
    }

    /// The way of an event through the middlewares and, if they let it, through its listeners.
    pub(super) async fn pass(self: Arc<Self>, socket: Socket, event: Event) -> Result<()> {
        for middleware in &self.middlewares {
            middleware(socket.clone(), event.incoming().to_event(&socket)).await?;
        }
        let mut running = Vec::new();
        self.dispatch(&socket, &event.incoming(), |mut task| {
            let socket = socket.clone();
            running.push(poll_fn(move |cx| task.as_mut().poll_with(&socket, cx)));
        });
        for result in join_all(running).await {
            if let Err(error) = result {
                self.report(&socket, event.name(), &error);
            }
        }
        Ok(())
    }

    /// Starts the listeners of an event; `run` gets each task that comes of it.
    pub(super) fn dispatch(
        &self,
        socket: &Socket,
        incoming: &Incoming<'_>,
        mut run: impl FnMut(Task),
    ) {
        let entries = self.named.get(incoming.name).map_or(&[][..], Vec::as_slice);
        let several = self.any.len() + entries.len() > 1;
        let given = incoming.ack.filter(|_| several).and_then(Wanted::sharing);
        let incoming = &incoming.shared(given.as_ref());
        for any in &self.any {
            run(any(socket.clone(), incoming.to_event(socket)));
        }
        for entry in entries {
            if entry.once.is_some_and(|number| !socket.fire_once(number)) {
                continue;
            }
            match (entry.listener)(socket, incoming) {
                Ok(task) => run(task),
                Err(error) => {
                    socket.count_undecoded();
                    self.report(socket, incoming.name, &error);
                }
            }
        }
    }

    pub(super) fn connected(
        self: &Arc<Self>,
        socket: &Socket,
    ) -> Vec<BoxFuture<'static, Result<()>>> {
        let mut running: Vec<_> =
            self.connect.iter().map(|handler| handler(socket.clone())).collect();
        if !self.upgrade.is_empty() && socket.transport() == Transport::Polling {
            running.push(Box::pin(Arc::clone(self).upgrade(socket.clone())));
        }
        running
    }

    /// Waits for the client's upgrade, and has it told.
    async fn upgrade(self: Arc<Self>, socket: Socket) -> Result<()> {
        if socket.upgraded().await {
            let running = self.upgrade.iter().map(|handler| handler(socket.clone()));
            for result in join_all(running.collect::<Vec<_>>()).await {
                if let Err(error) = result {
                    self.report(&socket, "upgrade", &error);
                }
            }
        }
        Ok(())
    }

    pub(super) fn disconnected(&self, socket: &Socket) -> Vec<BoxFuture<'static, ()>> {
        self.disconnect.iter().map(|handler| handler(socket.clone())).collect()
    }

    /// A listener failed, or an event did not decode.
    pub(super) fn report(&self, socket: &Socket, event: &str, error: &Error) {
        if error.is_disconnected() {
            return;
        }
        warn_or_debug(socket, event, error);
        for handler in &self.error {
            handler(socket, event, error);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("names", &self.named.keys()).finish_non_exhaustive()
    }
}

/// Logs the failure of a handler: a few of each minute as warnings, others as what peers can cause.
/// That a client has left in the midst of it is none.
pub(super) fn warn_or_debug(socket: &Socket, event: &str, error: &Error) {
    if error.is_disconnected() {
        return;
    }
    if socket.warns_of(error) {
        tracing::warn!(socket = socket.id(), ?event, %error, "a handler failed");
    } else {
        tracing::debug!(socket = socket.id(), ?event, %error, "a handler failed");
    }
}
