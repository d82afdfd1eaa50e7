//! [`Broadcast`]: one event to many.

use super::acks::{Acks, Collector};
use super::emit::Emit;
use super::namespace::Namespace;
use super::remote::RemoteSocket;
use crate::adapter::{AckRequest, AckSink, Host, Operation, Room, Target};
use crate::encoded::{Encoded, Flags, with_scratch};
use crate::error::Result;
use bytes::Bytes;
use rialto_protocol::socketio;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Names of rooms: one, or several.
pub trait Rooms {
    /// The names.
    fn into_rooms(self) -> Vec<Room>;
}

macro_rules! one_room {
    ($($name:ty),+) => {$(
        impl Rooms for $name {
            fn into_rooms(self) -> Vec<Room> {
                vec![self.into()]
            }
        }
    )+};
}

one_room!(&str, String, Room);

impl Rooms for &String {
    fn into_rooms(self) -> Vec<Room> {
        vec![self.as_str().into()]
    }
}

impl Rooms for &Room {
    fn into_rooms(self) -> Vec<Room> {
        vec![Arc::clone(self)]
    }
}

impl<R: Into<Room>> Rooms for Vec<R> {
    fn into_rooms(self) -> Vec<Room> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<R: Into<Room>, const N: usize> Rooms for [R; N] {
    fn into_rooms(self) -> Vec<Room> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<R: AsRef<str>> Rooms for &[R] {
    fn into_rooms(self) -> Vec<Room> {
        self.iter().map(|room| room.as_ref().into()).collect()
    }
}

/// One event to many: who, and how. Ends with [`Broadcast::emit`] or one of its relatives.
///
/// ```
/// # async fn example(io: rialto::Io) -> rialto::Result {
/// io.to("room").except("muted").volatile().emit("news", "What news on the Rialto?").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "end it with `emit`"]
pub struct Broadcast {
    namespace: Arc<Namespace>,
    target: Target,
    flags: Flags,
    timeout: Option<Duration>,
}

impl Broadcast {
    pub(super) fn new(namespace: Arc<Namespace>) -> Self {
        Self { namespace, target: Target::default(), flags: Flags::default(), timeout: None }
    }

    /// Adds rooms to reach; each member is reached once.
    pub fn to(mut self, rooms: impl Rooms) -> Self {
        self.target.rooms.extend(rooms.into_rooms());
        self
    }

    /// Adds rooms to leave out.
    pub fn except(mut self, rooms: impl Rooms) -> Self {
        self.target.except.extend(rooms.into_rooms());
        self
    }

    /// Only sockets of this machine.
    pub fn local(mut self) -> Self {
        self.target.local = true;
        self
    }

    /// May be dropped for a client that is not ready for it.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether it is compressed for the clients that have agreed on compression. Default true; not
    /// worth it for what is compressed already, as images are.
    pub fn compress(mut self, on: bool) -> Self {
        self.flags.compress = on;
        self
    }

    /// How long [`Broadcast::emit_with_ack`] waits.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Emits the event: encoded once, handed to every receiver before this returns, waiting for
    /// none. Awaiting the result says whether the arguments could be sent, and lets other tasks
    /// run now and then.
    pub fn emit(self, name: &str, args: impl Serialize) -> Emit {
        Emit::broadcast(self.emit_now(name, &args))
    }

    pub(super) fn emit_now(&self, name: &str, args: &impl Serialize) -> Result<()> {
        let packet = self.encode(None, name, args)?;
        self.namespace.adapter().broadcast(&packet, &self.target, None);
        Ok(())
    }

    /// Emits the event and collects the acks of all receivers, until everyone has answered or
    /// left or the time is up. Then, or when this is dropped, no answer is waited for any more.
    ///
    /// # Errors
    /// If the arguments cannot be sent. Missing answers are no error: [`Acks`] names them.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        self,
        name: &str,
        args: impl Serialize,
    ) -> Result<Acks<T>> {
        let id = self.namespace.next_ack();
        let packet = self.encode(Some(id), name, &args)?;
        let collector = Arc::new(Collector::default());
        let sink: Arc<dyn AckSink> = collector.clone();
        // While it lives, the sockets that were asked owe their answers.
        let request = AckRequest::new(id, sink);
        self.namespace.adapter().broadcast(&packet, &self.target, Some(&request));
        let limit = self.timeout.unwrap_or_else(|| self.namespace.ack_timeout());
        // What has come when the time is up is the answer as well.
        let _ = tokio::time::timeout(limit, collector.complete()).await;
        Ok(collector.take())
    }

    /// Emits a variant of an enum: the counterpart of [`Event::read`](crate::Event::read).
    pub fn send(self, event: &impl Serialize) -> Emit {
        Emit::broadcast(self.send_now(event))
    }

    pub(super) fn send_now(&self, event: &impl Serialize) -> Result<()> {
        let nsp = self.namespace.name();
        let packet = self.packet(|out| socketio::encode_enum(out, nsp, None, event))?;
        self.namespace.adapter().broadcast(&packet, &self.target, None);
        Ok(())
    }

    fn encode(&self, ack: Option<u64>, name: &str, args: &impl Serialize) -> Result<Encoded> {
        let nsp = self.namespace.name();
        self.packet(|out| socketio::encode_event(out, nsp, ack, name, args))
    }

    fn packet(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>, socketio::Error>,
    ) -> Result<Encoded> {
        with_scratch(|out| {
            let attachments = encode(out)?;
            let text = std::str::from_utf8(&out[1..]).unwrap_or_default();
            self.namespace.encoded(text, &attachments, self.flags)
        })
    }

    /// The sockets that this would reach.
    ///
    /// # Errors
    /// If other machines do not answer in time.
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>> {
        let found = self.namespace.adapter().fetch(&self.target).await?;
        let remote = |details| RemoteSocket::new(Arc::clone(&self.namespace), details);
        Ok(found.into_iter().map(remote).collect())
    }

    /// Makes those sockets join rooms.
    pub fn sockets_join(&self, rooms: impl Rooms) {
        let operation = Operation::Join(rooms.into_rooms());
        self.namespace.adapter().apply(&self.target, &operation);
    }

    /// Makes those sockets leave rooms.
    pub fn sockets_leave(&self, rooms: impl Rooms) {
        let operation = Operation::Leave(rooms.into_rooms());
        self.namespace.adapter().apply(&self.target, &operation);
    }

    /// Disconnects those sockets, and with `close` ends the connections under them.
    pub fn disconnect_sockets(&self, close: bool) {
        self.namespace.adapter().apply(&self.target, &Operation::Disconnect { close });
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("target", &self.target).finish_non_exhaustive()
    }
}
