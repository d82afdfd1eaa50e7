//! [`RemoteSocket`]: a socket that was found, on whatever machine it is.

use super::broadcast::{Broadcast, Rooms};
use super::emit::Emit;
use super::namespace::Namespace;
use super::socket::Socket;
use crate::adapter::{Room, SocketDetails};
use crate::error::{Error, Result};
use crate::handshake::Handshake;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A socket of this or another machine, as it was when
/// [`fetch_sockets`](crate::Io::fetch_sockets) found it.
///
/// ```
/// # async fn example(io: rialto::Io) -> rialto::Result {
/// for socket in io.to("lobby").fetch_sockets().await? {
///     if socket.rooms().len() == 1 {
///         socket.emit("alone", ()).await?;
///         socket.leave("lobby");
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteSocket {
    namespace: Arc<Namespace>,
    details: SocketDetails,
    timeout: Option<Duration>,
}

impl RemoteSocket {
    pub(super) fn new(namespace: Arc<Namespace>, details: SocketDetails) -> Self {
        Self { namespace, details, timeout: None }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.details.id
    }

    /// The rooms it was in, sorted; the one of its own id is left out.
    #[must_use]
    pub fn rooms(&self) -> &[Room] {
        &self.details.rooms
    }

    /// The request that opened its connection.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.details.handshake
    }

    /// Its [shared data](Socket::set_shared_data), decoded; `None` if it had none.
    ///
    /// # Errors
    /// If it does not fit the type.
    pub fn data<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.details.data.as_deref().map(serde_json::from_str).transpose().map_err(Error::from)
    }

    /// The socket itself, if it is of this machine.
    #[must_use]
    pub fn local(&self) -> Option<Socket> {
        Socket::of(self.details.member.clone()?)
    }

    fn only(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.namespace)).to(&self.details.id)
    }

    /// Emits an event to it, as [`Broadcast::emit`] does.
    pub fn emit(&self, name: &str, args: impl Serialize) -> Emit {
        self.only().emit(name, args)
    }

    /// Sets how long [`RemoteSocket::emit_with_ack`] waits.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Emits an event and waits for the client's ack.
    ///
    /// # Errors
    /// [`Error::is_timeout`] if it did not answer, or left; an answer that does not fit the type.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        name: &str,
        args: impl Serialize,
    ) -> Result<T> {
        let limit = self.timeout.unwrap_or_else(|| self.namespace.ack_timeout());
        let acks = self.only().timeout(limit).emit_with_ack(name, args).await?;
        acks.answers.into_iter().next().map_or_else(|| Err(Error::timeout()), |(_, answer)| answer)
    }

    /// Makes it join rooms.
    pub fn join(&self, rooms: impl Rooms) {
        self.only().sockets_join(rooms);
    }

    /// Makes it leave rooms.
    pub fn leave(&self, rooms: impl Rooms) {
        self.only().sockets_leave(rooms);
    }

    /// Disconnects it, and with `close` ends the connection under it.
    pub fn disconnect(&self, close: bool) {
        self.only().disconnect_sockets(close);
    }
}

impl fmt::Debug for RemoteSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteSocket").field(&self.details).finish()
    }
}
