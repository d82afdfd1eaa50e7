//! [`MessageWriter`]: one message, sent in fragments.

use super::into_io;
use crate::error::{Error, Result};
use crate::io::writer::{Fragment, Shared};
use crate::proto::{Kind, Utf8Check};
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// What is written in small pieces is gathered into fragments of this many bytes.
const FRAGMENT: usize = 16 * 1024;
/// The largest fragment made of one slice given to `AsyncWrite`.
const MAX_COPY: usize = 64 * 1024;

/// One message, sent in fragments while it is made: nothing but its last pieces is held.
///
/// From [`WebSocket::message_writer`](crate::WebSocket::message_writer) or
/// [`Sender::message_writer`](crate::Sender::message_writer). Use [`MessageWriter::write`] and
/// [`MessageWriter::finish`], or it as an `AsyncWrite`, where shutting down finishes the message.
/// Each waits while the connection's send budget is used up.
///
/// Until it is finished, messages that others send on the connection are queued behind it, within
/// the send budget; pings, pongs and Close frames go between its fragments (RFC 6455 §5.4).
///
/// If compression was agreed on, its fragments are compressed as they leave; a message that fits
/// one fragment is subject to the threshold. It holds a compressor meanwhile, up to 380 KB.
/// [`Uncompressed::message_writer`](crate::Uncompressed::message_writer) makes one without.
///
/// Dropped before it is finished, it leaves no trace if none of its fragments had been queued
/// (16 KiB are gathered first). Otherwise the peer holds a part of a message that will never end,
/// and the connection is closed with code 1011.
/// A Close frame of somebody else cuts the message, and drops what waits behind it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use rialto_ws::{Options, Request, Role, WebSocket};
/// # let (near, far) = tokio::io::duplex(1 << 20);
/// # let open = |stream, role| {
/// #     WebSocket::from_upgraded(stream, role, vec![], Request::default(), &Options::default())
/// # };
/// # let (socket, mut peer) = (open(near, Role::Server), open(far, Role::Client));
/// use rialto_ws::Kind;
///
/// let mut message = socket.message_writer(Kind::Text).await?;
/// for n in 1..=3 {
///     message.write(format!("{n} ")).await?;
/// }
/// message.finish().await?;
/// # assert_eq!(peer.recv().await?, Some("1 2 3 ".into()));
///
/// // Or as a writer.
/// let mut file: &[u8] = b"what a file holds";
/// let mut message = socket.message_writer(Kind::Binary).await?;
/// tokio::io::copy(&mut file, &mut message).await?;
/// message.finish().await?;
/// # assert_eq!(peer.recv().await?.unwrap().as_bytes(), b"what a file holds");
/// # Ok(())
/// # }
/// ```
pub struct MessageWriter {
    shared: Arc<Shared>,
    kind: Kind,
    plain: bool,
    /// Written, and not yet a fragment.
    gathered: BytesMut,
    utf8: Utf8Check,
    finished: bool,
}

impl MessageWriter {
    /// Waits until no other message is being written in fragments. A `plain` one is not compressed.
    pub(crate) async fn begin(shared: &Arc<Shared>, kind: Kind, plain: bool) -> Result<Self> {
        poll_fn(|cx| shared.poll_begin_fragments(cx)).await?;
        Ok(Self {
            shared: Arc::clone(shared),
            kind,
            plain,
            gathered: BytesMut::new(),
            utf8: Utf8Check::default(),
            finished: false,
        })
    }

    /// Text or binary.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Writes the next bytes of the message; text may be cut anywhere, also inside a character.
    ///
    /// 4 KiB and more become a fragment of their own, which a server does not copy unless it is
    /// compressed; less is gathered.
    ///
    /// Cancel safe: a call that is dropped before it is ready has written nothing of `bytes`.
    ///
    /// # Errors
    /// [`Error::is_closed`] if the connection is closed, [`Error::is_invalid`] if the message is
    /// text and this is not UTF-8; nothing of `bytes` was written then.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) -> Result<()> {
        let bytes = bytes.into();
        poll_fn(|cx| self.poll_write_bytes(cx, &bytes)).await
    }

    /// Waits until the kernel has taken all that was written so far. Cancel safe.
    ///
    /// # Errors
    /// If the connection is closed.
    pub async fn flush(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_flush_all(cx)).await
    }

    /// Ends the message. Like `send`, it returns when the last fragment is queued.
    ///
    /// Dropped before it is ready, it drops the writer, with what that means.
    ///
    /// # Errors
    /// As [`MessageWriter::write`]; text may have ended inside a character.
    pub async fn finish(mut self) -> Result<()> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    fn poll_write_bytes(&mut self, cx: &mut Context<'_>, bytes: &Bytes) -> Poll<Result<()>> {
        let utf8 = self.checked(bytes)?;
        if bytes.len() < FRAGMENT / 4 && self.gathered.len() + bytes.len() <= FRAGMENT {
            self.gathered.extend_from_slice(bytes);
        } else {
            ready!(self.poll_gathered(cx))?;
            ready!(self.poll_fragment(cx, bytes, false))?;
        }
        self.utf8 = utf8;
        Poll::Ready(Ok(()))
    }

    fn poll_fragment(&self, cx: &mut Context<'_>, payload: &Bytes, fin: bool) -> Poll<Result<()>> {
        let fragment = Fragment { kind: self.kind, payload, fin, plain: self.plain };
        self.shared.poll_fragment(cx, &fragment)
    }

    /// The state of the check behind `bytes`, which is kept once they are written.
    fn checked(&self, bytes: &[u8]) -> Result<Utf8Check> {
        if self.finished {
            return Err(Error::closed());
        }
        let mut utf8 = self.utf8;
        if self.kind == Kind::Text && utf8.feed(bytes).is_err() {
            return Err(Error::invalid("text that is not UTF-8"));
        }
        Ok(utf8)
    }

    /// Makes a fragment of what was gathered.
    fn poll_gathered(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.gathered.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let fragment = self.gathered.split().freeze();
        let queued = self.poll_fragment(cx, &fragment, false);
        if queued.is_pending() {
            // Nobody else holds it, so this only undoes the split.
            self.gathered = fragment.into();
        }
        queued
    }

    fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if !self.finished {
            ready!(self.poll_gathered(cx))?;
        }
        self.shared.poll_fragments_flushed(cx)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.finished {
            return Poll::Ready(Ok(()));
        }
        if self.kind == Kind::Text && self.utf8.finish().is_err() {
            return Poll::Ready(Err(Error::invalid("text that ends inside a character")));
        }
        let fragment = self.gathered.split().freeze();
        let queued = self.poll_fragment(cx, &fragment, true);
        if queued.is_pending() {
            self.gathered = fragment.into();
        }
        ready!(queued)?;
        self.finished = true;
        Poll::Ready(Ok(()))
    }
}

/// Errors are those of [`MessageWriter::write`], inside an [`io::Error`]:
/// `InvalidInput` for text that is not UTF-8, else `ConnectionAborted`.
impl AsyncWrite for MessageWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.gathered.len() >= FRAGMENT {
            ready!(this.poll_gathered(cx)).map_err(into_io)?;
        }
        let take = bytes.len().min(MAX_COPY - this.gathered.len());
        this.utf8 = this.checked(&bytes[..take]).map_err(into_io)?;
        this.gathered.extend_from_slice(&bytes[..take]);
        Poll::Ready(Ok(take))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush_all(cx).map_err(into_io)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_finish(cx).map_err(into_io)
    }
}

impl Drop for MessageWriter {
    fn drop(&mut self) {
        if !self.finished {
            self.shared.abandon_fragments();
        }
    }
}

impl fmt::Debug for MessageWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter").field("kind", &self.kind).finish_non_exhaustive()
    }
}
