//! Values that are kept for one socket.

use super::Socket;
use crate::error::Result;
#[cfg(doc)]
use crate::socketio::remote::RemoteSocket;
use serde::Serialize;
use std::sync::Arc;

impl Socket {
    /// The value of this type that was stored for this socket.
    #[must_use]
    pub fn data<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.data.read().get()
    }

    /// Stores a value for this socket, in place of an earlier one of its type.
    pub fn set_data<T: Send + Sync + 'static>(&self, value: T) {
        let earlier = self.0.data.write().insert(value);
        drop(earlier);
    }

    /// As [`Socket::set_data`], and other servers see it as well: [`RemoteSocket::data`] decodes
    /// it. A socket has one such value; it takes the place of an earlier one, of whatever type.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn set_shared_data<T>(&self, value: T) -> Result<()>
    where
        T: Serialize + Send + Sync + 'static,
    {
        let json = serde_json::to_string(&value)?;
        let mut data = self.0.data.write();
        let earlier = (data.insert(SharedData(json.into())), data.insert(value));
        drop(data);
        drop(earlier);
        Ok(())
    }

    /// Takes the value of this type out again.
    pub fn remove_data<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.data.write().remove()
    }

    /// The server's state of this type: see [`Server::state`](crate::Server::state).
    ///
    /// # Panics
    /// If the server was given none. That ends this connection and shows in the log.
    #[must_use]
    #[track_caller]
    #[allow(clippy::panic, reason = "the program lacks a line; no peer can cause it")]
    pub fn state<T: Send + Sync + 'static>(&self) -> Arc<T> {
        match self.io().state() {
            Some(state) => state,
            None => panic!("no Server::state of type {}", std::any::type_name::<T>()),
        }
    }
}

/// What [`Socket::set_shared_data`] keeps beside the value.
pub(super) struct SharedData(pub(super) Arc<str>);
