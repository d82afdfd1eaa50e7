//! The two halves of a connection, for two tasks.

use crate::error::{Error, Result};
use crate::io::writer::{Outgoing, Shared};
use crate::prepared::Prepared;
use crate::proto::handshake::Request;
use crate::proto::{CloseCode, CloseFrame, Kind, Message, MessageRef, Text};
use crate::socket::WebSocket;
use crate::streaming::{MessageReader, MessageWriter};
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Sends on a connection; cheap to clone, usable from any task or thread.
///
/// It does not keep the connection open: once the [`WebSocket`] or [`Receiver`] is gone,
/// sending fails.
#[derive(Clone)]
pub struct Sender(Arc<Shared>);

impl Sender {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// A handle whose messages are never compressed, whatever the handshake has agreed on: for what
    /// is compressed already, as images are.
    ///
    /// ```no_run
    /// # async fn example(socket: rialto_ws::WebSocket, image: Vec<u8>) -> rialto_ws::Result<()> {
    /// socket.sender().uncompressed().send(image).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn uncompressed(&self) -> Uncompressed {
        Uncompressed(self.clone())
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// As [`WebSocket::send`].
    ///
    /// # Errors
    /// If the connection is closed or closing.
    pub fn send(&self, message: impl Into<Message>) -> Sending<'_> {
        Sending { sender: self, message: message.into() }
    }

    /// As [`WebSocket::try_send`].
    ///
    /// # Errors
    /// [`is_full`](crate::Error::is_full) if the byte budget is used up,
    /// [`is_closed`](crate::Error::is_closed) if the connection is closed.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<()> {
        self.push(&Outgoing::Message(&message.into()))
    }

    /// Sends a borrowed message if the budget has room, copying it straight into the queue.
    ///
    /// # Errors
    /// As [`Sender::try_send`].
    pub fn try_send_ref(&self, message: MessageRef<'_>) -> Result<()> {
        self.push(&Outgoing::Borrowed(message))
    }

    /// Sends a message for which the budget need not have room, as long as less than `reserve`
    /// bytes were sent this way since it had: for the few packets of a protocol above this one
    /// without which a slow peer would be lost, such as its heartbeats. It stays in order with all
    /// others.
    ///
    /// # Errors
    /// As [`Sender::try_send`].
    ///
    /// ```
    /// # async fn beat(socket: rialto_ws::WebSocket) -> rialto_ws::Result<()> {
    /// use rialto_ws::MessageRef;
    /// let sender = socket.sender();
    /// while sender.try_send("a long line").is_ok() {}
    /// sender.try_send_beyond(MessageRef::Text("heartbeat"), 1024)?;
    /// # Ok(()) }
    /// ```
    pub fn try_send_beyond(&self, message: MessageRef<'_>, reserve: usize) -> Result<()> {
        self.0.try_send_beyond(message, reserve).map_err(Into::into)
    }

    /// Sends a message that was framed once for many, if the budget has room.
    ///
    /// # Errors
    /// As [`Sender::try_send`].
    pub fn try_send_prepared(&self, message: &Prepared) -> Result<()> {
        self.push(&Outgoing::Prepared(message))
    }

    /// Sends several messages with nothing of anybody else between them, if the budget has room
    /// for all.
    ///
    /// # Errors
    /// As [`Sender::try_send`]; nothing has been sent then.
    pub fn try_send_group(&self, messages: &[MessageRef<'_>]) -> Result<()> {
        if let [message] = messages {
            return self.try_send_ref(*message);
        }
        self.push_group(messages.iter().map(|message| Outgoing::Borrowed(*message)))
    }

    /// A text message and binary ones behind it, with nothing of anybody else between them, if the
    /// budget has room for all. Large binary messages are not copied.
    ///
    /// The text is given as bytes for those who write UTF-8 into a buffer: they are not checked
    /// once more. A peer that gets something else closes the connection with 1007.
    ///
    /// # Errors
    /// As [`Sender::try_send_group`].
    pub fn try_send_text_with_binary(&self, text: &[u8], binary: &[Bytes]) -> Result<()> {
        debug_assert!(std::str::from_utf8(text).is_ok(), "a text message is UTF-8");
        if binary.is_empty() {
            return self.push(&Outgoing::Text(text));
        }
        let first = std::iter::once(Outgoing::Text(text));
        self.push_group(first.chain(binary.iter().map(Outgoing::Binary)))
    }

    /// [`Sender::try_send_group`] for messages that were framed once for many.
    ///
    /// # Errors
    /// As [`Sender::try_send_group`].
    pub fn try_send_prepared_group(&self, messages: &[Prepared]) -> Result<()> {
        if let [message] = messages {
            return self.try_send_prepared(message);
        }
        self.push_group(messages.iter().map(Outgoing::Prepared))
    }

    /// True while the kernel takes nothing more: the peer reads too slowly at the moment.
    #[must_use]
    pub fn is_congested(&self) -> bool {
        self.0.is_congested()
    }

    /// As [`WebSocket::feed`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn feed(&self, message: impl Into<Message>) -> Result<()> {
        let message = message.into();
        let message = Outgoing::Message(&message);
        poll_fn(|cx| self.0.poll_feed(cx, &message)).await
    }

    /// [`Sender::send`] for a message that was framed once for many.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn send_prepared(&self, message: &Prepared) -> Result<()> {
        let message = Outgoing::Prepared(message);
        poll_fn(|cx| self.0.poll_send(cx, &message)).await
    }

    /// As [`WebSocket::message_writer`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn message_writer(&self, kind: Kind) -> Result<MessageWriter> {
        MessageWriter::begin(&self.0, kind, false).await
    }

    /// As [`WebSocket::dropped`].
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// As [`WebSocket::ping`].
    ///
    /// # Errors
    /// As [`Sender::try_send`].
    pub fn ping(&self, payload: &[u8]) -> Result<()> {
        self.push(&Outgoing::Ping(&payload[..payload.len().min(125)]))
    }

    fn push(&self, out: &Outgoing<'_>) -> Result<()> {
        self.0.try_send(out).map_err(Into::into)
    }

    fn push_group<'a>(&self, group: impl Iterator<Item = Outgoing<'a>>) -> Result<()> {
        self.0.try_send_group(group).map_err(Into::into)
    }

    /// Waits until a message would be queued at once.
    ///
    /// # Errors
    /// If the connection is closed or closing.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_room(cx)
    }

    /// Waits until everything queued has been taken by the kernel, also what waits behind a
    /// [`MessageWriter`]. Cancel safe.
    ///
    /// # Errors
    /// If the connection fails before that.
    pub async fn flush(&self) -> Result<()> {
        poll_fn(|cx| self.0.poll_flushed(cx)).await
    }

    /// Sends a Close frame; nothing can be sent after it. Later calls do nothing.
    ///
    /// The receiving half completes the handshake. If the peer has not answered within
    /// [`Options::close_timeout`](crate::Options), the connection is cut, which the receiving half
    /// sees as an error.
    pub fn close(&self, code: impl Into<CloseCode>, reason: impl Into<Text>) {
        self.0.close_in_time(&CloseFrame::new(code, reason));
    }

    pub(crate) fn begin_close(&self, frame: &CloseFrame) {
        self.0.close_in_time(frame);
    }

    /// Cuts the connection without a Close frame. The receiving half gets what has arrived, then
    /// an error.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// True while messages can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_open()
    }

    /// As [`WebSocket::buffered`].
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.0.buffered()
    }

    /// True if both send on the same connection.
    #[must_use]
    pub fn same_connection(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("buffered", &self.buffered()).finish_non_exhaustive()
    }
}

impl AsRef<Self> for Sender {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// For `StreamExt::forward` and the like: `poll_ready` waits whatever
/// [`Options::slow_peer`](crate::Options) says, and items leave with the next flush or, at the
/// latest, when the runtime gets to it.
impl Sink<Message> for Sender {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<()> {
        self.0.feed(&Outgoing::Message(&message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_flushed(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.close_in_time(&CloseFrame::new(CloseCode::NORMAL, ""));
        self.0.poll_flushed(cx)
    }
}

/// The future of [`Sender::send`] and [`WebSocket::send`]: it holds the message once, where an
/// `async fn` would hold it at every level.
#[must_use = "nothing is sent unless this is awaited"]
pub struct Sending<'a> {
    sender: &'a Sender,
    message: Message,
}

impl Future for Sending<'_> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let message = Outgoing::Message(&self.message);
        self.sender.0.poll_send(cx, &message)
    }
}

impl fmt::Debug for Sending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("bytes", &self.message.len()).finish_non_exhaustive()
    }
}

/// Sends without compressing; made by [`Sender::uncompressed`].
#[derive(Clone, Debug)]
pub struct Uncompressed(Sender);

impl Uncompressed {
    /// As [`Sender::send`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<()> {
        let message = message.into();
        let message = Outgoing::Message(&message);
        poll_fn(|cx| self.0.0.poll_send(cx, &Outgoing::Plain(&message))).await
    }

    /// As [`Sender::try_send`].
    ///
    /// # Errors
    /// As [`Sender::try_send`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<()> {
        self.0.push(&Outgoing::Plain(&Outgoing::Message(&message.into())))
    }

    /// As [`Sender::feed`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn feed(&self, message: impl Into<Message>) -> Result<()> {
        let message = message.into();
        let message = Outgoing::Message(&message);
        poll_fn(|cx| self.0.0.poll_feed(cx, &Outgoing::Plain(&message))).await
    }

    /// As [`Sender::message_writer`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn message_writer(&self, kind: Kind) -> Result<MessageWriter> {
        MessageWriter::begin(&self.0.0, kind, true).await
    }
}

/// The receiving half. Dropping it closes the connection as dropping [`WebSocket`] does; dropping
/// all senders does not.
///
/// Both halves hear of every end: of the peer's Close frame and of failures the receiver by what
/// `recv` returns, senders by errors; of [`Sender::close`] that the peer does not answer in time,
/// and of [`Sender::abort`], the receiver by an error.
#[derive(Debug)]
pub struct Receiver(WebSocket);

impl Receiver {
    pub(crate) fn new(socket: WebSocket) -> Self {
        Self(socket)
    }

    /// As [`WebSocket::recv`].
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv(&mut self) -> Result<Option<Message>> {
        self.0.recv().await
    }

    /// As [`WebSocket::recv_stream`].
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv_stream(&mut self) -> Result<Option<MessageReader<'_>>> {
        self.0.recv_stream().await
    }

    /// As [`WebSocket::close`].
    ///
    /// # Errors
    /// As [`WebSocket::close`].
    pub async fn close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: impl Into<Text>,
    ) -> Result<()> {
        self.0.close(code, reason).await
    }

    /// As [`WebSocket::buffered`].
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.0.buffered()
    }

    /// As [`WebSocket::received`].
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.received()
    }

    /// As [`WebSocket::request`].
    #[must_use]
    pub fn request(&self) -> &Request {
        self.0.request()
    }

    /// As [`WebSocket::protocol`].
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.0.protocol()
    }

    /// Another sending half.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.0.sender()
    }

    /// As [`WebSocket::close_frame`].
    #[must_use]
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.0.close_frame()
    }

    /// Puts the halves together again.
    #[must_use]
    pub fn into_inner(self) -> WebSocket {
        self.0
    }
}

impl Stream for Receiver {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}
