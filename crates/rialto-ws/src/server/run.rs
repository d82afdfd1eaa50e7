//! A handler and its connection: how the handler ends decides how the connection closes.

use super::connections::Place;
use crate::error::Error;
use crate::io::turn::Turned;
use crate::proto::CloseCode;
use crate::socket::WebSocket;
use crate::split::Sender;
use std::error::Error as StdError;
use std::future::Future;

/// Runs a handler on a connection as [`serve`](crate::serve) does: each poll is a
/// [turn](crate::turn), and when the handler ends, the connection is closed: with 1000 after `Ok`,
/// 1011 after an error or a panic. For tasks of your own, behind [`accept`](crate::accept).
pub fn run<H, F, E>(socket: WebSocket, handler: H) -> Turned<impl Future<Output = ()> + Send>
where
    H: FnOnce(WebSocket) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    Turned::new(attend(socket, handler, None))
}

/// [`run`] without the turns, for a connection that may be counted.
///
/// One `async` block for all of it: a future that awaited this one would hold it twice.
pub(super) fn attend<H, F, E>(
    socket: WebSocket,
    handler: H,
    place: Option<Place>,
) -> impl Future<Output = ()> + Send + use<H, F, E>
where
    H: FnOnce(WebSocket) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    let outcome = Outcome::new(socket.sender());
    async move {
        let result = handler(socket).await;
        if let Err(error) = result {
            let error = error.into();
            match error.downcast_ref::<Error>() {
                // What the peer or the network did is nothing to wake anybody for.
                Some(error) => tracing::debug!(%error, "the connection failed"),
                None => tracing::warn!(%error, "a handler failed"),
            }
        } else {
            outcome.succeed();
        }
        if let Some(place) = place {
            place.ended().await;
        }
    }
}

/// Closes the connection when the handler is over: by 1011 unless it succeeded.
struct Outcome(Option<Sender>);

impl Outcome {
    fn new(sender: Sender) -> Self {
        sender.shared().hold_close(true);
        Self(Some(sender))
    }

    fn succeed(mut self) {
        if let Some(sender) = self.0.take() {
            sender.shared().hold_close(false);
            sender.close(CloseCode::NORMAL, "");
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            sender.shared().hold_close(false);
            sender.close(CloseCode::INTERNAL, "the handler failed");
        }
    }
}
