//! [`Connections`]: the open connections of a server, counted, and reached when it stops.

use super::addresses::Entry;
use super::deadline;
use super::run::Run;
use crate::io::writer::Shared;
use crate::proto::handshake::server::Refusal;
use crate::proto::{CloseCode, Text};
use crate::socket::WebSocket;
use crate::split::Sender;
use http::StatusCode;
use parking_lot::Mutex;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// When a client that was refused because the server is full or stops may come again.
const RETRY: Duration = Duration::from_secs(5);
/// The reason in Close frames and refusals.
const STOPPING: &str = "the server is stopping";
/// Connections that are closed at a time before other tasks get their turn.
const BATCH: usize = 256;
/// How long connections that were cut may take to be dropped.
const CUT: Duration = Duration::from_secs(1);

/// The open connections of a server: how many there may be, and how they all end.
///
/// [`serve`](crate::serve) has one of its own. Share one where connections come by several ways,
/// or by hyper or axum, to bound their number and to stop them in order. Clones are the same
/// list. One connection costs it 16 bytes.
///
/// A connection counts from the answer to its handshake until its handler has ended and its
/// stream is closed.
///
/// ```no_run
/// # async fn example(stream: tokio::net::TcpStream) -> rialto_ws::Result<()> {
/// use rialto_ws::{CloseCode, Connections, WebSocket};
/// use std::time::Duration;
///
/// async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
///     while let Some(message) = socket.recv().await? {
///         socket.send(message).await?;
///     }
///     Ok(())
/// }
/// let connections = Connections::new(10_000);
/// // For each stream that an accept loop of yours gives:
/// let place = connections.reserve()?;
/// place.spawn(rialto_ws::accept(stream).await?, echo);
/// // In the end:
/// connections.stop(Duration::from_secs(10)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connections(Arc<List>);

struct List {
    max: usize,
    state: Mutex<State>,
    empty: Notify,
}

struct State {
    slots: Vec<Slot>,
    /// The first free slot; they are chained.
    free: u32,
    /// Places taken, those without a connection yet included.
    taken: usize,
    stopping: bool,
}

enum Slot {
    Free(u32),
    Open { shared: Arc<Shared>, task: Option<AbortHandle> },
}

/// The end of the chain of free slots, and the place that has none.
const NONE: u32 = u32::MAX;

impl Connections {
    /// At most `max` connections at a time; more are refused with 503 and `Retry-After`.
    #[must_use]
    pub fn new(max: usize) -> Self {
        let state = State { slots: Vec::new(), free: NONE, taken: 0, stopping: false };
        // Slots are numbered by 32 bits.
        let max = max.min(NONE as usize - 1);
        Self(Arc::new(List { max, state: Mutex::new(state), empty: Notify::new() }))
    }

    /// How many there are, those whose handshake is being answered included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.state.lock().taken
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a place for a connection to come. Dropping it gives it back.
    ///
    /// # Errors
    /// The refusal to answer with, 503, if all are taken or the server stops.
    pub fn reserve(&self) -> Result<Place, Refusal> {
        let mut state = self.0.state.lock();
        if state.stopping {
            return Err(unavailable(STOPPING));
        }
        if state.taken >= self.0.max {
            return Err(unavailable("the server is full"));
        }
        state.taken += 1;
        Ok(Place { list: Arc::clone(&self.0), slot: NONE, address: None })
    }

    /// Sends a Close frame on all of them. Later connections are not affected.
    pub fn close(&self, code: impl Into<CloseCode>, reason: impl Into<Text>) {
        let (code, reason) = (code.into(), reason.into());
        for sender in self.senders() {
            sender.close(code, reason.clone());
        }
    }

    /// Ends all of them and takes no more: sends Close 1001, waits until the handlers have ended
    /// and all is flushed, and after `drain` cuts what is left and drops its handlers.
    ///
    /// Cancel safe: if it is dropped early, nothing is cut, and no connection is taken any more.
    pub async fn stop(&self, drain: Duration) {
        self.stop_until(deadline::after(drain)).await;
    }

    pub(super) async fn stop_until(&self, deadline: Instant) {
        self.0.state.lock().stopping = true;
        let ending = async {
            self.say_goodbye().await;
            self.emptied().await;
        };
        if timeout_at(deadline, ending).await.is_err() {
            tracing::debug!(left = self.len(), "cutting connections that did not end in time");
            self.cut();
            // A handler that blocks its thread cannot be dropped; it does not hold up the rest.
            let _ = timeout(CUT, self.emptied()).await;
        }
    }

    async fn say_goodbye(&self) {
        for batch in self.senders().chunks(BATCH) {
            for sender in batch {
                sender.close(CloseCode::GOING_AWAY, STOPPING);
            }
            tokio::task::yield_now().await;
        }
    }

    async fn emptied(&self) {
        loop {
            // It hears of everything from here on, whenever it is polled.
            let emptied = self.0.empty.notified();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn senders(&self) -> Vec<Sender> {
        let state = self.0.state.lock();
        let open = state.slots.iter().filter_map(|slot| match slot {
            Slot::Open { shared, .. } => Some(Sender::new(Arc::clone(shared))),
            Slot::Free(_) => None,
        });
        open.collect()
    }

    fn cut(&self) {
        let tasks: Vec<_> = {
            let mut state = self.0.state.lock();
            let open = state.slots.iter_mut().filter_map(|slot| match slot {
                Slot::Open { shared, task } => Some((Sender::new(Arc::clone(shared)), task.take())),
                Slot::Free(_) => None,
            });
            open.collect()
        };
        for (sender, task) in tasks {
            sender.abort();
            if let Some(task) = task {
                task.abort();
            }
        }
    }
}

/// One million: more than the descriptors of nearly every machine, so that these decide.
impl Default for Connections {
    fn default() -> Self {
        Self::new(1_000_000)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("max", &self.0.max).field("len", &self.len()).finish()
    }
}

fn unavailable(reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason).retry_after(RETRY)
}

/// A place among the [`Connections`] of a server, for one connection.
pub struct Place {
    list: Arc<List>,
    slot: u32,
    address: Option<Box<Entry>>,
}

impl Place {
    /// Counts the connection to an address as well, as long as it lasts.
    pub(super) fn with_address(mut self, entry: Option<Box<Entry>>) -> Self {
        self.address = entry;
        self
    }

    /// Runs the handler on the connection in a task of its own, as [`run`](crate::run) does.
    ///
    /// If the server stops already, the connection is closed with 1001.
    pub fn spawn<H, F, E>(mut self, socket: WebSocket, handler: H)
    where
        H: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
    {
        let sender = socket.sender();
        let list = Arc::clone(&self.list);
        let (slot, stopping) = list.state.lock().enter(&sender);
        self.slot = slot;
        if stopping {
            sender.close(CloseCode::GOING_AWAY, STOPPING);
        }
        // Nothing is locked here: a runtime that shuts down drops the task at once.
        let attended = Attended { run: Run::new(socket, handler), place: Box::new(self) };
        let task = tokio::spawn(attended);
        list.state.lock().set_task(slot, &sender, task.abort_handle());
    }

    /// Waits until the stream is closed, so that what is flushed and counted is true.
    fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        let sender = self.list.state.lock().sender(self.slot);
        sender.map_or(Poll::Ready(()), |sender| sender.shared().poll_shut(cx))
    }
}

/// A handler at work on a connection that has a place, which it keeps to the connection's end.
///
/// Of 24 bytes at most, for which the place is boxed: tokio aligns tasks to 128 bytes and has 104
/// of its own, so that one byte more takes 128 bytes more from every connection.
struct Attended<F> {
    run: Run<F>,
    place: Box<Place>,
}

impl<F> Future for Attended<F>
where
    Run<F>: Future<Output = ()> + Unpin,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.run.is_over() {
            ready!(Pin::new(&mut self.run).poll(cx));
        }
        self.place.poll_ended(cx)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is dropped with the slot is dropped without the lock.
        let (_left, empty) = self.list.state.lock().leave(self.slot);
        if empty {
            self.list.empty.notify_waiters();
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl State {
    fn enter(&mut self, sender: &Sender) -> (u32, bool) {
        let open = Slot::Open { shared: Arc::clone(sender.shared()), task: None };
        let at = self.free;
        if let Some(slot) = self.slots.get_mut(at as usize) {
            if let Slot::Free(next) = *slot {
                self.free = next;
            }
            *slot = open;
            return (at, self.stopping);
        }
        let at = u32::try_from(self.slots.len()).unwrap_or(NONE);
        self.slots.push(open);
        (at, self.stopping)
    }

    fn sender(&self, at: u32) -> Option<Sender> {
        match self.slots.get(at as usize)? {
            Slot::Open { shared, .. } => Some(Sender::new(Arc::clone(shared))),
            Slot::Free(_) => None,
        }
    }

    /// Notes the task of a connection, unless that has ended meanwhile.
    fn set_task(&mut self, at: u32, of: &Sender, handle: AbortHandle) {
        if let Some(Slot::Open { shared, task }) = self.slots.get_mut(at as usize)
            && Arc::ptr_eq(shared, of.shared())
        {
            *task = Some(handle);
        }
    }

    /// Gives a place back; true if it was the last.
    fn leave(&mut self, at: u32) -> (Option<Slot>, bool) {
        let mut left = None;
        if let Some(slot) = self.slots.get_mut(at as usize) {
            left = Some(std::mem::replace(slot, Slot::Free(self.free)));
            self.free = at;
        }
        self.taken = self.taken.saturating_sub(1);
        let empty = self.taken == 0;
        if empty {
            (self.slots, self.free) = (Vec::new(), NONE);
        }
        (left, empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_costs_the_list_sixteen_bytes() {
        assert_eq!(size_of::<Slot>(), 16);
    }

    #[test]
    fn the_task_of_a_connection_fits_into_128_bytes() {
        assert!(size_of::<Attended<()>>() <= 24);
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let connections = Connections::new(2);
        let first = connections.reserve().unwrap();
        let _second = connections.reserve().unwrap();
        let refusal = connections.reserve().unwrap_err();
        assert_eq!(refusal.status, StatusCode::SERVICE_UNAVAILABLE);
        drop(first);
        assert_eq!(connections.len(), 1);
        connections.reserve().unwrap();
    }
}
