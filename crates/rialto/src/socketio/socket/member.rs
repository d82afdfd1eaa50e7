//! A [`Socket`] as adapters see it: what broadcasts reach.

use super::{Pending, SharedData, Socket};
use crate::adapter::{AckRequest, Member, Room, outside};
use crate::encoded::Encoded;
use crate::engine::SendError;
use crate::handshake::Handshake;
use crate::options::SlowPeer;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Socket {
    /// A broadcast has found no room.
    fn overflow(&self, volatile: bool, ack: Option<&AckRequest>) {
        let session = &self.0.session;
        match session.options().slow_peer {
            _ if volatile => session.counters().dropped_volatile(),
            SlowPeer::Drop => {
                session.counters().dropped();
                if let Some(request) = ack {
                    // It was not asked, so it will not answer.
                    self.0.state.lock().acks.remove(&request.id);
                    request.sink.answer(&self.0.id, None);
                }
            }
            SlowPeer::Wait | SlowPeer::Close => session.close_slow(),
        }
    }
}

impl Member for Socket {
    fn id(&self) -> &Room {
        &self.0.id
    }

    fn deliver(&self, packet: &Encoded, ack: Option<&AckRequest>) {
        if let Some(request) = ack {
            let pending = Pending::Broadcast(Arc::clone(&request.sink));
            request.sink.expect(&self.0.id);
            if self.expect_ack(request.id, pending).is_err() {
                return request.sink.answer(&self.0.id, None);
            }
        }
        if self.0.watched.load(Ordering::Relaxed) {
            let attachments: Vec<_> = packet.attachments().map(Bytes::copy_from_slice).collect();
            let (socket, text) = (self.clone(), packet.text_as_emitted().into_owned());
            outside(move || socket.tell(&text, &attachments));
        }
        match self.0.session.send_encoded(packet) {
            Ok(()) => {}
            // The socket's end is on its way and resolves the ack.
            Err(SendError::Closed) => {}
            Err(SendError::Full) => self.overflow(packet.is_volatile(), ack),
        }
    }

    fn disconnect(&self, close: bool) {
        Self::disconnect(self, close);
    }

    fn handshake(&self) -> &Handshake {
        &self.0.handshake
    }

    fn shared_data(&self) -> Option<Arc<str>> {
        self.data::<SharedData>().map(|data| Arc::clone(&data.0))
    }
}
