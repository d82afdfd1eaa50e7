//! [`Server`]: everything put together.

mod address;
mod connection;
mod front;
mod listen;
#[cfg(feature = "tls")]
mod tls;
mod websocket;

pub use address::Address;
pub use listen::Listen;

use crate::adapter::Adapter;
use crate::engine::{Engine, EngineApp, EngineSocket, Host, Layers};
use crate::error::Result;
use crate::http::{Bundle, Files};
use crate::options::Options;
use crate::socketio::{Core, Handler, Io, Pattern, Plan, SocketIo, by_parsing};
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::Route;
use connection::{Plain, Welcome};
use front::{Front, Mount};
use rialto_ws::{WebSocket, Workers};
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tower::Layer;
use tower_service::Service;
use websocket::Endpoint;

/// A server for Socket.IO, with whatever else is to live on its port.
///
/// ```no_run
/// use rialto::{Events, Options, Server};
///
/// # async fn example() -> rialto::Result {
/// let chat = Events::new().on("say", async |socket, text: String| {
///     socket.broadcast().emit("said", text).await
/// });
/// Server::new(Events::new())
///     .namespace("/chat", chat)
///     .files("public")
///     .options(Options::default().cookie(true))
///     .listen("127.0.0.1:3000")
///     .await
/// # }
/// ```
pub struct Server {
    stage: Stage,
    router: axum::Router,
    files: Option<PathBuf>,
    layers: Layers,
    welcome: Arc<dyn Welcome>,
    workers: Option<usize>,
    endpoints: Vec<(String, EndpointPlan)>,
}

/// Configured step by step; built when it is asked for its `Io`, or starts.
enum Stage {
    Planned(Box<Plan>),
    Built(Arc<Core>),
}

/// Makes an endpoint once the options are final.
type EndpointPlan = Box<dyn FnOnce(&Arc<Host>, &Layers) -> Mount + Send + Sync>;

impl Server {
    /// A server whose main namespace `/` is served by `handler`: [`Events`](crate::Events), an
    /// `async` function, or either behind a [`guard`](crate::guard).
    pub fn new(handler: impl Handler) -> Self {
        let plan = Plan { main: Some(Arc::new(handler)), ..Plan::default() };
        Self { stage: Stage::Planned(Box::new(plan)), ..Self::default() }
    }

    /// Adds a namespace. One without a leading `/` gets it. A name has one handler: the last one
    /// that is given, with a warning in the log.
    #[must_use]
    #[track_caller]
    pub fn namespace(self, name: &str, handler: impl Handler) -> Self {
        let name = if name.starts_with('/') { name.to_owned() } else { format!("/{name}") };
        self.configure(|plan| plan.serve(name.into(), Arc::new(handler)))
    }

    /// Adds namespaces that come into being when a client asks for a name that `matches`, and end
    /// with their last client.
    #[must_use]
    #[track_caller]
    pub fn namespace_matching(
        self,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
        handler: impl Handler,
    ) -> Self {
        self.namespace_parsed(move |name| matches(name).then_some(()), handler)
    }

    /// As [`Server::namespace_matching`], for names that `parse` can read: what it returns is what
    /// [`Socket::params`](crate::Socket::params) gives the handlers, and
    /// [`Handshake::params`](crate::Handshake::params) a login.
    #[must_use]
    #[track_caller]
    pub fn namespace_parsed<P: Send + Sync + 'static>(
        self,
        parse: impl Fn(&str) -> Option<P> + Send + Sync + 'static,
        handler: impl Handler,
    ) -> Self {
        self.configure(|plan| plan.dynamic.push((by_parsing(parse), Arc::new(handler))))
    }

    /// Adds the namespaces whose names are `pattern` with something in place of each `{parameter}`:
    /// at least a character, without `/`, and such that the parameters together are a `P`. A client
    /// that asks for `/user-x` where a number is due gets `Invalid namespace`.
    ///
    /// ```
    /// use rialto::{Events, Server};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Seat {
    ///     game: String,
    ///     seat: u8,
    /// }
    ///
    /// let user = Events::new().on_connect(async |socket| {
    ///     let id = socket.params::<u64>().ok_or("no id")?;
    ///     socket.emit("you are", *id).await
    /// });
    /// let server = Server::new(Events::new())
    ///     .namespace_pattern::<u64>("/user-{id}", user)
    ///     .namespace_pattern::<Seat>("/{game}/{seat}", Events::new());
    /// ```
    ///
    /// # Panics
    /// If the pattern is none: braces that do not pair, parameters without a name, or two with
    /// nothing between them.
    #[must_use]
    #[allow(clippy::panic, reason = "a mistake in the program, found when it starts")]
    #[track_caller]
    pub fn namespace_pattern<P: DeserializeOwned + Send + Sync + 'static>(
        self,
        pattern: &str,
        handler: impl Handler,
    ) -> Self {
        match Pattern::parse(pattern) {
            Ok(pattern) => self.namespace_parsed(move |name| pattern.read::<P>(name), handler),
            Err(error) => panic!("{pattern:?} is no pattern: {error}"),
        }
    }

    /// Is told of each dynamic namespace that comes into being, before its first client is in it:
    /// Node's `new_namespace`.
    #[must_use]
    #[track_caller]
    pub fn on_new_namespace(self, handler: impl Fn(Io) + Send + Sync + 'static) -> Self {
        self.configure(|plan| plan.on_namespace.push(Box::new(handler)))
    }

    /// Sets the options.
    #[must_use]
    #[track_caller]
    pub fn options(self, options: Options) -> Self {
        self.configure(|plan| plan.options = options)
    }

    /// Gives handlers a value: [`Socket::state`](crate::Socket::state) finds it by its type.
    #[must_use]
    #[track_caller]
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.configure(|plan| drop(plan.state.insert(state)))
    }

    /// Sets where rooms live: `make` is called with the name of each namespace.
    #[must_use]
    #[track_caller]
    pub fn adapter<A: Adapter>(self, make: impl Fn(&str) -> A + Send + Sync + 'static) -> Self {
        self.configure(|plan| plan.make_adapter = Box::new(move |name, _| Arc::new(make(name))))
    }

    /// Serves a folder of static files for whatever nothing else answers.
    #[must_use]
    pub fn files(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files = Some(folder.into());
        self
    }

    /// Adds a route of axum's: `route("/health", rialto::axum::routing::get(async || "ok"))`.
    #[must_use]
    #[track_caller]
    pub fn route(mut self, path: &str, method: axum::routing::MethodRouter) -> Self {
        self.router = self.router.route(path, method);
        self
    }

    /// Adds the routes of an axum router.
    #[must_use]
    #[track_caller]
    pub fn router(mut self, router: axum::Router) -> Self {
        self.router = self.router.merge(router);
        self
    }

    /// Serves raw WebSockets on a path, with default options and the server's rule for origins.
    ///
    /// ```
    /// use rialto::{Events, Server, ws::WebSocket};
    ///
    /// async fn echo(mut socket: WebSocket) -> rialto::Result {
    ///     while let Some(message) = socket.recv().await? {
    ///         socket.send(message).await?;
    ///     }
    ///     Ok(())
    /// }
    /// let server = Server::new(Events::new()).websocket("/echo", echo);
    /// ```
    #[must_use]
    pub fn websocket<H, F, E>(self, path: &str, handler: H) -> Self
    where
        H: Fn(WebSocket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
    {
        self.endpoint(path, move |host, _| {
            let socket_options = rialto_ws::Options::default();
            Mount::WebSocket(Endpoint::new(handler, socket_options, host.options.origins()))
        })
    }

    /// [`Server::websocket`] with options of its own, origins included.
    #[must_use]
    pub fn websocket_with<H, F, E>(
        self,
        path: &str,
        options: rialto_ws::Options,
        handler: H,
    ) -> Self
    where
        H: Fn(WebSocket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
    {
        self.endpoint(path, move |_, _| {
            let origins = options.origins.clone();
            Mount::WebSocket(Endpoint::new(handler, options, origins))
        })
    }

    /// Serves bare Engine.IO on a path: messages over long-polling or WebSocket, without events.
    #[must_use]
    pub fn engine<H, F>(self, path: &str, handler: H) -> Self
    where
        H: Fn(EngineSocket) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.endpoint(path, move |host, layers| {
            let app = Box::new(EngineApp::new(handler));
            Mount::Engine(Engine::new(Arc::clone(host), app, layers))
        })
    }

    /// Puts a layer before the engine: it sees every request of Socket.IO and of
    /// [`Server::engine`], long-polling and WebSocket handshakes alike, and may answer itself.
    /// Node's `io.engine.use`.
    ///
    /// The first layer that is added sees a request first. CORS stands before all of them, and what
    /// they answer gets its fields, too. The browser client and other paths pass them by. Functions
    /// become layers by axum's `from_fn`; they find the peer's address as an extension,
    /// `ConnectInfo<SocketAddr>`.
    ///
    /// ```
    /// use rialto::axum::{extract::Request, http::StatusCode, middleware, response::Response};
    /// use rialto::{Events, Server};
    ///
    /// async fn gate(request: Request, next: middleware::Next) -> Result<Response, StatusCode> {
    ///     match request.headers().contains_key("x-ticket") {
    ///         true => Ok(next.run(request).await),
    ///         false => Err(StatusCode::UNAUTHORIZED),
    ///     }
    /// }
    /// let server = Server::new(Events::new()).engine_layer(middleware::from_fn(gate));
    /// ```
    #[must_use]
    pub fn engine_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.layers.add(layer);
        self
    }

    /// Serves on so many threads, each with a tokio runtime that has this one thread, instead of
    /// on the runtime that [`Server::listen`] is awaited on; 0 is one thread for each core that the
    /// process may use. Off by default.
    ///
    /// A client, its handlers and what they spawn stay on the thread that accepted the client. A
    /// handler that keeps its thread busy keeps everyone else on it waiting, and
    /// `tokio::task::block_in_place` panics there; `spawn_blocking` works. Rooms, state and the
    /// server's bounds are those of the whole server. When it pays, by what it costs, is said in
    /// `docs/cores.md`.
    ///
    /// On Linux each thread has a listener of its own (`SO_REUSEPORT`), and the kernel deals out
    /// clients by a hash of their addresses, whatever the threads have to do: few clients, or
    /// clients with unequal work, load them unequally. Elsewhere, and with a listener that is bound
    /// already, the threads share one. A port on which anybody else listens is an error as ever.
    ///
    /// Threads are started when the address is bound. When the server has ended, a thread ends
    /// with the last task on it. [`Server::into_router`] has no listener and leaves this out.
    ///
    /// ```no_run
    /// # async fn example() -> rialto::Result {
    /// use rialto::{Events, Server};
    /// Server::new(Events::new()).workers(0).listen("0.0.0.0:3000").await
    /// # }
    /// ```
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    fn endpoint(
        mut self,
        path: &str,
        make: impl FnOnce(&Arc<Host>, &Layers) -> Mount + Send + Sync + 'static,
    ) -> Self {
        let path = format!("/{}", path.trim_matches('/'));
        self.endpoints.push((path, Box::new(make)));
        self
    }

    #[allow(clippy::panic, reason = "a mistake in the program, found when it starts")]
    #[track_caller]
    fn configure(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        match &mut self.stage {
            Stage::Planned(plan) => change(plan),
            Stage::Built(_) => panic!("configure the server before asking it for `io()`"),
        }
        self
    }

    /// Emits to everyone from anywhere. Ask for it when the server is configured.
    pub fn io(&mut self) -> Io {
        self.core().main()
    }

    fn core(&mut self) -> Arc<Core> {
        let core = match &mut self.stage {
            Stage::Built(core) => return Arc::clone(core),
            Stage::Planned(plan) => Core::new(std::mem::take(plan)),
        };
        self.stage = Stage::Built(Arc::clone(&core));
        core
    }

    fn front(mut self) -> Front {
        let core = self.core();
        let options = Arc::clone(&core.options);
        options.warn();
        let app = SocketIo(Arc::clone(&core));
        let engine = Engine::new(Arc::clone(&core.host), Box::new(app), &self.layers);
        let mut mounts = vec![(options.trimmed_path().to_owned(), Mount::SocketIo(engine))];
        let (host, layers) = (&core.host, &self.layers);
        let made = self.endpoints.into_iter().map(|(path, make)| (path, make(host, layers)));
        mounts.extend(made);
        for (_, mount) in &mounts {
            core.add_closer(mount.closer());
        }
        if let Some(folder) = self.files.as_deref().filter(|folder| !folder.is_dir()) {
            tracing::warn!(folder = %folder.display(), "there is no such folder to serve files of");
        }
        let files = self.files.as_deref().map(Files::new);
        let bundle = Bundle::new(&options);
        Front::new(core, mounts, bundle, self.router, files)
    }

    /// The server as a part of an axum application: its routes for `merge`, or for `nest`, whose
    /// prefix then stands before [`Options::path`]. With [`files`](Self::files), or the path `/`,
    /// it is the application's fallback too: routes of the application go first. With the path `/`
    /// below a prefix, take `nest_service`: `nest` leaves out the prefix with a slash behind it,
    /// and that is where clients ask.
    ///
    /// The application's own server cannot enforce [`Options::header_timeout`] and
    /// [`Options::keep_alive_timeout`]; set those where it listens.
    pub fn into_router(mut self) -> axum::Router {
        if let Err(error) = self.core().options.check() {
            tracing::error!(%error, "the options of the server are wrong");
        }
        self.front().into_router()
    }

    /// Binds an address and serves until the future is dropped.
    ///
    /// The address may be `"127.0.0.1:3000"`, a `SocketAddr`, or a port on all interfaces.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn listen(self, address: impl Address) -> Result<()> {
        self.bind(address).await?.run().await
    }

    /// Binds an address, to ask for its port or to stop gracefully.
    ///
    /// # Errors
    /// If the address cannot be bound, or an option is wrong: a cookie's name, or a zero with which
    /// nobody would be served, for instance.
    pub async fn bind(mut self, address: impl Address) -> Result<Listen> {
        self.core().options.check()?;
        let name = address.describe();
        let (workers, listeners) =
            bind(self.workers, address.endpoint()).await.map_err(|error| {
                let hint = match name.contains(':') || name.starts_with("port ") {
                    true => "",
                    false => " (an address is \"host:port\"; a port alone is a number)",
                };
                std::io::Error::new(error.kind(), format!("cannot listen on {name}: {error}{hint}"))
            })?;
        let welcome = Arc::clone(&self.welcome);
        Listen::new(listeners, workers, self.front(), welcome)
    }
}

/// Binds an address: once, or once for each of so many workers.
async fn bind(
    workers: Option<usize>,
    endpoint: rialto_ws::Endpoint,
) -> std::io::Result<(Option<Workers>, Vec<TcpListener>)> {
    let Some(workers) = workers else { return Ok((None, vec![endpoint.bind_tcp().await?])) };
    let workers = Workers::start(workers)?;
    let listeners = workers.bind(endpoint).await?;
    Ok((Some(workers), listeners))
}

/// A server without Socket.IO handlers: for raw WebSockets, files and routes.
impl Default for Server {
    fn default() -> Self {
        Self {
            stage: Stage::Planned(Box::default()),
            router: axum::Router::new(),
            files: None,
            layers: Layers::default(),
            welcome: Arc::new(Plain),
            workers: None,
            endpoints: Vec::new(),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("files", &self.files).finish_non_exhaustive()
    }
}
