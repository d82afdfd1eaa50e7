//! [`Messages`]: what arrives on a connection that is made again whenever it is lost.

use super::reconnect::Reconnections;
use crate::error::{Error, Result};
use crate::proto::{CloseCode, CloseFrame, Message, Text};
use crate::socket::WebSocket;
use crate::split::Sender;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

/// What happened on a connection that is made again whenever it is lost.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incident {
    /// A connection is open, the first or another one. The place to subscribe.
    Opened(Sender),
    /// A message.
    Message(Message),
    /// The server closed the connection; the next call makes a new one.
    Closed(Option<CloseFrame>),
    /// The connection broke; the next call makes a new one.
    Broken(Error),
}

/// The messages of one connection after the other; see [`Reconnect`](crate::Reconnect).
///
/// ```no_run
/// # async fn example() -> rialto_ws::Result<()> {
/// use rialto_ws::{Connect, Incident};
/// let mut messages = Connect::new("wss://feed.example/").reconnect().messages();
/// loop {
///     match messages.recv().await? {
///         Incident::Opened(sender) => sender.send("subscribe").await?,
///         Incident::Message(message) => println!("{message}"),
///         lost => eprintln!("connecting again: {lost:?}"),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Messages {
    connections: Reconnections,
    socket: Option<WebSocket>,
}

impl Messages {
    pub(crate) fn new(connections: Reconnections) -> Self {
        Self { connections, socket: None }
    }

    /// What happens next. Connects, waits and answers pings while it is awaited.
    ///
    /// Cancel safe: a call that is dropped before it is ready has lost neither a message nor
    /// an attempt to connect.
    ///
    /// # Errors
    /// As [`Reconnections::next`].
    pub async fn recv(&mut self) -> Result<Incident> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`Messages::recv`] for hand-written futures.
    ///
    /// # Errors
    /// As [`Reconnections::next`].
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incident>> {
        let Some(socket) = &mut self.socket else {
            let socket = ready!(self.connections.poll_next(cx))?;
            let sender = socket.sender();
            self.socket = Some(socket);
            return Poll::Ready(Ok(Incident::Opened(sender)));
        };
        let incident = match ready!(socket.poll_recv(cx)) {
            Ok(Some(message)) => return Poll::Ready(Ok(Incident::Message(message))),
            Ok(None) => Incident::Closed(socket.close_frame().cloned()),
            Err(error) => Incident::Broken(error),
        };
        self.socket = None;
        Poll::Ready(Ok(incident))
    }

    /// The connection that is open at the moment.
    #[must_use]
    pub fn socket(&self) -> Option<&WebSocket> {
        self.socket.as_ref()
    }

    /// Closes the connection for good, as [`WebSocket::close`] does.
    ///
    /// # Errors
    /// As [`WebSocket::close`].
    pub async fn close(
        mut self,
        code: impl Into<CloseCode>,
        reason: impl Into<Text>,
    ) -> Result<()> {
        match &mut self.socket {
            Some(socket) => socket.close(code, reason).await,
            None => Ok(()),
        }
    }
}
