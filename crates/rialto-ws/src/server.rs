//! The server's end: `accept` on any stream, `serve` on a port.

use crate::error::{Error, Result};
use crate::head::{MAX_FIELDS, read_head, too_large};
use crate::io::stream::Stream;
use crate::io::turn::{self, Turned};
use crate::options::Options;
use crate::proto::handshake::{Request, server};
use crate::proto::{CloseCode, CloseFrame, Role};
use crate::socket::WebSocket;
use crate::split::Sender;
use http::{Method, StatusCode, Version};
use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::time::timeout;

/// The first and the longest pause after accepting failed, as it does without free descriptors.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// How long, and how many reads, a refused peer may still send.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 64);

/// Serves WebSockets on an address: `handler` runs once for each connection, in its own task.
///
/// Every path is accepted; the handler can look at [`WebSocket::request`].
/// When it returns, the connection is closed: with 1000 after `Ok`, 1011 after an error or panic.
/// This runs until accepting becomes impossible; drop the future to stop listening.
///
/// ```no_run
/// use rialto_ws::WebSocket;
///
/// async fn echo(mut socket: WebSocket) -> rialto_ws::Result<()> {
///     while let Some(message) = socket.recv().await? {
///         socket.send(message).await?;
///     }
///     Ok(())
/// }
/// # async fn example() -> rialto_ws::Result<()> {
/// rialto_ws::serve("127.0.0.1:8080", echo).await
/// # }
/// ```
///
/// # Errors
/// If the address cannot be bound.
pub async fn serve<H, F, E>(address: impl ToSocketAddrs, handler: H) -> Result<()>
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    let listener = TcpListener::bind(address).await?;
    serve_on(listener, Options::default(), handler).await
}

/// [`serve`] on a listener of your own and with options.
///
/// # Errors
/// None at present; the signature leaves room for a listener that fails for good.
pub async fn serve_on<H, F, E>(listener: TcpListener, options: Options, handler: H) -> Result<()>
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    let options = Arc::new(options);
    let handler = Arc::new(handler);
    let mut pause = PAUSE.0;
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                pause = wait_out(&error, pause).await;
                continue;
            }
        };
        pause = PAUSE.0;
        let (options, handler) = (Arc::clone(&options), Arc::clone(&handler));
        tokio::spawn(async move {
            match accept_with(stream, &options).await {
                // The handshake's memory goes with this task; the handler gets a task of its own.
                Ok(socket) => drop(tokio::spawn(run(socket, move |socket| handler(socket)))),
                Err(error) => tracing::debug!(%peer, %error, "handshake failed"),
            }
        });
    }
}

/// Runs a handler on a connection as [`serve`] does: each poll is a [turn](crate::turn), and
/// when the handler ends, the connection is closed: with 1000 after `Ok`, 1011 after an error or
/// a panic. For tasks of your own, behind [`accept`].
pub fn run<H, F, E>(socket: WebSocket, handler: H) -> impl Future<Output = ()> + Send
where
    H: FnOnce(WebSocket) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    let outcome = Outcome::new(socket.sender());
    Run { future: Turned::new(handler(socket)), outcome: Some(outcome) }
}

/// A handler at work. Not an `async` block, which would keep the handler and the socket beside
/// the future that has them already: this is what a connection costs while it rests.
struct Run<F> {
    // Dropped first: its socket leaves the Close frame to the outcome.
    future: Turned<F>,
    outcome: Option<Outcome>,
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
        let result = ready!(Pin::new(&mut self.future).poll(cx));
        let outcome = self.outcome.take();
        match result {
            Ok(()) => outcome.into_iter().for_each(Outcome::succeed),
            Err(error) => report(&*error.into()),
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
            sender.begin_close(&CloseFrame::new(CloseCode::NORMAL, ""));
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            sender.shared().hold_close(false);
            sender.begin_close(&CloseFrame::new(CloseCode::INTERNAL, "the handler failed"));
        }
    }
}

/// Waits after a failed accept; longer each time, so that a full descriptor table does not spin.
pub(crate) async fn wait_out(error: &io::Error, pause: Duration) -> Duration {
    if is_connection_error(error) {
        return PAUSE.0;
    }
    tracing::warn!(%error, ?pause, "accepting failed, trying again");
    tokio::time::sleep(pause).await;
    (pause * 2).min(PAUSE.1)
}

/// True if only the connection that was about to be accepted is lost.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Waits out a failed accept in an accept loop of your own: at once after an error of one
/// connection, else (no descriptors, no memory) for a pause that grows from 5 ms to 1 s.
///
/// Start with [`Duration::ZERO`] and pass what it returns the next time.
pub async fn accept_pause(error: &io::Error, pause: Duration) -> Duration {
    wait_out(error, pause.max(PAUSE.0)).await
}

/// Accepts a connection on any stream, with default options.
///
/// It reads the handshake and answers it. In a task that you spawn, wrap its future in
/// [`Turned`] so that writes are merged as [`serve`] merges them.
///
/// # Errors
/// If the peer sends no valid handshake in time. It has been answered by an HTTP status then,
/// which [`Error::status`] tells.
pub async fn accept<S: Stream>(stream: S) -> Result<WebSocket> {
    accept_with(stream, &Options::default()).await
}

/// [`accept`] with options.
///
/// # Errors
/// As [`accept`].
pub async fn accept_with<S: Stream>(stream: S, options: &Options) -> Result<WebSocket> {
    match timeout(options.handshake_timeout, handshake(stream, options)).await {
        Ok(result) => result,
        Err(_) => Err(Error::timeout("no handshake")),
    }
}

async fn handshake<S: Stream>(mut stream: S, options: &Options) -> Result<WebSocket> {
    let checked = match read_head(&mut stream, options.max_head).await {
        Ok((head, rest)) => check(&head, options).map(|found| (found, rest)),
        Err(error) if error.status().is_some() => Err(too_large()),
        Err(error) => return Err(error),
    };
    let ((accept, mut request), input) = match checked {
        Ok(checked) => checked,
        Err(refusal) => {
            stream.write_all(&refusal.to_http1()).await?;
            stream.shutdown().await?;
            // Boxed: refusals are rare, and the others need not carry their buffer.
            Box::pin(linger(&mut stream)).await;
            return Err(refusal.into());
        }
    };
    stream.write_all(&accept.to_http1()).await?;
    stream.flush().await?;
    request.set_protocol(accept.protocol.as_deref());
    let socket = WebSocket::open(stream, Role::Server, input, request, options);
    Ok(socket.with_deflate(accept.deflate))
}

/// Reads what is still coming, within bounds: a stream that is dropped with unread input is
/// reset, and the reset would destroy the answer on its way.
async fn linger<S: Stream>(stream: &mut S) {
    let mut rest = [0; 4096];
    let reading = async {
        for _ in 0..LINGER.1 {
            if !matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {
                return;
            }
        }
    };
    // Whoever goes on sending has had the time to read.
    let _ = timeout(LINGER.0, reading).await;
}

fn check(head: &[u8], options: &Options) -> Result<(server::Accept, Request), server::Refusal> {
    let bad = |reason| server::Refusal::new(StatusCode::BAD_REQUEST, reason);
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Ok(httparse::Status::Partial) | Err(_) => return Err(bad("not an HTTP/1.1 request")),
    }
    let method = parsed.method.and_then(|name| name.parse::<Method>().ok());
    let (Some(method), Some(target)) = (method, parsed.path) else {
        return Err(bad("not an HTTP/1.1 request"));
    };
    let version = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    let fields: &[httparse::Header<'_>] = parsed.headers;
    let accept = server::check(&method, version, fields, &options.terms())?;
    let kept = fields.iter().filter(|field| !is_spent(field.name));
    let request = Request::new(target, kept.map(|field| (field.name, field.value)));
    Ok((accept, request))
}

/// Fields that have said all they had to say: that this is a handshake of WebSocket 13.
fn is_spent(name: &str) -> bool {
    let spent = ["upgrade", "connection", "sec-websocket-key", "sec-websocket-version"];
    spent.iter().any(|field| name.eq_ignore_ascii_case(field))
}
