//! What a connection has suspended: handlers, logins, the whole life of a `recv` loop.

use super::events::Events;
use super::handler::Refused;
use super::listener::Task;
use super::namespace::Namespace;
use super::returning::Arrival;
use super::socket::{Closed, Socket};
use crate::error::Result;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A suspended piece of user code.
pub(super) enum Running {
    /// A listener of an event of so many bytes.
    Listener { socket: Socket, table: Arc<Events>, name: Box<str>, bytes: usize, task: Task },
    /// `on_connect`, which ends when its client is gone.
    Connect { closed: Closed, future: BoxFuture<'static, Result<()>> },
    /// A handler that is a loop.
    Handler { socket: Socket, future: BoxFuture<'static, Result<()>> },
    /// `on_disconnect`.
    Disconnect { future: BoxFuture<'static, ()> },
    /// A login.
    Login {
        namespace: Arc<Namespace>,
        auth: Box<str>,
        future: BoxFuture<'static, Result<Arrival, Refused>>,
    },
}

/// What has come of it.
pub(super) enum Finished {
    Listener {
        socket: Socket,
        /// Its own, which its socket may have left by now.
        table: Arc<Events>,
        name: Box<str>,
        bytes: usize,
        result: Result<()>,
    },
    Connect {
        socket: Socket,
        result: Result<()>,
    },
    Handler {
        socket: Socket,
        result: Result<()>,
    },
    Disconnect,
    Login {
        namespace: Arc<Namespace>,
        auth: Box<str>,
        result: Result<Arrival, Refused>,
    },
}

impl Future for Running {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        match &mut *self {
            Self::Listener { socket, table, name, bytes, task } => {
                task.as_mut().poll_with(socket, cx).map(|result| Finished::Listener {
                    socket: socket.clone(),
                    table: Arc::clone(table),
                    name: std::mem::take(name),
                    bytes: *bytes,
                    result,
                })
            }
            Self::Connect { closed, future } => {
                let result = match future.as_mut().poll(cx) {
                    Poll::Ready(result) => result,
                    Poll::Pending => ready!(Pin::new(&mut *closed).poll(cx).map(|_| Ok(()))),
                };
                Poll::Ready(Finished::Connect { socket: closed.socket().clone(), result })
            }
            Self::Handler { socket, future } => future
                .as_mut()
                .poll(cx)
                .map(|result| Finished::Handler { socket: socket.clone(), result }),
            Self::Disconnect { future } => future.as_mut().poll(cx).map(|()| Finished::Disconnect),
            Self::Login { namespace, auth, future } => {
                future.as_mut().poll(cx).map(|result| Finished::Login {
                    namespace: Arc::clone(namespace),
                    auth: std::mem::take(auth),
                    result,
                })
            }
        }
    }
}

/// The suspended pieces of one connection. Nothing is allocated while there are none.
#[derive(Default)]
pub(super) struct RunningSet(Option<Box<Pieces>>);

#[derive(Default)]
struct Pieces {
    futures: FuturesUnordered<Running>,
    listeners: usize,
    /// Bytes of the events that those have.
    bytes: usize,
    /// Suspended `on_disconnect`s.
    leaving: usize,
}

impl RunningSet {
    pub(super) fn push(&mut self, running: Running) {
        let pieces = self.0.get_or_insert_default();
        match &running {
            Running::Listener { bytes, .. } => {
                pieces.listeners += 1;
                pieces.bytes += bytes;
            }
            Running::Disconnect { .. } => pieces.leaving += 1,
            _ => {}
        }
        pieces.futures.push(running);
    }

    /// Listeners that are suspended.
    pub(super) fn listeners(&self) -> usize {
        self.0.as_ref().map_or(0, |pieces| pieces.listeners)
    }

    /// Bytes of the events that suspended listeners have.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |pieces| pieces.bytes)
    }

    /// `on_disconnect`s that are suspended.
    pub(super) fn leaving(&self) -> usize {
        self.0.as_ref().map_or(0, |pieces| pieces.leaving)
    }

    /// The next piece that has ended; `None` if nothing is suspended.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Finished>> {
        let Some(pieces) = &mut self.0 else { return Poll::Ready(None) };
        let finished = ready!(Pin::new(&mut pieces.futures).poll_next(cx));
        match &finished {
            None => self.0 = None,
            Some(Finished::Listener { bytes, .. }) => {
                pieces.listeners -= 1;
                pieces.bytes -= bytes;
            }
            Some(Finished::Disconnect) => pieces.leaving -= 1,
            Some(_) => {}
        }
        Poll::Ready(finished)
    }
}
