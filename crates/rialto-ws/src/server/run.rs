//! A handler and its connection: how the handler ends decides how the connection closes.

use crate::error::Error;
use crate::io::turn::{self, Turned};
use crate::proto::{CloseCode, CloseFrame};
use crate::socket::WebSocket;
use crate::split::Sender;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Runs a handler on a connection as [`serve`](crate::serve) does: each poll is a
/// [turn](crate::turn), and when the handler ends, the connection is closed: with 1000 after `Ok`,
/// 1011 after an error or a panic. For tasks of your own, behind [`accept`](crate::accept).
pub fn run<H, F, E>(socket: WebSocket, handler: H) -> impl Future<Output = ()> + Send
where
    H: FnOnce(WebSocket) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    Run::new(socket, handler)
}

/// A handler at work. Not an `async` block, which would keep the handler and the socket beside
/// the future that has them already: this is what a connection costs while it rests.
pub(super) struct Run<F> {
    // Dropped first: its socket leaves the Close frame to the outcome.
    future: Turned<F>,
    outcome: Outcome,
}

impl<F> Run<F> {
    /// The handler has ended.
    pub(super) fn is_over(&self) -> bool {
        self.outcome.0.is_none()
    }
}

impl<F: Future> Run<F> {
    pub(super) fn new(socket: WebSocket, handler: impl FnOnce(WebSocket) -> F) -> Self {
        let outcome = Outcome::new(socket.sender());
        Self { future: Turned::new(handler(socket)), outcome }
    }
}

impl<F, E> Future for Run<F>
where
    F: Future<Output = Result<(), E>>,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // What the handler sent last leaves together with the Close frame.
        let _turn = turn::enter();
        match ready!(Pin::new(&mut self.future).poll(cx)) {
            Ok(()) => self.outcome.succeed(),
            Err(error) => {
                report(&*error.into());
                self.outcome.fail();
            }
        }
        Poll::Ready(())
    }
}

fn report(error: &(dyn StdError + Send + Sync + 'static)) {
    match error.downcast_ref::<Error>() {
        // What the peer or the network did is nothing to wake anybody for.
        Some(error) => tracing::debug!(%error, "the connection failed"),
        None => tracing::warn!(%error, "a handler failed"),
    }
}

/// Closes the connection when the handler is over: by 1011 unless it succeeded. Empty from then on.
struct Outcome(Option<Sender>);

impl Outcome {
    fn new(sender: Sender) -> Self {
        sender.shared().hold_close(true);
        Self(Some(sender))
    }

    fn succeed(&mut self) {
        self.close(CloseCode::NORMAL, "");
    }

    fn fail(&mut self) {
        self.close(CloseCode::INTERNAL, "the handler failed");
    }

    fn close(&mut self, code: CloseCode, reason: &'static str) {
        if let Some(sender) = self.0.take() {
            sender.shared().hold_close(false);
            sender.begin_close(&CloseFrame::new(code, reason));
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.fail();
    }
}
