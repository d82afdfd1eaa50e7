//! A [`Socket`] as adapters see it: what broadcasts reach.

use super::data::SharedData;
use super::{Inner, Socket};
use crate::adapter::{AckRequest, Debtor, Member, Room, outside};
use crate::encoded::Encoded;
use crate::engine::SendError;
use crate::handshake::Handshake;
use crate::options::SlowPeer;
use crate::socketio::acks::Pending;
use bytes::Bytes;
use std::any::Any;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

impl Socket {
    /// As adapters hold it.
    pub(in super::super) fn member(&self) -> Arc<dyn Member> {
        Arc::<Inner>::clone(&self.0)
    }

    /// What an adapter holds, if it is a socket of this server.
    pub(in super::super) fn of(member: Arc<dyn Member>) -> Option<Self> {
        let member: Arc<dyn Any + Send + Sync> = member;
        member.downcast().ok().map(Self)
    }

    /// Whether it was asked for its answer to a broadcast.
    fn asked(&self, request: &AckRequest) -> bool {
        let pending = Pending::Broadcast(Arc::clone(&request.sink));
        request.sink.expect(&self.0.id);
        let asked = self.expect_ack(request.id, pending).is_ok();
        if asked {
            let this: Weak<Inner> = self.0.this.clone();
            request.owed_by(this);
        } else {
            request.sink.answer(&self.0.id, None);
        }
        asked
    }

    fn tell_of(&self, packet: &Encoded) {
        let attachments: Vec<_> = packet.attachments().map(Bytes::copy_from_slice).collect();
        let (socket, text) = (self.clone(), packet.text_as_emitted().into_owned());
        outside(move || socket.tell(&text, &attachments));
    }

    /// A broadcast has found no room.
    fn overflow(&self, volatile: bool, ack: Option<&AckRequest>) {
        let session = &self.0.session;
        match session.options().slow_peer {
            _ if volatile => session.counters().dropped_volatile(),
            SlowPeer::Drop => {
                session.counters().dropped();
                if let Some(request) = ack {
                    // It was not asked, so it will not answer.
                    self.0.forgive(request.id);
                    request.sink.answer(&self.0.id, None);
                }
            }
            SlowPeer::Wait | SlowPeer::Close => session.close_slow(),
        }
    }
}

impl Inner {
    /// The socket that this is. Nobody could ask once it were gone.
    fn socket(&self) -> Option<Socket> {
        self.this.upgrade().map(Socket)
    }
}

impl Debtor for Inner {
    fn forgive(&self, id: u64) {
        let pending = self.state.lock().take_ack(id);
        // The last holder of a sink may be an adapter's: nothing is locked when it goes.
        drop(pending);
    }
}

impl Member for Inner {
    fn id(&self) -> &Room {
        &self.id
    }

    fn deliver(&self, packet: &Encoded, ack: Option<&AckRequest>) {
        if let Some(request) = ack
            && !self.socket().is_some_and(|socket| socket.asked(request))
        {
            return;
        }
        if self.watched.load(Ordering::Relaxed)
            && let Some(socket) = self.socket()
        {
            socket.tell_of(packet);
        }
        match self.session.send_encoded(packet) {
            Ok(()) => {}
            // The socket's end is on its way and resolves the ack.
            Err(SendError::Closed) => {}
            Err(SendError::Full) => {
                if let Some(socket) = self.socket() {
                    socket.overflow(packet.is_volatile(), ack);
                }
            }
        }
    }

    fn disconnect(&self, close: bool) {
        if let Some(socket) = self.socket() {
            socket.disconnect(close);
        }
    }

    fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    fn shared_data(&self) -> Option<Arc<str>> {
        self.data.read().get::<SharedData>().map(|data| Arc::clone(&data.0))
    }

    fn max_rooms(&self) -> usize {
        self.session.options().max_rooms
    }

    fn refused_rooms(&self) {
        // Or it is gone, and that was why.
        if !self.over.load(Ordering::Acquire) && !self.crowded.swap(true, Ordering::Relaxed) {
            let (most, id, namespace) = (self.max_rooms(), &self.id, self.namespace.name());
            tracing::warn!(most, %id, namespace, "a socket is in as many rooms as it may be in");
        }
    }
}
