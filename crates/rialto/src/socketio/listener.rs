//! Typed listeners behind one interface.

use super::event::Incoming;
use super::owed::Wanted;
use super::socket::Socket;
use crate::error::Result;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use rialto_protocol::socketio::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::future::Future;

/// A listener: decodes the arguments and starts the user's function.
pub(super) type Listener =
    Box<dyn Fn(&Socket, &Incoming<'_>) -> Result<BoxFuture<'static, Result<()>>> + Send + Sync>;

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

/// What a handler has returned, if that is bytes and nothing else. Through serde they would have to
/// be copied; as a [`Value`] they are shared.
fn bytes<F: Future + 'static>(output: &F::Output) -> Option<&Bytes> {
    let any: &dyn Any = output;
    any.downcast_ref::<Result<Bytes>>()?.as_ref().ok()
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
        let (socket, ack) = (socket.clone(), incoming.ack.map(Wanted::to_owed));
        Ok(Box::pin(async move {
            let output = running.await;
            let bytes = bytes::<F>(&output).cloned();
            let answer = output?;
            let sending = ack.and_then(|ack| ack.take()).map(|id| match bytes {
                Some(bytes) => socket.send_ack(id, &Value::Binary(bytes)),
                None => socket.send_ack(id, &answer),
            });
            // The answer itself need not live while its packet waits for room.
            drop(answer);
            match sending {
                Some(sending) => sending.await,
                None => Ok(()),
            }
        }))
    })
}
