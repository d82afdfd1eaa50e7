//! Events on their way to a client, for those who want to know.

use super::socket::Socket;
use crate::error::Result;
use bytes::Bytes;
use rialto_protocol::socketio::{decode, event_name};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// An event that is about to be sent: see [`Socket::on_any_outgoing`].
#[derive(Clone)]
pub struct Outgoing<'a> {
    name: &'a str,
    /// The JSON array, the event's name first.
    data: &'a str,
    attachments: &'a [Bytes],
}

impl Outgoing<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// Its arguments, as the client would decode them; [`Args`](crate::Args) takes whatever they
    /// are.
    ///
    /// # Errors
    /// If they do not fit the type.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(decode(self.data, true, self.attachments)?)
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("name", &self.name).finish_non_exhaustive()
    }
}

pub(super) type OutgoingListener = dyn Fn(&Socket, &Outgoing<'_>) + Send + Sync;

/// The listeners of one socket, kept with its data: most sockets have none.
#[derive(Clone, Default)]
pub(super) struct OutgoingListeners(pub(super) Vec<Arc<OutgoingListener>>);

impl OutgoingListeners {
    /// Tells them of a packet, given as the text of the standard parser.
    pub(super) fn tell(&self, socket: &Socket, packet: &str, attachments: &[Bytes]) {
        let data = payload(packet);
        let Some((name, _)) = event_name(data) else { return };
        let event = Outgoing { name: &name, data, attachments };
        self.0.iter().for_each(|listener| listener(socket, &event));
    }
}

/// What stands behind the header of a packet that we have written.
fn payload(packet: &str) -> &str {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = packet.get(1..).unwrap_or_default();
    let rest = match rest.get(digits(rest)..) {
        Some(behind) if behind.starts_with('-') => &behind[1..],
        _ => rest,
    };
    let rest = match rest.split_once(',') {
        Some((_, behind)) if rest.starts_with('/') => behind,
        _ => rest,
    };
    &rest[digits(rest)..]
}

#[cfg(test)]
mod tests {
    use super::payload;

    #[test]
    fn headers_are_skipped() {
        for packet in ["2", "27", "2/a[b,", "2/a,7", "53-", "53-7", "53-/1-,7"] {
            assert_eq!(payload(&format!("{packet}[\"e\",1]")), "[\"e\",1]", "{packet}");
        }
    }
}
