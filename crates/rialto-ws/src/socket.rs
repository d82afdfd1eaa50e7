//! [`WebSocket`]: an open connection.

use crate::error::{Error, Result};
use crate::io::pulse::Fate;
use crate::io::reader::Reader;
use crate::io::stream::{Stream, send_at_once, split};
use crate::io::writer::{Outgoing, Shared};
use crate::options::Options;
use crate::proto::deflate::Agreed;
use crate::proto::handshake::Request;
use crate::proto::{CloseCode, CloseFrame, Kind, Message, MessageRef, Role, Text};
use crate::split::{Receiver, Sender, Sending};
use crate::streaming::{MessageReader, MessageWriter};
use futures_core::Stream as FuturesStream;
use futures_sink::Sink;
use http::Extensions;
use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::timeout;

/// What the handshake has settled.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    pub(crate) request: Request,
    pub(crate) protocol: Option<Box<str>>,
    pub(crate) deflate: Option<Agreed>,
}

/// An open WebSocket connection, server's or client's end.
///
/// While it waits for its peer it holds no buffer.
/// What is sent leaves at once, or together with what else the same turn sends
/// (see [`turn`](crate::turn)): there is nothing to flush.
///
/// Dropping it closes the connection with code 1000, or 1011 during a panic,
/// and gives the peer [`Options::close_timeout`] to answer.
///
/// ```no_run
/// # async fn example() -> rialto_ws::Result<()> {
/// let mut socket = rialto_ws::connect("ws://127.0.0.1:8080/echo").await?;
/// socket.send("hello").await?;
/// while let Some(message) = socket.recv().await? {
///     println!("{message}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct WebSocket(Box<Parts>);

/// Behind one pointer, because a handler's future holds the socket several times over: as an
/// argument and as a local of each function that it was passed to.
struct Parts {
    reader: Option<Reader>,
    sender: Sender,
    request: Request,
    extensions: Extensions,
}

impl WebSocket {
    /// A connection over a stream on which the handshake is done already.
    ///
    /// `input` is what arrived behind the handshake. Frames are masked according to `role`.
    /// It has to be called inside a tokio runtime with time enabled, which keeps its deadlines.
    pub fn from_upgraded<S: Stream>(
        stream: S,
        role: Role,
        input: Vec<u8>,
        request: Request,
        options: &Options,
    ) -> Self {
        let opening = Opening { request, ..Opening::default() };
        send_at_once(&stream);
        Self::open(stream, role, input, opening, options)
    }

    /// Compresses as the handshake has agreed on; to be called before anything is received.
    #[must_use]
    pub fn with_deflate(mut self, agreed: Option<Agreed>) -> Self {
        let Some(agreed) = agreed else { return self };
        if let Some(reader) = &mut self.0.reader {
            let (compressor, decompressor) = agreed.codec(reader.role());
            reader.set_decompressor(decompressor);
            self.0.sender.shared().set_compressor(compressor);
        }
        self
    }

    /// Names the subprotocol that the handshake has agreed on.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Option<String>) -> Self {
        self.0.request.set_protocol(protocol.as_deref());
        self
    }

    pub(crate) fn open<S: Stream>(
        stream: S,
        role: Role,
        input: Vec<u8>,
        opening: Opening,
        options: &Options,
    ) -> Self {
        let (read, write) = split(stream);
        let shared = Shared::new(write, role, options);
        let reader = Reader::new(read, role, options.limits, input, Arc::clone(&shared));
        let mut request = opening.request;
        request.set_protocol(opening.protocol.as_deref());
        let socket = Self(Box::new(Parts {
            reader: Some(reader),
            sender: Sender::new(shared),
            request,
            extensions: Extensions::new(),
        }));
        socket.with_deflate(opening.deflate)
    }

    /// Sends bytes as they are, before the first frame: what is left of the answer to the
    /// handshake, where a server has held it back so that both leave in one write.
    ///
    /// Nothing may have been sent on the connection before.
    pub fn precede(&self, answer: &[u8]) {
        if !answer.is_empty() {
            self.0.sender.shared().precede(answer);
        }
    }

    pub(crate) fn with_extensions(mut self, extensions: Extensions) -> Self {
        self.0.extensions = extensions;
        self
    }

    /// The next message; `None` once the peer has closed the connection by a Close frame.
    ///
    /// Pings are answered and the closing handshake is completed while this waits,
    /// so a connection should always be received from.
    ///
    /// Cancel safe: a call that is dropped before it is ready has lost no message.
    ///
    /// # Errors
    /// When the peer breaks the protocol or a limit (it has been answered by a Close frame then),
    /// and when the stream fails or ends without a Close frame. After an error: `None`.
    pub async fn recv(&mut self) -> Result<Option<Message>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`WebSocket::recv`] for hand-written futures.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>>> {
        match &mut self.0.reader {
            Some(reader) => reader.poll_message(cx),
            None => Poll::Ready(Ok(None)),
        }
    }

    /// The next message, borrowed from the buffer that it arrived in until the next call:
    /// nothing is copied or allocated for a message that arrives whole.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub fn poll_recv_ref(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<MessageRef<'_>>>> {
        match &mut self.0.reader {
            Some(reader) => reader.poll_ref(cx),
            None => Poll::Ready(Ok(None)),
        }
    }

    /// The next message, to be received piece by piece: for messages too large to be held.
    ///
    /// Waits until a message begins; `None` once the peer has closed the connection.
    /// A message may exceed [`Limits::max_message`](crate::Limits) only if
    /// [`MessageReader::limit`] allows it. It may be mixed with [`WebSocket::recv`] freely.
    ///
    /// Cancel safe: a call that is dropped before it is ready has lost no message.
    ///
    /// # Errors
    /// As [`WebSocket::recv`].
    pub async fn recv_stream(&mut self) -> Result<Option<MessageReader<'_>>> {
        let Some(reader) = &mut self.0.reader else { return Ok(None) };
        let kind = poll_fn(|cx| reader.poll_begin(cx)).await?;
        Ok(kind.map(|kind| MessageReader::new(reader, kind)))
    }

    /// Sends a message.
    ///
    /// Returns when the message is queued within the peer's byte budget
    /// ([`Options::send_budget`]), which is at once unless the peer reads slowly;
    /// [`Options::slow_peer`] says what happens then.
    ///
    /// Cancel safe: a call that is dropped before it is ready has sent nothing.
    ///
    /// # Errors
    /// If the connection is closed or closing.
    pub fn send(&self, message: impl Into<Message>) -> Sending<'_> {
        self.0.sender.send(message)
    }

    /// Queues a message without a system call of its own, for several messages in a row.
    ///
    /// It leaves with what is sent next, by [`WebSocket::flush`], and otherwise when the runtime
    /// gets to it: nothing stays behind because a flush was forgotten. In a
    /// [turn](crate::turn) it is the same as [`WebSocket::send`].
    ///
    /// Cancel safe: a call that is dropped before it is ready has queued nothing.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed(&self, message: impl Into<Message>) -> Result<()> {
        self.0.sender.feed(message).await
    }

    /// Waits until the kernel has taken everything that is queued, also what waits behind a
    /// [`MessageWriter`]. What the kernel has taken may still be on its way.
    ///
    /// Cancel safe: what is queued leaves in any case.
    ///
    /// # Errors
    /// If the connection fails before that.
    pub async fn flush(&self) -> Result<()> {
        self.0.sender.flush().await
    }

    /// Begins a message that is sent in fragments while it is made.
    ///
    /// Waits while another such message is in progress on this connection.
    /// Cancel safe: a call that is dropped before it is ready has begun nothing.
    ///
    /// # Errors
    /// If the connection is closed or closing.
    pub async fn message_writer(&self, kind: Kind) -> Result<MessageWriter> {
        self.0.sender.message_writer(kind).await
    }

    /// Messages for this peer that were dropped because it read too slowly:
    /// by [`SlowPeer`](crate::SlowPeer) or in a [`Group`](crate::Group).
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.sender.dropped()
    }

    /// Sends a message if the byte budget has room for it.
    ///
    /// # Errors
    /// [`Error::is_full`] if it has not, [`Error::is_closed`] if the connection is closed.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<()> {
        self.0.sender.try_send(message)
    }

    /// Sends a ping with at most 125 bytes of payload; more is cut off.
    ///
    /// # Errors
    /// As [`WebSocket::try_send`].
    pub fn ping(&self, payload: &[u8]) -> Result<()> {
        self.0.sender.ping(payload)
    }

    /// Closes the connection: sends a Close frame, waits for the peer's and for the stream's end,
    /// at most [`Options::close_timeout`]. Messages that arrive meanwhile are dropped.
    ///
    /// A code that may not be sent (as 1005) makes a Close frame without one;
    /// a reason over 123 bytes is cut.
    ///
    /// Cancel safe: if it is dropped, the connection still closes, and is cut at the same deadline
    /// if nobody receives the answer.
    ///
    /// # Errors
    /// If the peer does not answer in time; the stream has been cut then.
    pub async fn close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: impl Into<Text>,
    ) -> Result<()> {
        self.0.sender.begin_close(&CloseFrame::new(code, reason));
        let finished = timeout(self.close_timeout(), self.finish()).await;
        // Both deadlines are the same; whichever comes first tells.
        let unanswered = self.0.sender.shared().signs().fate() == Fate::Unanswered;
        if finished.is_err() || unanswered {
            self.abort();
            return Err(Error::overdue("the peer did not answer the Close frame"));
        }
        Ok(())
    }

    /// Reads to the peer's Close frame and hands ours to the kernel.
    async fn finish(&mut self) {
        while let Ok(Some(_)) = poll_fn(|cx| self.poll_recv_ref(cx).map_ok(|m| m.map(drop))).await {
        }
        self.0.sender.shared().close(&Reader::default_close(), true);
        if let Some(reader) = &mut self.0.reader {
            poll_fn(|cx| reader.poll_end(cx)).await;
        }
    }

    /// Cuts the connection without a Close frame: the peer sees 1006.
    pub fn abort(&mut self) {
        self.0.sender.shared().abort();
        self.0.reader = None;
    }

    /// The peer's Close frame, once [`WebSocket::recv`] has returned `None`.
    #[must_use]
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.0.reader.as_ref().and_then(Reader::close_frame)
    }

    /// Bytes that are queued and not yet taken by the kernel (`bufferedAmount` in JavaScript).
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.0.sender.buffered()
    }

    /// Bytes that have been received, of unfinished messages too: a sign of life of the peer.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.reader.as_ref().map_or(0, Reader::received)
    }

    /// The request that opened the connection: path, query, header fields.
    ///
    /// [`accept`](crate::accept) and [`serve`](crate::serve) do not keep the fields that only make
    /// it a handshake: `Upgrade`, `Connection`, `Sec-WebSocket-Key` and `Sec-WebSocket-Version`.
    /// At the client's end it is the request that was sent.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// What a guard has left for the handler, see [`Handshake`](crate::Handshake).
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// The address of the peer, over TCP and TLS: of a proxy, where one stands between.
    ///
    /// `None` over other streams, over those that hyper does not give back as they are (HTTP/2),
    /// and once the connection is over.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.reader.as_ref().and_then(Reader::peer_addr)
    }

    /// The subprotocol agreed on in the handshake.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.0.request.protocol()
    }

    /// A handle that sends on this connection from anywhere, cheap to clone.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.0.sender.clone()
    }

    /// Splits the connection, so that two tasks can send and receive.
    ///
    /// The connection closes when the [`Receiver`] is dropped, or by [`Sender::close`].
    #[must_use]
    pub fn split(self) -> (Sender, Receiver) {
        (self.0.sender.clone(), Receiver::new(self))
    }

    fn close_timeout(&self) -> Duration {
        self.0.sender.shared().settings().close_timeout
    }

    /// Sends a Close frame if none was sent, and reads on until the peer has answered.
    fn let_go(&mut self) {
        let Some(mut reader) = self.0.reader.take() else { return };
        if !self.0.sender.shared().is_close_held() {
            self.0.sender.shared().close(&Reader::default_close(), reader.is_done());
        }
        let answered = reader.close_frame().is_some() && self.buffered() == 0;
        if reader.is_ended() || answered || self.0.sender.shared().is_failed() {
            return;
        }
        let runtime = reader.shared().runtime().clone();
        let close_timeout = self.close_timeout();
        runtime.spawn(async move {
            let lingering = async {
                while let Ok(Some(_)) =
                    poll_fn(|cx| reader.poll_ref(cx).map_ok(|m| m.map(drop))).await
                {
                }
                reader.shared().close(&Reader::default_close(), true);
                poll_fn(|cx| reader.poll_end(cx)).await;
            };
            let ended = timeout(close_timeout, lingering).await;
            if ended.is_err() {
                reader.shared().abort();
            }
        });
    }
}

impl AsRef<Sender> for WebSocket {
    fn as_ref(&self) -> &Sender {
        &self.0.sender
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("request", &self.0.request)
            .field("protocol", &self.protocol())
            .finish_non_exhaustive()
    }
}

impl FuturesStream for WebSocket {
    type Item = Result<Message>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx).map(Result::transpose)
    }
}

impl Sink<Message> for WebSocket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.sender.shared().poll_room(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<()> {
        self.0.sender.shared().feed(&Outgoing::Message(&message))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.sender.shared().poll_flushed(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        this.0.sender.begin_close(&Reader::default_close());
        ready!(this.0.sender.shared().poll_flushed(cx))?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a resting connection holds beside its task and its stream: two blocks, and allocators
    /// give out 128 bytes for up to as many.
    #[test]
    fn the_two_blocks_of_a_connection_stay_small() {
        let counts = 2 * size_of::<usize>();
        assert!(size_of::<Parts>() <= 128, "{} bytes", size_of::<Parts>());
        assert!(size_of::<Shared>() + counts <= 128, "{} bytes", size_of::<Shared>());
    }
}
