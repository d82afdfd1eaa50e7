//! Typed listeners behind one interface.

use super::emit::Emit;
use super::event::Incoming;
use super::owed::{Owed, Wanted};
use super::socket::Socket;
use crate::error::Result;
use bytes::Bytes;
use pin_project_lite::pin_project;
use rialto_protocol::socketio::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A listener: decodes the arguments and starts the user's function.
pub(super) type Listener = Box<dyn Fn(&Socket, &Incoming<'_>) -> Result<Task> + Send + Sync>;

/// A listener that has started.
pub(super) type Task = Pin<Box<dyn Listening>>;

/// A future that is lent the event's socket while it is polled: whoever polls it has that at hand,
/// and to count one more who holds it costs each event as much as to read it.
pub(super) trait Listening: Send {
    fn poll_with(self: Pin<&mut Self>, socket: &Socket, cx: &mut Context<'_>) -> Poll<Result<()>>;
}

impl<F: Future<Output = Result<()>> + Send> Listening for F {
    fn poll_with(self: Pin<&mut Self>, _socket: &Socket, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll(cx)
    }
}

/// A listener that gives no answer.
pub(super) fn plain<T, H, F>(handler: H) -> Listener
where
    T: DeserializeOwned,
    H: Fn(Socket, T) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    Box::new(move |socket, incoming| {
        let args = incoming.args()?;
        Ok(Box::pin(handler(socket.clone(), args)))
    })
}

/// A listener whose result is the ack, where the client waits for one.
pub(super) fn with_ack<T, A, H, F>(handler: H) -> Listener
where
    T: DeserializeOwned,
    A: Serialize + Send,
    H: Fn(Socket, T) -> F + Send + Sync + 'static,
    F: Future<Output = Result<A>> + Send + 'static,
{
    Box::new(move |socket, incoming| {
        let args = incoming.args()?;
        let running = handler(socket.clone(), args);
        let ack = incoming.ack.map(Wanted::to_owed);
        Ok(Box::pin(WithAck { running, ack, sending: None }))
    })
}

pin_project! {
    /// A handler and then its answer.
    struct WithAck<F> {
        #[pin]
        running: F,
        // The ack that the client waits for.
        ack: Option<Owed>,
        // The answer, while there is no room for it.
        sending: Option<Emit>,
    }
}

impl<A, F> Listening for WithAck<F>
where
    A: Serialize + Send,
    F: Future<Output = Result<A>> + Send + 'static,
{
    fn poll_with(self: Pin<&mut Self>, socket: &Socket, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.project();
        if let Some(sending) = this.sending {
            return Pin::new(sending).poll(cx);
        }
        let output = ready!(this.running.poll(cx));
        let bytes = bytes::<F>(&output).cloned();
        let answer = output?;
        let id = this.ack.take().and_then(|ack| ack.take());
        let Some(id) = id else { return Poll::Ready(Ok(())) };
        let mut sending = match bytes {
            Some(bytes) => socket.send_ack(id, &Value::Binary(bytes)),
            None => socket.send_ack(id, &answer),
        };
        let sent = Pin::new(&mut sending).poll(cx);
        if sent.is_pending() {
            // The answer itself need not live while its packet waits for room.
            *this.sending = Some(sending);
        }
        sent
    }
}

/// What a handler has returned, if that is bytes and nothing else. Through serde they would have to
/// be copied; as a [`Value`] they are shared.
fn bytes<F: Future + 'static>(output: &F::Output) -> Option<&Bytes> {
    let any: &dyn Any = output;
    any.downcast_ref::<Result<Bytes>>()?.as_ref().ok()
}
