//! Connections of the server's own listener, with the deadlines of HTTP.

use parking_lot::Mutex;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The times that a connection keeps while it waits for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// From the first byte of a request head to its last.
    pub(crate) header: Duration,
    /// Without any byte of a request, and without the peer taking any of an answer.
    pub(crate) keep_alive: Duration,
}

/// Marks a request that came over TLS, among its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secured;

/// What a connection is doing, told by its service, so that only waiting is timed.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    state: Arc<Mutex<State>>,
    /// Whether what arrives is the head of a request: in HTTP/2 it may be anything.
    heads: bool,
}

/// A moment is noted when the connection is first found waiting: most requests come whole and are
/// answered at once, and then no clock is read.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Waits for a request since then.
    Idle(Option<Instant>),
    /// The first bytes of a head have come then.
    Head(Option<Instant>),
    /// Requests are being served: that many.
    Busy(u32),
    /// It is a WebSocket, or carries one: that has its own heartbeat.
    Taken,
    /// A WebSocket takes it over, and with it what HTTP still writes.
    Held,
}

/// Marks an answer of a handshake whose WebSocket writes it: it leaves with the first message,
/// in one write. An extension of the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held;

impl Phase {
    /// Of a connection of HTTP/1.
    pub(crate) fn http1() -> Self {
        Self { state: Arc::new(Mutex::new(State::Idle(None))), heads: true }
    }

    /// Of a connection of HTTP/2, whose requests have no heads to be seen here.
    #[cfg(feature = "tls")]
    pub(crate) fn http2() -> Self {
        Self { heads: false, ..Self::http1() }
    }

    /// A WebSocket has taken the connection, or a stream of it: from now on nothing is timed.
    pub(crate) fn take(&self) {
        *self.state.lock() = State::Taken;
    }

    /// [`Phase::take`], and what is written from now on is kept for [`Conn::into_parts`].
    pub(crate) fn hold(&self) {
        *self.state.lock() = State::Held;
    }

    fn is_held(&self) -> bool {
        matches!(*self.state.lock(), State::Held)
    }

    /// A request's head is complete; it is being served until the guard is dropped.
    pub(crate) fn serve(&self) -> Serving {
        let mut state = self.state.lock();
        *state = match *state {
            State::Busy(count) => State::Busy(count + 1),
            State::Idle(_) | State::Head(_) => State::Busy(1),
            taken => taken,
        };
        Serving(self.clone())
    }

    fn read(&self) {
        let mut state = self.state.lock();
        if let State::Idle(_) = *state
            && self.heads
        {
            *state = State::Head(None);
        }
    }

    /// A part of an answer has left: whoever takes it does not rest.
    fn wrote(&self) {
        let mut state = self.state.lock();
        if let State::Idle(since) = &mut *state {
            *since = None;
        }
    }

    fn due(&self, deadlines: &Deadlines) -> Option<Instant> {
        let mut state = self.state.lock();
        let (since, limit) = match &mut *state {
            State::Idle(since) => (since, deadlines.keep_alive),
            State::Head(since) => (since, deadlines.header),
            State::Busy(_) | State::Taken | State::Held => return None,
        };
        Some(*since.get_or_insert_with(Instant::now) + limit)
    }
}

/// A request that is being served.
#[derive(Debug)]
pub(crate) struct Serving(Phase);

impl Drop for Serving {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        *state = match *state {
            taken @ (State::Taken | State::Held) => taken,
            State::Busy(count) if count > 1 => State::Busy(count - 1),
            _ => State::Idle(None),
        };
    }
}

/// A connection that fails with a time-out when its peer keeps it waiting for a request.
///
/// The timers of hyper start when a connection is accepted or becomes idle; a head that comes
/// slowly and a connection that rests are different things here, as in Node.
pub(crate) struct Conn<S> {
    stream: S,
    phase: Phase,
    deadlines: Deadlines,
    /// Fires at the deadline or before it: see [`Conn::poll_deadline`].
    sleep: Option<Pin<Box<Sleep>>>,
    /// What was read before there was a connection of HTTP, until that reads it.
    first: Vec<u8>,
    /// What was written while it is held.
    held: Vec<u8>,
}

/// Writes of several parts up to this many bytes are put together: copying them costs less than
/// having the kernel gather them.
const GATHERED: usize = 1024;

impl<S> Conn<S> {
    pub(crate) fn new(stream: S, phase: Phase, deadlines: Deadlines) -> Self {
        Self { stream, phase, deadlines, sleep: None, first: Vec::new(), held: Vec::new() }
    }

    /// Has these bytes read before those of the stream.
    pub(crate) fn behind(mut self, first: Vec<u8>) -> Self {
        self.first = first;
        self
    }

    /// The connection itself, once a WebSocket has taken it over, and what has to leave by it
    /// before the first frame.
    pub(crate) fn into_parts(self) -> (S, Vec<u8>) {
        (self.stream, self.held)
    }

    /// Ready when the peer has kept us waiting too long.
    ///
    /// A timer that fires too early is left alone: when it fires, it is armed anew. So a request
    /// that comes and is answered costs none.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(due) = self.phase.due(&self.deadlines) else {
                return Poll::Pending;
            };
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if due < sleep.deadline() {
                sleep.as_mut().reset(due);
            }
            std::task::ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() == due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }

    fn note_write(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.phase.wrote();
        }
    }

    /// Sees to it that a timer runs once an answer is out. hyper may not read again before
    /// something arrives, if it has tried while the request was being served.
    fn watch(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(due) = self.phase.due(&self.deadlines) else { return Ok(()) };
        let runs = |sleep: &Pin<Box<Sleep>>| !sleep.is_elapsed() && sleep.deadline() <= due;
        if self.sleep.as_ref().is_some_and(runs) || self.poll_deadline(cx).is_pending() {
            return Ok(());
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Conn<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let count = self.first.len().min(buf.remaining());
            buf.put_slice(&self.first[..count]);
            self.first = self.first.split_off(count);
            self.phase.read();
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            return self.poll_deadline(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        if buf.filled().len() > before {
            // A head that trickles in is timed wherever it makes us wait.
            self.phase.read();
        }
        read
    }
}

/// The slices one behind another, if they fit.
fn gather<'a>(slices: &[io::IoSlice<'_>], room: &'a mut [u8; GATHERED]) -> Option<&'a [u8]> {
    let mut end = 0;
    for slice in slices {
        let start = end;
        end += slice.len();
        room.get_mut(start..end)?.copy_from_slice(slice);
    }
    room.get(..end)
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Conn<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.phase.is_held() {
            self.held.extend_from_slice(buf);
            return Poll::Ready(Ok(buf.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.phase.is_held() {
            let before = self.held.len();
            slices.iter().for_each(|slice| self.held.extend_from_slice(slice));
            return Poll::Ready(Ok(self.held.len() - before));
        }
        let written = match gather(slices, &mut [0; GATHERED]) {
            Some(bytes) => Pin::new(&mut self.stream).poll_write(cx, bytes),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        };
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(self.watch(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
