//! The stream under a connection, in two halves, known kinds unboxed.

use parking_lot::Mutex;
use socket2::SockRef;
use std::any::Any;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
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
    /// Boxed, because two variants of this size would take 8 bytes more from every connection.
    #[cfg(unix)]
    Unix(Box<unix::OwnedWriteHalf>),
    Other(Boxed),
    /// Given up: whoever still holds a sender holds no stream.
    Gone,
}

/// A stream of unknown kind, shared by its halves. Each poll locks it; nothing else does.
#[derive(Clone)]
pub(crate) struct Boxed(Arc<Inside>);

struct Inside {
    stream: Mutex<Both>,
    peer: Option<SocketAddr>,
}

struct Both {
    stream: Box<dyn Stream>,
    /// Who waits to read: cutting has to wake it.
    reader: Option<Waker>,
    /// Reading ends where it would wait.
    cut: bool,
}

impl Boxed {
    fn with<R>(&self, poll: impl FnOnce(Pin<&mut Box<dyn Stream>>) -> R) -> R {
        poll(Pin::new(&mut self.0.stream.lock().stream))
    }

    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut both = self.0.stream.lock();
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
        self.0.stream.lock().cut = true;
        self.wake();
    }

    /// Lets go of the stream, whoever still holds a half of it.
    fn reset(&self) {
        let gone: Box<dyn Stream> = Box::new(tokio::io::empty());
        let stream = std::mem::replace(&mut self.0.stream.lock().stream, gone);
        drop(stream);
        self.cut();
    }

    fn wake(&self) {
        let reader = self.0.stream.lock().reader.take();
        if let Some(waker) = reader {
            waker.wake();
        }
    }
}

/// The address of the peer, for the kinds of streams that we know.
pub(crate) fn peer_addr<S: Stream>(stream: &S) -> Option<SocketAddr> {
    let any: &dyn Any = stream;
    if let Some(tcp) = any.downcast_ref::<TcpStream>() {
        return tcp.peer_addr().ok();
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = any.downcast_ref::<tokio_rustls::server::TlsStream<TcpStream>>() {
        return tls.get_ref().0.peer_addr().ok();
    }
    None
}

/// Has TCP send at once what is written: messages are whole then, and waiting for more only delays
/// them.
pub(crate) fn send_at_once<S: Stream>(stream: &S) {
    let any: &dyn Any = stream;
    if let Some(tcp) = any.downcast_ref::<TcpStream>()
        && let Err(error) = tcp.set_nodelay(true)
    {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
}

/// Whether input waits to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unread {
    /// Something has arrived that nobody has read.
    Some,
    /// Everything that has arrived has been read.
    None,
    /// Only reading can tell.
    Unknown,
}

impl Unread {
    /// Asks the kernel.
    fn of(socket: &SockRef<'_>) -> Self {
        let mut byte = [MaybeUninit::uninit()];
        match socket.peek(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Self::None,
            // The end of the stream, or an error: the reader will find it.
            _ => Self::Some,
        }
    }
}

/// Splits a stream; TCP and Unix streams keep their own, lock-free halves.
pub(crate) fn split<S: Stream>(stream: S) -> (ReadHalf, WriteHalf) {
    let mut slot = Some(stream);
    if let Some(tcp) = take::<S, TcpStream>(&mut slot) {
        let (read, write) = tcp.into_split();
        return (ReadHalf::Tcp(read), WriteHalf::Tcp(write));
    }
    #[cfg(unix)]
    if let Some(unix) = take::<S, UnixStream>(&mut slot) {
        let (read, write) = unix.into_split();
        return (ReadHalf::Unix(read), WriteHalf::Unix(Box::new(write)));
    }
    let peer = slot.as_ref().and_then(peer_addr);
    let boxed: Box<dyn Stream> = match slot {
        Some(stream) => Box::new(stream),
        None => Box::new(tokio::io::empty()),
    };
    let both = Both { stream: boxed, reader: None, cut: false };
    let boxed = Boxed(Arc::new(Inside { stream: Mutex::new(both), peer }));
    (ReadHalf::Other(boxed.clone()), WriteHalf::Other(boxed))
}

fn take<S: 'static, T: 'static>(slot: &mut Option<S>) -> Option<T> {
    (slot as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take)
}

impl ReadHalf {
    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(half) => half.peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
            Self::Other(half) => half.0.peer,
        }
    }
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
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(half) => half.try_write(bytes),
            #[cfg(unix)]
            Self::Unix(half) => half.try_write(bytes),
            Self::Other(_) | Self::Gone => self.try_write_vectored(&[IoSlice::new(bytes)]),
        }
    }

    /// [`WriteHalf::try_write`] for bytes in several places.
    ///
    /// # Errors
    /// As [`WriteHalf::try_write`].
    pub(crate) fn try_write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
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
            Self::Unix(half) => Pin::new(&mut **half).poll_write_vectored(cx, slices),
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
            Self::Unix(half) => Pin::new(&mut **half).poll_shutdown(cx),
            Self::Other(half) => half.with(|stream| stream.poll_shutdown(cx)),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// [`WriteHalf::poll_shutdown`] where the kernel does it at once; true if it has.
    pub(crate) fn try_shutdown(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        !matches!(self, Self::Other(_)) && matches!(self.poll_shutdown(cx), Poll::Ready(Ok(())))
    }

    /// Whether input waits to be read.
    pub(crate) fn unread(&self) -> Unread {
        match self {
            Self::Tcp(half) => Unread::of(&SockRef::from(half.as_ref())),
            #[cfg(unix)]
            Self::Unix(half) => Unread::of(&SockRef::from((**half).as_ref())),
            Self::Other(_) => Unread::Unknown,
            Self::Gone => Unread::None,
        }
    }

    /// Makes the task that waits for input look again, where [`WriteHalf::unread`] cannot tell.
    pub(crate) fn wake_reader(&self) {
        if let Self::Other(half) = self {
            half.wake();
        }
    }

    /// [`WriteHalf::cut`] for a peer that is past hearing: what the kernel still holds for it is
    /// dropped once the reader lets go of the stream, by a reset. A stream of another kind is
    /// dropped at once, since its reader may not look at it again.
    pub(crate) fn reset(self) {
        let half = match self {
            Self::Tcp(half) => half,
            Self::Other(half) => return half.reset(),
            other => return other.cut(),
        };
        let socket = SockRef::from(half.as_ref());
        // Where a call fails, the connection has ended already.
        let _ = socket.set_linger(Some(Duration::ZERO));
        let _ = socket.shutdown(Shutdown::Read);
        half.forget();
    }

    /// Ends both directions: whoever waits to read gets what has arrived, then the end.
    pub(crate) fn cut(self) {
        match self {
            Self::Tcp(half) => {
                shut_down(&SockRef::from(half.as_ref()));
                half.forget();
            }
            #[cfg(unix)]
            Self::Unix(half) => {
                shut_down(&SockRef::from((*half).as_ref()));
                half.forget();
            }
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
