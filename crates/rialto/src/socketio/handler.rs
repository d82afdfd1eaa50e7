//! What a namespace does with a client: a function, a table, or either behind a `guard`.

use super::events::Events;
use super::socket::Socket;
use crate::ends::{self, JoinEnd};
use crate::error::Result;
use crate::handshake::Handshake;
use futures_util::future::BoxFuture;
use serde::Serialize;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

/// What serves the clients of a namespace.
///
/// Implemented by `async` functions and closures that take a [`Socket`], by [`Events`], and by
/// what [`guard`] makes of them.
#[diagnostic::on_unimplemented(
    message = "this cannot serve the clients of a namespace",
    note = "give an `async` function that takes a `Socket` and returns `rialto::Result`, \
            an `Events` table, or `guard(login, handler)`"
)]
pub trait Handler: Send + Sync + 'static {
    /// Decides on a client that wants to join.
    #[doc(hidden)]
    fn admit(self: Arc<Self>, handshake: &Handshake) -> Admission;

    /// For a client that comes back and need not be asked again; `None` if it must be.
    #[doc(hidden)]
    fn readmit(self: Arc<Self>) -> Option<Start> {
        None
    }
}

/// The decision on a client.
#[doc(hidden)]
pub enum Admission {
    /// It may join.
    Now(Start),
    /// Somebody has to be asked first.
    Later(BoxFuture<'static, Result<Start, Refused>>),
}

impl Admission {
    async fn decide(self) -> Result<Start, Refused> {
        match self {
            Self::Now(start) => Ok(start),
            Self::Later(future) => future.await,
        }
    }
}

/// What happens once a client has joined.
#[doc(hidden)]
pub struct Start {
    kind: StartKind,
    /// What gives the socket the results of its logins, the outermost first.
    prepare: Vec<Prepare>,
}

pub(super) enum StartKind {
    /// Its events go to a table.
    Table(Arc<Events>),
    /// A future serves it and receives its events.
    Run(Box<dyn FnOnce(Socket) -> BoxFuture<'static, Result<()>> + Send>),
}

pub(super) type Prepare = Box<dyn FnOnce(&Socket) + Send>;

impl Start {
    fn new(kind: StartKind) -> Self {
        Self { kind, prepare: Vec::new() }
    }

    /// Lets the handlers find the result of a login in the socket's data.
    fn with_data<T: Send + Sync + 'static>(mut self, login: T) -> Self {
        self.prepare.insert(0, Box::new(move |socket| socket.set_data(login)));
        self
    }

    /// Gives the socket what it has to have before anybody can reach it.
    pub(super) fn prepare(self, socket: &Socket) -> StartKind {
        for prepare in self.prepare {
            prepare(socket);
        }
        if let StartKind::Table(table) = &self.kind
            && !table.outgoing().is_empty()
        {
            socket.watch(|listeners| listeners.extend_from_slice(table.outgoing()));
        }
        self.kind
    }
}

impl<H, F> Handler for H
where
    H: Fn(Socket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    fn admit(self: Arc<Self>, _handshake: &Handshake) -> Admission {
        Admission::Now(Start::new(StartKind::Run(Box::new(move |socket| Box::pin(self(socket))))))
    }
}

impl Handler for Events {
    fn admit(self: Arc<Self>, _handshake: &Handshake) -> Admission {
        Admission::Now(Start::new(StartKind::Table(self)))
    }

    fn readmit(self: Arc<Self>) -> Option<Start> {
        Some(Start::new(StartKind::Table(self)))
    }
}

/// Why a client may not join: the `connect_error` that it gets.
///
/// ```
/// use rialto::Refused;
/// let refused = Refused::new("unauthorized").data(&("code", 401));
/// assert_eq!(refused.message(), "unauthorized");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    message: String,
    data: Option<String>,
    /// The code of a refusal that is the server's own.
    code: Option<u16>,
}

impl Refused {
    /// A refusal with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None, code: None }
    }

    /// A refusal of the server's own, with a code and a sentence as its data.
    pub(super) fn by(end: JoinEnd) -> Self {
        let data = serde_json::json!({ "code": end.code, "text": end.text });
        Self { code: Some(end.code), ..Self::new(end.message).data(&data) }
    }

    /// Adds data, which the client finds in `error.data`; a value that is not JSON is left out.
    #[must_use]
    pub fn data(mut self, data: &impl Serialize) -> Self {
        self.data = serde_json::to_string(data).ok();
        self.code = None;
        self
    }

    pub(super) fn code(&self) -> Option<u16> {
        self.code
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The data, as JSON text.
    #[must_use]
    pub fn data_json(&self) -> Option<&str> {
        self.data.as_deref()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// For `?` in a login. The client is told that its `auth` has the wrong form, or that the login
/// failed; the cause itself stays in the log, since it may name what is nobody's business.
impl From<crate::Error> for Refused {
    fn from(error: crate::Error) -> Self {
        if error.is_decode() {
            tracing::debug!(%error, "auth does not decode");
            return Self::by(ends::INVALID_AUTH);
        }
        tracing::warn!(%error, "a login failed");
        Self::by(ends::LOGIN_FAILED)
    }
}

/// A handler that needs what a login returns: see [`guard`].
#[diagnostic::on_unimplemented(
    message = "this handler does not take what the login returns",
    note = "after `guard(login, handler)` the handler takes a `Socket` and `{T}`, or is `Events` \
            or another `guard`"
)]
pub trait Guarded<T>: Send + Sync + 'static {
    /// What happens once the client has joined with this login.
    #[doc(hidden)]
    fn start(self: Arc<Self>, handshake: &Handshake, login: T) -> Admission;

    /// The same without a login, for a client that comes back.
    #[doc(hidden)]
    fn restart(self: Arc<Self>) -> Option<Start> {
        None
    }
}

impl<H, F, T> Guarded<T> for H
where
    H: Fn(Socket, T) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
    T: Send + 'static,
{
    fn start(self: Arc<Self>, _handshake: &Handshake, login: T) -> Admission {
        let run = move |socket| -> BoxFuture<'static, Result<()>> { Box::pin(self(socket, login)) };
        Admission::Now(Start::new(StartKind::Run(Box::new(run))))
    }
}

/// The table's handlers find the login by `socket.data::<T>()`.
impl<T: Send + Sync + 'static> Guarded<T> for Events {
    fn start(self: Arc<Self>, _handshake: &Handshake, login: T) -> Admission {
        Admission::Now(Start::new(StartKind::Table(self)).with_data(login))
    }

    /// What the login had found is still among the socket's data.
    fn restart(self: Arc<Self>) -> Option<Start> {
        self.readmit()
    }
}

/// A login behind a login: the handlers find the result of the outer one by `socket.data::<X>()`.
impl<X, L, F, T, H> Guarded<X> for Guard<L, H, T>
where
    X: Send + Sync + 'static,
    L: Fn(Handshake) -> F + Send + Sync + 'static,
    F: Future<Output = Result<T, Refused>> + Send + 'static,
    T: Send + 'static,
    H: Guarded<T>,
{
    fn start(self: Arc<Self>, handshake: &Handshake, login: X) -> Admission {
        let admission = self.admit(handshake);
        Admission::Later(Box::pin(async move { Ok(admission.decide().await?.with_data(login)) }))
    }

    /// As for a table, if that is what stands behind all logins.
    fn restart(self: Arc<Self>) -> Option<Start> {
        self.readmit()
    }
}

/// Puts a login before a handler: what it returns is what the handler receives.
///
/// A client whose login returns [`Refused`] gets a `connect_error` and no handler runs,
/// so there is no handler without a login, and the compiler checks that the two fit.
///
/// ```
/// use rialto::{Handshake, Refused, Socket, guard};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Login {
///     name: String,
///     token: String,
/// }
///
/// async fn login(request: Handshake) -> Result<String, Refused> {
///     let login: Login = request.auth()?;
///     if login.token == "secret" { Ok(login.name) } else { Err(Refused::new("unauthorized")) }
/// }
///
/// async fn chat(mut socket: Socket, name: String) -> rialto::Result {
///     socket.emit("welcome", format!("Hello, {name}!")).await?;
///     while let Some(event) = socket.recv().await {
///         socket.io().emit(event.name(), (&name, event.args::<String>()?)).await?;
///     }
///     Ok(())
/// }
///
/// let server = rialto::Server::new(guard(login, chat));
/// ```
///
/// Guards stand behind each other as Node's `io.use` functions do: the outermost is asked first,
/// and the first to refuse is the last to be asked. What an outer one returns is in the socket's
/// data:
///
/// ```
/// # use rialto::{Events, Handshake, Refused, guard};
/// struct Version(u32);
///
/// async fn version(request: Handshake) -> Result<Version, Refused> {
///     let version = request.query("v").and_then(|text| text.parse().ok());
///     version.map(Version).ok_or_else(|| Refused::new("say which version").data(&["v"]))
/// }
/// # async fn login(_: Handshake) -> Result<String, Refused> { Ok(String::new()) }
///
/// let events = Events::new().on_connect(async |socket| {
///     let (version, name) = (socket.data::<Version>(), socket.data::<String>());
///     socket.emit("hello", (version.map(|version| version.0), name.as_deref())).await
/// });
/// let server = rialto::Server::new(guard(version, guard(login, events)));
/// ```
pub fn guard<L, F, T, H>(login: L, handler: H) -> Guard<L, H, T>
where
    L: Fn(Handshake) -> F + Send + Sync + 'static,
    F: Future<Output = Result<T, Refused>> + Send + 'static,
    T: Send + 'static,
    H: Guarded<T>,
{
    Guard { login, handler: Arc::new(handler), result: PhantomData }
}

/// A handler behind a login: what [`guard`] makes.
pub struct Guard<L, H, T> {
    login: L,
    handler: Arc<H>,
    result: PhantomData<fn() -> T>,
}

impl<L, H, T> fmt::Debug for Guard<L, H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl<L, F, T, H> Handler for Guard<L, H, T>
where
    L: Fn(Handshake) -> F + Send + Sync + 'static,
    F: Future<Output = Result<T, Refused>> + Send + 'static,
    T: Send + 'static,
    H: Guarded<T>,
{
    fn admit(self: Arc<Self>, handshake: &Handshake) -> Admission {
        let login = (self.login)(handshake.clone());
        let (handler, handshake) = (Arc::clone(&self.handler), handshake.clone());
        Admission::Later(Box::pin(
            async move { handler.start(&handshake, login.await?).decide().await },
        ))
    }

    fn readmit(self: Arc<Self>) -> Option<Start> {
        Arc::clone(&self.handler).restart()
    }
}
