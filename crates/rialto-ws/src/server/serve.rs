//! [`serve`]: listens, takes connections in, stops in order.

use super::accept::{Terms, accept_on};
use super::addresses::{Addresses, Entry};
use super::connections::{Connections, Place};
use super::deadline;
use super::endpoint::{Accepted, Endpoint, Listener};
use super::handshake::Handshake;
use super::pause::accept_pause;
#[cfg(feature = "tls")]
use super::tls::ServerTls;
use super::workers::{Workers, attend};
use crate::error::{Error, Result};
use crate::io::stream::Stream;
use crate::options::Options;
use crate::proto::handshake::server::Refusal;
use crate::socket::WebSocket;
use http::StatusCode;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout_at};

/// Handshakes at a time, by default.
const MAX_HANDSHAKES: usize = 4096;
/// Time to drain, by default.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a handshake that is under way when the server stops may still take.
const LAST_HANDSHAKES: Duration = Duration::from_secs(1);
/// When a client whose address has too many connections may try again.
const RETRY: Duration = Duration::from_secs(10);

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Guard = Arc<dyn Fn(Handshake) -> Boxed<Result<Handshake, Refusal>> + Send + Sync>;

/// Serves WebSockets: `handler` runs once for each connection, in its own task.
///
/// `endpoint` is an address (`"127.0.0.1:8080"`, `("::", 8080)`), `"unix:PATH"`, or a listener.
/// Every path is accepted unless [`Serve::guard`] decides otherwise; the handler can look at
/// [`WebSocket::request`].
/// When it returns, the connection is closed: with 1000 after `Ok`, 1011 after an error or panic.
/// Nothing happens before it is awaited; it then runs until [`Serve::with_graceful_shutdown`]
/// ends it. Dropping the future stops listening and leaves the open connections alone.
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
/// A handler that shares something is a closure that clones it for each connection:
///
/// ```no_run
/// use rialto_ws::{Group, Result, WebSocket};
///
/// async fn chat(mut socket: WebSocket, room: Group) -> Result<()> {
///     let _member = room.join(&socket);
///     while let Some(message) = socket.recv().await? {
///         room.publish(message);
///     }
///     Ok(())
/// }
/// # async fn example() -> Result<()> {
/// let room = Group::new();
/// rialto_ws::serve("127.0.0.1:8080", move |socket| chat(socket, room.clone())).await
/// # }
/// ```
///
/// # Errors
/// Awaiting it fails if an endpoint cannot be bound.
pub fn serve<H, F, E>(endpoint: impl Into<Endpoint>, handler: H) -> Serve<H>
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    let plan = Plan {
        endpoints: vec![endpoint.into()],
        listeners: Vec::new(),
        addresses: Vec::new(),
        workers: None,
        crew: None,
        options: Arc::default(),
        connections: Connections::default(),
        max_handshakes: MAX_HANDSHAKES,
        max_per_address: None,
        guard: None,
        shutdown: None,
        drain: DRAIN,
        #[cfg(feature = "tls")]
        tls: None,
    };
    Serve { handler, plan }
}

/// [`serve`] on a listener of your own and with options.
///
/// # Errors
/// As [`serve`].
pub async fn serve_on<H, F, E>(listener: TcpListener, options: Options, handler: H) -> Result<()>
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    serve(listener, handler).options(options).await
}

/// A server that is being set up by [`serve`]; awaiting it runs it.
///
/// ```no_run
/// # async fn echo(_: rialto_ws::WebSocket) -> rialto_ws::Result<()> { Ok(()) }
/// # async fn example() -> rialto_ws::Result<()> {
/// use rialto_ws::Options;
/// use std::time::Duration;
///
/// rialto_ws::serve("0.0.0.0:8080", echo)
///     .options(Options::default().max_message(1 << 20))
///     .max_connections(50_000)
///     .max_per_address(100)
///     .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
///     .drain_timeout(Duration::from_secs(20))
///     .await
/// # }
/// ```
#[must_use = "nothing listens before it is awaited"]
pub struct Serve<H> {
    handler: H,
    plan: Plan,
}

struct Plan {
    endpoints: Vec<Endpoint>,
    /// Those that are bound, with the runtimes that accept from them.
    listeners: Vec<(Handle, Listener)>,
    addresses: Vec<SocketAddr>,
    /// As it was asked for.
    workers: Option<usize>,
    crew: Option<Workers>,
    options: Arc<Options>,
    connections: Connections,
    max_handshakes: usize,
    max_per_address: Option<usize>,
    guard: Option<Guard>,
    shutdown: Option<Boxed<()>>,
    drain: Duration,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

impl<H> Serve<H> {
    /// Listens there as well.
    pub fn listen(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.plan.endpoints.push(endpoint.into());
        self
    }

    /// Sets the options of the connections.
    pub fn options(mut self, options: impl Into<Arc<Options>>) -> Self {
        self.plan.options = options.into();
        self
    }

    /// Speaks TLS on all TCP endpoints (`wss://`); Unix sockets stay plain.
    ///
    /// The TLS handshake is part of [`Options::handshake_timeout`]. Certificates can be replaced
    /// while the server runs, see [`ServerTls::reload_pem_files`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<ServerTls>) -> Self {
        self.plan.tls = Some(tls.into());
        self
    }

    /// Connections at a time. Default one million, which leaves the decision to the limit of
    /// open files (the server survives reaching that one, too).
    ///
    /// A client beyond it gets 503 with `Retry-After`, so that it or a balancer can go elsewhere
    /// at once; those answers are bounded by [`Serve::max_handshakes`].
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.plan.connections = Connections::new(connections);
        self
    }

    /// Uses a list of connections that others share, instead of one of its own.
    /// A graceful shutdown ends all connections on it.
    pub fn connections(mut self, connections: Connections) -> Self {
        self.plan.connections = connections;
        self
    }

    /// Serves on so many threads, each with a runtime of its own that has this one thread
    /// ([`Workers`]), instead of on the runtime that awaits it; 0 is one for each core.
    ///
    /// A connection and what its handler spawns stay on one thread. All else is as without it,
    /// the bounds included, which hold for all threads together. How connections come to be
    /// spread is said at [`Workers::bind`].
    ///
    /// ```no_run
    /// # async fn echo(_: rialto_ws::WebSocket) -> rialto_ws::Result<()> { Ok(()) }
    /// # async fn example() -> rialto_ws::Result<()> {
    /// rialto_ws::serve("0.0.0.0:8080", echo).workers(0).await
    /// # }
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.plan.workers = Some(workers);
        self
    }

    /// Connections at a time whose handshake is not over, those being refused included.
    /// Default 4096, at least 1 for each listener (with [`Serve::workers`], each worker has one).
    ///
    /// While there are so many, no more are accepted: the kernel keeps them in its backlog. Each
    /// takes [`Options::handshake_timeout`] at most, so that silent peers delay others and no
    /// more. With [`Serve::max_connections`] it bounds the open files.
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.plan.max_handshakes = handshakes.clamp(1, (u32::MAX >> 3) as usize);
        self
    }

    /// Connections at a time of one IPv4 address, or of one IPv6 network of 64 bits.
    /// Default none, because many people may stand behind the address of one proxy.
    ///
    /// One beyond it is answered 429 with `Retry-After`; an address of which as many are being
    /// refused at the same time is cut without an answer. Unix sockets are not counted.
    pub fn max_per_address(mut self, connections: usize) -> Self {
        self.plan.max_per_address = Some(connections);
        self
    }

    /// Lets `guard` see each request before it is answered: it returns the [`Handshake`],
    /// changed or not, to accept, or a [`Refusal`].
    ///
    /// It comes after the checks of RFC 6455, origin and number of connections. Its time is part
    /// of [`Options::handshake_timeout`]; when that ends, the answer is 503.
    ///
    /// ```no_run
    /// # async fn chat(_: rialto_ws::WebSocket) -> rialto_ws::Result<()> { Ok(()) }
    /// # async fn example() -> rialto_ws::Result<()> {
    /// use http::StatusCode;
    /// use rialto_ws::{Handshake, Refusal};
    ///
    /// rialto_ws::serve("127.0.0.1:8080", chat)
    ///     .guard(async |handshake: Handshake| match handshake.request().path() {
    ///         "/chat" => Ok(handshake.protocols(["chat.v2", "chat.v1"])),
    ///         _ => Err(Refusal::new(StatusCode::NOT_FOUND, "connect to /chat")),
    ///     })
    ///     .await
    /// # }
    /// ```
    pub fn guard<G, F>(mut self, guard: G) -> Self
    where
        G: Fn(Handshake) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Handshake, Refusal>> + Send + 'static,
    {
        self.plan.guard = Some(Arc::new(move |handshake| Box::pin(guard(handshake))));
        self
    }

    /// Stops the server when `stop` is ready: it listens no more, answers 503 to handshakes that
    /// come late, sends Close 1001 on every connection and waits until the handlers have ended
    /// and everything is flushed, at most [`Serve::drain_timeout`].
    pub fn with_graceful_shutdown(
        mut self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        self.plan.shutdown = Some(Box::pin(stop));
        self
    }

    /// Time that connections have to end when the server stops. Default 10 s. What is left then
    /// is cut, and its handlers are dropped.
    pub fn drain_timeout(mut self, time: Duration) -> Self {
        self.plan.drain = time;
        self
    }

    /// Binds the endpoints now and returns their TCP addresses, in order: with the port that the
    /// system chose for port 0. Clients can connect from then on; they are served once the
    /// server is awaited.
    ///
    /// ```no_run
    /// # async fn echo(_: rialto_ws::WebSocket) -> rialto_ws::Result<()> { Ok(()) }
    /// # async fn example() -> rialto_ws::Result<()> {
    /// let mut server = rialto_ws::serve("127.0.0.1:0", echo);
    /// println!("listening on {:?}", server.bind().await?);
    /// server.await
    /// # }
    /// ```
    ///
    /// Not cancel safe: an endpoint that is being bound when this is dropped is forgotten.
    ///
    /// # Errors
    /// If an endpoint cannot be bound; the message names it.
    pub async fn bind(&mut self) -> Result<Vec<SocketAddr>> {
        let plan = &mut self.plan;
        if let Some(workers) = plan.workers.take() {
            plan.crew = Some(Workers::start(workers).map_err(Error::setup)?);
        }
        let runtimes: Vec<_> = match &plan.crew {
            Some(crew) => crew.runtimes().cloned().collect(),
            None => vec![Handle::current()],
        };
        for endpoint in std::mem::take(&mut plan.endpoints) {
            let listeners = endpoint.bind_on(&runtimes).await.map_err(Error::setup)?;
            plan.addresses.extend(listeners.first().and_then(Listener::address));
            plan.listeners.extend(runtimes.iter().cloned().zip(listeners));
        }
        Ok(plan.addresses.clone())
    }
}

impl<H> fmt::Debug for Serve<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("endpoints", &self.plan.endpoints)
            .field("listeners", &self.plan.listeners)
            .finish_non_exhaustive()
    }
}

impl<H, F, E> IntoFuture for Serve<H>
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(run(self))
    }
}

async fn run<H, F, E>(mut serve: Serve<H>) -> Result<()>
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    serve.bind().await?;
    let Serve { handler, plan } = serve;
    // A listener that waits for a client holds a permit: each needs one.
    let max_handshakes = plan.max_handshakes.max(plan.listeners.len());
    let (stopping, stopped) = watch::channel(false);
    let hall = Arc::new(Hall {
        handler,
        options: plan.options,
        connections: plan.connections,
        handshakes: Arc::new(Semaphore::new(max_handshakes)),
        addresses: plan.max_per_address.map(|cap| Arc::new(Addresses::new(cap))),
        guard: plan.guard,
        stopped,
        #[cfg(feature = "tls")]
        tls: plan.tls,
    });
    let shutdown = plan.shutdown.unwrap_or_else(|| Box::pin(pending()));
    // When this future is dropped, nothing listens any more.
    attend(plan.listeners, shutdown, |listener| accept_from(Arc::clone(&hall), listener)).await;
    stopping.send_replace(true);
    let deadline = deadline::after(plan.drain);
    hall.connections.stop_until(deadline).await;
    let all = u32::try_from(max_handshakes).unwrap_or(u32::MAX);
    // What is refused now has a second and its answer.
    let _ = timeout_at(deadline, hall.handshakes.acquire_many(all)).await;
    Ok(())
}

/// What all connections of a server share.
struct Hall<H> {
    handler: H,
    options: Arc<Options>,
    connections: Connections,
    handshakes: Arc<Semaphore>,
    addresses: Option<Arc<Addresses>>,
    guard: Option<Guard>,
    stopped: watch::Receiver<bool>,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

/// A connection whose handshake is not over.
struct Arrival {
    peer: Option<SocketAddr>,
    address: Option<Box<Entry>>,
    deadline: Instant,
    _handshake: OwnedSemaphorePermit,
}

async fn accept_from<H, F, E>(hall: Arc<Hall<H>>, listener: Arc<Listener>)
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    let mut pause = Duration::ZERO;
    loop {
        let Ok(handshake) = Arc::clone(&hall.handshakes).acquire_owned().await else { return };
        let accepted = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                pause = accept_pause(&error, pause).await;
                continue;
            }
        };
        pause = Duration::ZERO;
        let Some(arrival) = hall.arrive(&accepted, handshake) else { continue };
        match accepted {
            Accepted::Tcp(stream, _) => hall.take_tcp(stream, arrival),
            #[cfg(unix)]
            Accepted::Unix(stream) => drop(tokio::spawn(Arc::clone(&hall).take(stream, arrival))),
        }
    }
}

impl<H, F, E> Hall<H>
where
    H: Fn(WebSocket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
{
    /// Counts a connection; `None` if its address is not even to be refused.
    fn arrive(&self, accepted: &Accepted, handshake: OwnedSemaphorePermit) -> Option<Arrival> {
        let peer = accepted.peer();
        let mut address = None;
        if let (Some(addresses), Some(peer)) = (&self.addresses, peer) {
            let Some(entry) = addresses.enter(peer.ip()) else {
                tracing::debug!(%peer, "too many connections from one address");
                return None;
            };
            address = Some(Box::new(entry));
        }
        let deadline = deadline::after(self.options.handshake_timeout);
        Some(Arrival { peer, address, deadline, _handshake: handshake })
    }

    #[cfg(not(feature = "tls"))]
    fn take_tcp(self: &Arc<Self>, stream: TcpStream, arrival: Arrival) {
        tokio::spawn(Arc::clone(self).take(stream, arrival));
    }

    #[cfg(feature = "tls")]
    fn take_tcp(self: &Arc<Self>, stream: TcpStream, arrival: Arrival) {
        let hall = Arc::clone(self);
        let Some(tls) = self.tls.clone() else {
            tokio::spawn(hall.take(stream, arrival));
            return;
        };
        tokio::spawn(async move {
            // Handshakes are several small messages, too.
            let _ = stream.set_nodelay(true);
            let stopped = hall.late();
            let shaking = timeout_at(arrival.deadline, tls.accept_http1(stream));
            let shaken = tokio::select! {
                shaken = shaking => shaken,
                () = stopped => return,
            };
            match shaken {
                Ok(Ok(stream)) => hall.take(stream, arrival).await,
                Ok(Err(error)) => tracing::debug!(%error, "the TLS handshake failed"),
                Err(_) => tracing::debug!("the TLS handshake took too long"),
            }
        });
    }

    /// Does the handshake and starts the handler.
    async fn take<S: Stream>(self: Arc<Self>, stream: S, arrival: Arrival) {
        let opened = tokio::select! {
            opened = self.open(stream, arrival) => opened,
            () = self.late() => return,
        };
        match opened {
            Ok((socket, place)) => {
                let hall = Arc::clone(&self);
                // The handshake's memory goes with this task; the handler gets one of its own.
                place.spawn(socket, move |socket| (hall.handler)(socket));
            }
            Err(error) => tracing::debug!(%error, "a handshake failed"),
        }
    }

    async fn open<S: Stream>(&self, stream: S, arrival: Arrival) -> Result<(WebSocket, Place)> {
        let Arrival { peer, address, deadline, _handshake } = arrival;
        let mut place = None;
        let terms = Terms { options: &self.options, deadline, peer };
        let opening = accept_on(stream, terms, |handshake| async {
            if address.as_ref().is_some_and(|entry| entry.is_over()) {
                return Err(crowded());
            }
            let reserved = self.connections.reserve()?;
            let handshake = match &self.guard {
                Some(guard) => guard(handshake).await?,
                None => handshake,
            };
            place = Some(reserved);
            Ok(handshake)
        });
        let socket = opening.await?;
        match place {
            Some(place) => Ok((socket, place.with_address(address))),
            None => Err(Error::closed()),
        }
    }

    /// Ready when the server stops, and handshakes have had their last second.
    async fn late(&self) {
        if self.stopped.clone().wait_for(|stop| *stop).await.is_err() {
            // The server's future was dropped, which stops nothing that has begun.
            pending::<()>().await;
        }
        sleep(LAST_HANDSHAKES).await;
    }
}

fn crowded() -> Refusal {
    let reason = "too many connections from this address";
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, reason).retry_after(RETRY)
}
