//! Events to one client, the acks that it owes and gives, and who is told of what is sent.

use super::Socket;
use crate::adapter::{Answer, Debtor, Host};
use crate::encoded::Flags;
use crate::error::{Error, Result};
use crate::socketio::acks::{Pending, decode};
use crate::socketio::emit::{Emit, Manner};
use crate::socketio::emitter::Emitter;
#[cfg(doc)]
use crate::socketio::event::Event;
use crate::socketio::outgoing::{Outgoing, OutgoingListener, OutgoingListeners};
use crate::socketio::returning::Track;
use bytes::Bytes;
use rialto_protocol::socketio;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

impl Socket {
    /// Emits an event to this client: one value is one argument, a tuple several, `()` none.
    ///
    /// The event is queued at once if the client's byte budget has room; awaiting the result
    /// waits for room otherwise.
    pub fn emit(&self, name: &str, args: impl Serialize) -> Emit {
        self.emit_flagged(name, &args, Flags::default())
    }

    /// Emits a variant of an enum: the counterpart of [`Event::read`].
    pub fn send(&self, event: &impl Serialize) -> Emit {
        let nsp = self.0.namespace.name();
        Emit::start(&self.0.session, Manner::event(self.track(), Flags::default()), |out| {
            self.watching(out, |out| socketio::encode_enum(out, nsp, None, event))
        })
    }

    pub(in super::super) fn emit_flagged(
        &self,
        name: &str,
        args: &impl Serialize,
        flags: Flags,
    ) -> Emit {
        if self.is_over() {
            return Emit::done(Err(Error::disconnected()));
        }
        let nsp = self.0.namespace.name();
        Emit::start(&self.0.session, Manner::event(self.track(), flags), |out| {
            self.watching(out, |out| socketio::encode_event(out, nsp, None, name, args))
        })
    }

    /// Encodes an event, and tells those who want to know.
    fn watching(
        &self,
        out: &mut Vec<u8>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Vec<Bytes>, socketio::Error>,
    ) -> Result<Vec<Bytes>, socketio::Error> {
        let start = out.len();
        let attachments = encode(out)?;
        if self.0.watched.load(Ordering::Relaxed) {
            let packet = std::str::from_utf8(&out[start..]).unwrap_or_default();
            self.tell(packet, &attachments);
        }
        Ok(attachments)
    }

    pub(super) fn tell(&self, packet: &str, attachments: &[Bytes]) {
        if let Some(listeners) = self.data::<OutgoingListeners>() {
            listeners.tell(self, packet, attachments);
        }
    }

    /// Is told of every event that goes to this client, broadcasts included, before it is queued
    /// (with connection state recovery, of a broadcast right after it was).
    pub fn on_any_outgoing<H>(&self, handler: H)
    where
        H: Fn(&Self, &Outgoing<'_>) + Send + Sync + 'static,
    {
        self.watch(|listeners| listeners.push(Arc::new(handler)));
    }

    /// As [`Socket::on_any_outgoing`], before those that are there already.
    pub fn prepend_any_outgoing<H>(&self, handler: H)
    where
        H: Fn(&Self, &Outgoing<'_>) + Send + Sync + 'static,
    {
        self.watch(|listeners| listeners.insert(0, Arc::new(handler)));
    }

    /// Removes whatever is told of outgoing events, the table's
    /// ([`Events::on_any_outgoing`](crate::Events::on_any_outgoing)) included.
    pub fn off_any_outgoing(&self) {
        self.watch(Vec::clear);
    }

    pub(in super::super) fn watch(&self, change: impl FnOnce(&mut Vec<Arc<OutgoingListener>>)) {
        let mut data = self.0.data.write();
        let listeners = data.get::<OutgoingListeners>();
        let mut listeners = listeners.as_deref().cloned().unwrap_or_default();
        change(&mut listeners.0);
        self.0.watched.store(!listeners.0.is_empty(), Ordering::Relaxed);
        let earlier = data.insert(listeners);
        // What listeners hold is the program's, and so are the values below: they are dropped when
        // nothing is locked.
        drop(data);
        drop(earlier);
    }

    /// Where its events are recorded, if it can come back for them.
    fn track(&self) -> Option<Track> {
        self.0.identity.as_ref().and_then(|_| Track::of(&self.0.namespace, &self.0.id))
    }

    pub(in super::super) fn send_ack(&self, id: u64, args: &impl Serialize) -> Emit {
        let nsp = self.0.namespace.name();
        Emit::start(&self.0.session, Manner::default(), |out| {
            socketio::encode_ack(out, nsp, id, args)
        })
    }

    /// Emits an event and waits for the client's ack.
    ///
    /// It always ends: with the answer, after [`Options::ack_timeout`](crate::Options), or when
    /// the client leaves.
    ///
    /// # Errors
    /// [`Error::is_timeout`], [`Error::is_disconnected`], or an answer that does not fit the type.
    pub async fn emit_with_ack<T: DeserializeOwned>(
        &self,
        name: &str,
        args: impl Serialize,
    ) -> Result<T> {
        self.ask(name, &args, self.ack_timeout(), Flags::default()).await
    }

    pub(in super::super) fn ask<T: DeserializeOwned, A: Serialize>(
        &self,
        name: &str,
        args: &A,
        limit: Duration,
        flags: Flags,
    ) -> impl Future<Output = Result<T>> + Send + use<T, A> {
        let id = self.0.namespace.next_ack();
        let (sender, receiver) = oneshot::channel();
        let registered = self.expect_ack(id, Pending::One(sender));
        let guard = AckGuard(self.clone(), id);
        let nsp = self.0.namespace.name();
        let sending = match registered {
            Err(error) => Emit::done(Err(error)),
            Ok(()) => Emit::start(&self.0.session, flags.into(), |out| {
                self.watching(out, |out| socketio::encode_event(out, nsp, Some(id), name, args))
            }),
        };
        async move {
            let _guard = guard;
            let answering = async {
                sending.await?;
                receiver.await.map_err(|_| Error::disconnected())
            };
            match tokio::time::timeout(limit, answering).await {
                Ok(answer) => decode(&answer?),
                Err(_) => Err(Error::timeout()),
            }
        }
    }

    pub(super) fn expect_ack(&self, id: u64, pending: Pending) -> Result<()> {
        let mut state = self.0.state.lock();
        if state.reason.is_some() {
            return Err(Error::disconnected());
        }
        if state.acks() >= self.0.session.options().max_pending_acks {
            return Err(Error::full());
        }
        let displaced = state.add_ack(id, pending);
        drop(state);
        if let Some(displaced) = displaced {
            displaced.resolve(&self.0.id, None);
        }
        Ok(())
    }

    /// An ack of the client has come; one that nobody waits for is ignored.
    pub(in super::super) fn answer(&self, id: u64, answer: Answer) {
        let pending = self.0.state.lock().take_ack(id);
        if let Some(pending) = pending {
            pending.resolve(&self.0.id, Some(answer));
        }
    }

    /// Emits that may be dropped if the client is not ready for them.
    #[must_use]
    pub fn volatile(&self) -> Emitter<'_> {
        Emitter::new(self).volatile()
    }

    /// Whether emits are compressed, if the client has agreed on compression. Default true; not
    /// worth it for what is compressed already, as images are. A poll is compressed if anything in
    /// it is.
    #[must_use]
    pub fn compress(&self, on: bool) -> Emitter<'_> {
        Emitter::new(self).compress(on)
    }

    /// Sets how long [`Emitter::emit_with_ack`] waits.
    #[must_use]
    pub fn timeout(&self, limit: Duration) -> Emitter<'_> {
        Emitter::new(self).timeout(limit)
    }

    /// The time for acks unless told otherwise.
    pub(in super::super) fn ack_timeout(&self) -> Duration {
        self.0.session.options().ack_timeout
    }
}

/// Forgets an ack that nobody waits for any more.
struct AckGuard(Socket, u64);

impl Drop for AckGuard {
    fn drop(&mut self) {
        self.0.0.forgive(self.1);
    }
}
