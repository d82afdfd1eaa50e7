//! What a namespace does with a client: a function, a table, or either behind a `guard`.

use super::events::Events;
use super::socket::Socket;
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

/// What happens once a client has joined.
#[doc(hidden)]
pub struct Start(StartKind);

pub(super) enum StartKind {
    /// Its events go to a table.
    Table { table: Arc<Events>, prepare: Option<Prepare> },
    /// A future serves it and receives its events.
    Run(Box<dyn FnOnce(Socket) -> BoxFuture<'static, Result<()>> + Send>),
}

impl Start {
    /// Gives the socket what the login has found.
    pub(super) fn prepare(self, socket: &Socket) -> StartKind {
        match self.0 {
            StartKind::Table { table, prepare: Some(prepare) } => {
                prepare(socket);
                StartKind::Table { table, prepare: None }
            }
            start => start,
        }
    }
}

pub(super) type Prepare = Box<dyn FnOnce(&Socket) + Send>;

impl<H, F> Handler for H
where
    H: Fn(Socket) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    fn admit(self: Arc<Self>, _handshake: &Handshake) -> Admission {
        Admission::Now(Start(StartKind::Run(Box::new(move |socket| Box::pin(self(socket))))))
    }
}

impl Handler for Events {
    fn admit(self: Arc<Self>, _handshake: &Handshake) -> Admission {
        Admission::Now(Start(StartKind::Table { table: self, prepare: None }))
    }

    fn readmit(self: Arc<Self>) -> Option<Start> {
        Some(Start(StartKind::Table { table: self, prepare: None }))
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
}

impl Refused {
    /// A refusal with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds data, which the client finds in `error.data`; a value that is not JSON is left out.
    #[must_use]
    pub fn data(mut self, data: &impl Serialize) -> Self {
        self.data = serde_json::to_string(data).ok();
        self
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
            return Self::new("invalid auth");
        }
        tracing::warn!(%error, "a login failed");
        Self::new("login failed")
    }
}

/// A handler that needs what a login returns: see [`guard`].
#[diagnostic::on_unimplemented(
    message = "this handler does not take what the login returns",
    note = "after `guard(login, handler)` the handler takes a `Socket` and `{T}`, or is `Events`"
)]
pub trait Guarded<T>: Send + Sync + 'static {
    /// What happens once the client has joined with this login.
    #[doc(hidden)]
    fn start(self: Arc<Self>, login: T) -> Start;

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
    fn start(self: Arc<Self>, login: T) -> Start {
        Start(StartKind::Run(Box::new(move |socket| Box::pin(self(socket, login)))))
    }
}

/// The table's handlers find the login by `socket.data::<T>()`.
impl<T: Send + Sync + 'static> Guarded<T> for Events {
    fn start(self: Arc<Self>, login: T) -> Start {
        let prepare: Prepare = Box::new(move |socket| socket.set_data(login));
        Start(StartKind::Table { table: self, prepare: Some(prepare) })
    }

    /// What the login had found is still among the socket's data.
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
pub fn guard<L, F, T, H>(login: L, handler: H) -> impl Handler
where
    L: Fn(Handshake) -> F + Send + Sync + 'static,
    F: Future<Output = Result<T, Refused>> + Send + 'static,
    T: Send + 'static,
    H: Guarded<T>,
{
    Guard { login, handler: Arc::new(handler), result: PhantomData }
}

struct Guard<L, H, T> {
    login: L,
    handler: Arc<H>,
    result: PhantomData<fn() -> T>,
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
        let handler = Arc::clone(&self.handler);
        Admission::Later(Box::pin(async move { Ok(handler.start(login.await?)) }))
    }

    fn readmit(self: Arc<Self>) -> Option<Start> {
        Arc::clone(&self.handler).restart()
    }
}
