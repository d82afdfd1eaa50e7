//! An event as the `recv` loop gets it, or a catch-all listener.

use super::emit::Emit;
use super::owed::{Owed, Wanted};
use super::socket::Socket;
use crate::error::Result;
use bytes::Bytes;
use rialto_protocol::socketio::{self, Attachments};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// An event that has arrived.
pub struct Event {
    socket: Socket,
    name: Box<str>,
    data: Box<str>,
    attachments: Vec<Bytes>,
    /// The ack that the client waits for.
    ack: Option<Owed>,
}

/// An event, borrowed from the buffer in which it arrived.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) name: &'a str,
    /// The JSON array, the event's name first.
    pub(super) data: &'a str,
    /// Where the name ends in it, if that is known: see [`socketio::Packet::name_end`].
    pub(super) name_end: usize,
    pub(super) attachments: Attachments<'a>,
    pub(super) ack: Option<Wanted<'a>>,
}

impl<'a> Incoming<'a> {
    /// Decodes the arguments.
    #[inline]
    pub(super) fn args<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(socketio::decode_event(self.data, self.name_end, self.attachments)?)
    }

    /// Bytes that it takes to keep the event.
    pub(super) fn size(&self) -> usize {
        self.data.len() + self.attachments.bytes()
    }

    /// The same, for several listeners.
    pub(super) fn shared<'b>(self, given: Option<&'b Arc<AtomicBool>>) -> Incoming<'b>
    where
        'a: 'b,
    {
        Incoming { ack: self.ack.map(|ack| ack.shared(given)), ..self }
    }

    pub(super) fn to_event(self, socket: &Socket) -> Event {
        Event {
            socket: socket.clone(),
            name: self.name.into(),
            data: self.data.into(),
            attachments: self.attachments.to_vec(),
            ack: self.ack.map(Wanted::to_owed),
        }
    }
}

/// What an event costs that is kept, beside what it says.
const OVERHEAD: usize = 256;

impl Event {
    /// Bytes of memory that it takes, about: many small events take more than they say.
    pub(super) fn weight(&self) -> usize {
        self.incoming().size() + OVERHEAD
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The socket that it came from.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Its arguments: one value for one argument, a tuple for several, `()` for whatever they are.
    ///
    /// # Errors
    /// If they do not fit the type; the error says which one.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T> {
        self.incoming().args()
    }

    /// The event as a variant of an enum: the variant's name is the event's, its fields are the
    /// arguments. Together with `#[serde(rename_all = "snake_case")]` it makes `match` the list of
    /// all events.
    ///
    /// # Errors
    /// If no variant has the event's name, or its fields do not fit the arguments.
    pub fn read<E: DeserializeOwned>(&self) -> Result<E> {
        Ok(socketio::read(&self.name, &self.data, &self.attachments)?)
    }

    /// True if the client waits for an ack that has not been sent yet.
    #[must_use]
    pub fn wants_ack(&self) -> bool {
        self.ack.as_ref().is_some_and(Owed::is_open)
    }

    /// Answers with an ack, if the client waits for one; only the first answer is sent, whichever
    /// listener of the event gives it.
    pub fn ack(&self, args: impl Serialize) -> Emit {
        match self.ack.as_ref().and_then(Owed::take) {
            Some(id) => self.socket.send_ack(id, &args),
            None => Emit::done(Ok(())),
        }
    }

    pub(super) fn incoming(&self) -> Incoming<'_> {
        Incoming {
            name: &self.name,
            data: &self.data,
            name_end: 0,
            attachments: Attachments::from(&self.attachments),
            ack: self.ack.as_ref().and_then(Owed::wanted),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("bytes", &self.incoming().size())
            .field("wants_ack", &self.wants_ack())
            .finish_non_exhaustive()
    }
}
