//! [`MessageReader`]: one message, as it arrives.

use super::into_io;
use crate::error::Result;
use crate::io::reader::Reader;
use crate::proto::Kind;
use bytes::{Buf, Bytes};
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// One message, received piece by piece: what has arrived can be used before the rest is there,
/// and only one read's worth of it is held at a time.
///
/// From [`WebSocket::recv_stream`](crate::WebSocket::recv_stream). Use [`MessageReader::chunk`],
/// or it as a `Stream` of chunks or as an `AsyncRead`. Where chunks end says nothing: neither the
/// peer's fragments nor, in text, its characters. Text is checked as it arrives, so that bytes that
/// were handed out are the start of valid UTF-8. Pings are answered meanwhile.
///
/// A compressed message is decompressed as it arrives, and the limit counts what comes out. From
/// its first byte to its last, the connection holds a decompressor, some 48 KB.
///
/// Dropped before the end, it discards the rest: the next receive reads over it, within the limit,
/// and returns the next message.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use rialto_ws::{Options, Request, Role, WebSocket};
/// # let (near, far) = tokio::io::duplex(1 << 20);
/// # let open = |stream, role| {
/// #     WebSocket::from_upgraded(stream, role, vec![], Request::default(), &Options::default())
/// # };
/// # let (mut socket, peer) = (open(near, Role::Server), open(far, Role::Client));
/// # peer.send(vec![7u8; 100_000]).await?;
/// use tokio::io::AsyncReadExt;
///
/// let message = socket.recv_stream().await?.expect("the peer sends");
/// let mut upload = message.limit(10 << 30);
/// let mut total = 0;
/// while let Some(chunk) = upload.chunk().await? {
///     total += chunk.len();
/// }
/// assert_eq!(total, 100_000);
///
/// // Or as a reader, here of a text.
/// # peer.send("name=Rialto\n").await?;
/// let mut message = socket.recv_stream().await?.expect("the peer sends");
/// let mut line = String::new();
/// message.read_to_string(&mut line).await?;
/// assert_eq!(line, "name=Rialto\n");
/// # Ok(())
/// # }
/// ```
pub struct MessageReader<'a> {
    reader: &'a mut Reader,
    kind: Kind,
    /// What is left of a piece that was larger than asked for.
    rest: Bytes,
    /// Nothing of the message is to come, or it has failed.
    done: bool,
}

impl<'a> MessageReader<'a> {
    pub(crate) fn new(reader: &'a mut Reader, kind: Kind) -> Self {
        Self { reader, kind, rest: Bytes::new(), done: false }
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Bounds this message, in bytes; without it [`Limits::max_message`](crate::Limits) does,
    /// inclusive like this. No memory is reserved for it.
    ///
    /// A frame that announces more is a violation, answered by close code 1009: it shows at the
    /// next chunk.
    #[must_use]
    pub fn limit(self, bytes: u64) -> Self {
        self.reader.limit_streamed(bytes);
        self
    }

    /// The next bytes of the message, 64 KiB at most unless they had been gathered before;
    /// never empty. `None` at the end of the message.
    ///
    /// Cancel safe: a call that is dropped before it is ready has lost nothing.
    ///
    /// # Errors
    /// As [`WebSocket::recv`](crate::WebSocket::recv), and if the peer closes before the message
    /// ends. After an error: `None`.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx)).await
    }

    /// [`MessageReader::chunk`] for hand-written futures.
    ///
    /// # Errors
    /// As [`MessageReader::chunk`].
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        if self.done {
            return Poll::Ready(Ok(None));
        }
        let chunk = match ready!(self.reader.poll_data(cx, usize::MAX)) {
            Ok(data) => {
                self.done = data.last;
                Bytes::copy_from_slice(data.bytes)
            }
            Err(error) => {
                self.done = true;
                return Poll::Ready(Err(error));
            }
        };
        self.reader.shrink();
        Poll::Ready(Ok((!chunk.is_empty()).then_some(chunk)))
    }

    /// Copies at most `buf.remaining()` bytes; nothing at the end of the message.
    fn poll_copy(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let room = buf.remaining();
        if room == 0 || (self.done && self.rest.is_empty()) {
            return Poll::Ready(Ok(()));
        }
        if self.rest.is_empty() {
            let data = ready!(self.reader.poll_data(cx, room));
            self.done = data.as_ref().map_or(true, |data| data.last);
            let bytes = data?.bytes;
            if bytes.len() <= room {
                buf.put_slice(bytes);
                return Poll::Ready(Ok(()));
            }
            // More than was asked for comes from what had been gathered before, and from what is
            // decompressed.
            self.rest = Bytes::copy_from_slice(bytes);
        }
        let take = self.rest.len().min(room);
        buf.put_slice(&self.rest[..take]);
        self.rest.advance(take);
        Poll::Ready(Ok(()))
    }
}

impl Stream for MessageReader<'_> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_chunk(cx).map(Result::transpose)
    }
}

/// Errors are those of [`MessageReader::chunk`], inside an [`io::Error`]:
/// `InvalidData` for a violation, else `ConnectionAborted`.
impl AsyncRead for MessageReader<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut().poll_copy(cx, buf).map_err(into_io)
    }
}

impl fmt::Debug for MessageReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageReader").field("kind", &self.kind).finish_non_exhaustive()
    }
}
