//! The stream under a connection, in two halves, known kinds unboxed.

use parking_lot::Mutex;
use socket2::SockRef;
use std::any::Any;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp;
#[cfg(unix)]
use tokio::net::{UnixStream, unix};

/// Anything a connection can run over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

pub(crate) enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    #[cfg(unix)]
    Unix(unix::OwnedReadHalf),
    Other(Boxed),
}

pub(crate) enum WriteHalf {
    Tcp(tcp::OwnedWriteHalf),
    #[cfg(unix)]
    Unix(unix::OwnedWriteHalf),
    Other(Boxed),
    /// Given up: whoever still holds a sender holds no stream.
    Gone,
}

/// A stream of unknown kind, shared by its halves. Each poll locks it; nothing else does.
#[derive(Clone)]
pub(crate) struct Boxed(Arc<Mutex<Both>>);

struct Both {
    stream: Box<dyn Stream>,
    /// Who waits to read: cutting has to wake it.
    reader: Option<Waker>,
    /// Reading ends where it would wait.
    cut: bool,
}

impl Boxed {
    fn with<R>(&self, poll: impl FnOnce(Pin<&mut Box<dyn Stream>>) -> R) -> R {
        poll(Pin::new(&mut self.0.lock().stream))
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut both = self.0.lock();
        let read = Pin::new(&mut both.stream).poll_read(cx, buf);
        match read {
            Poll::Pending if both.cut => Poll::Ready(Ok(())),
            Poll::Pending => {
                match &mut both.reader {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
            ready => ready,
        }
    }

    fn cut(&self) {
        let mut both = self.0.lock();
        both.cut = true;
        let reader = both.reader.take();
        drop(both);
        if let Some(waker) = reader {
            waker.wake();
        }
    }
}

/// Splits a stream; TCP and Unix streams keep their own, lock-free halves.
pub(crate) fn split<S: Stream>(stream: S) -> (ReadHalf, WriteHalf) {
    let mut slot = Some(stream);
    if let Some(tcp) = take::<S, TcpStream>(&mut slot) {
        // Messages are whole when they are written: waiting for more only delays them.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY was refused");
        }
        let (read, write) = tcp.into_split();
        return (ReadHalf::Tcp(read), WriteHalf::Tcp(write));
    }
    #[cfg(unix)]
    if let Some(unix) = take::<S, UnixStream>(&mut slot) {
        let (read, write) = unix.into_split();
        return (ReadHalf::Unix(read), WriteHalf::Unix(write));
    }
    let boxed: Box<dyn Stream> = match slot {
        Some(stream) => Box::new(stream),
        None => Box::new(tokio::io::empty()),
    };
    let both = Both { stream: boxed, reader: None, cut: false };
    let boxed = Boxed(Arc::new(Mutex::new(both)));
    (ReadHalf::Other(boxed.clone()), WriteHalf::Other(boxed))
}

fn take<S: 'static, T: 'static>(slot: &mut Option<S>) -> Option<T> {
    (slot as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take)
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, buf),
            #[cfg(unix)]
            Self::Unix(half) => Pin::new(half).poll_read(cx, buf),
            Self::Other(half) => half.poll_read(cx, buf),
        }
    }
}

impl WriteHalf {
    /// Writes what the stream takes at once, without registering a waker.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if it takes nothing, and what the stream itself reports.
    pub(crate) fn try_write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(half) => half.try_write_vectored(slices),
            #[cfg(unix)]
            Self::Unix(half) => half.try_write_vectored(slices),
            Self::Other(_) => {
                // The drain task is the only one that waits, and not now: no waker is displaced.
                let cx = &mut Context::from_waker(Waker::noop());
                match self.poll_write(cx, slices) {
                    Poll::Ready(result) => result,
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
            Self::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Writes, or registers the caller to be woken when writing is possible.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(half) => Pin::new(half).poll_write_vectored(cx, slices),
            #[cfg(unix)]
            Self::Unix(half) => Pin::new(half).poll_write_vectored(cx, slices),
            Self::Other(half) => half.with(|stream| stream.poll_write_vectored(cx, slices)),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Hands on what the stream itself has buffered, as TLS does.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            #[cfg(unix)]
            Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Other(half) => half.with(|stream| stream.poll_flush(cx)),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Ends our direction of the stream.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => Pin::new(half).poll_shutdown(cx),
            #[cfg(unix)]
            Self::Unix(half) => Pin::new(half).poll_shutdown(cx),
            Self::Other(half) => half.with(|stream| stream.poll_shutdown(cx)),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Ends both directions: whoever waits to read gets what has arrived, then the end.
    pub(crate) fn cut(self) {
        match self {
            Self::Tcp(half) => shut_down(&SockRef::from(half.as_ref())),
            #[cfg(unix)]
            Self::Unix(half) => shut_down(&SockRef::from(half.as_ref())),
            Self::Other(half) => half.cut(),
            Self::Gone => {}
        }
    }
}

fn shut_down(socket: &SockRef<'_>) {
    // It fails if the peer has reset the connection, and then the reader knows already.
    if let Err(error) = socket.shutdown(Shutdown::Both) {
        tracing::trace!(%error, "the stream had ended");
    }
}
