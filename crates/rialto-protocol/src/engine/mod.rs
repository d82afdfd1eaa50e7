//! Engine.IO: packets, long-polling payloads, the handshake and one session's state machine.
//!
//! Everything here speaks revision 4 of the protocol.
//! [`Version`] already knows revision 3, so that a request of an old client can be recognised and
//! refused in its own words.

mod handshake;
mod open;
mod packet;
mod payload;
mod query;
mod session;
mod violation;

pub use handshake::HandshakeError;
pub use open::{Open, OpenError};
pub use packet::{Packet, PacketType, Transport};
pub use payload::{DEFAULT_MAX_PACKETS, PayloadDecoder, PayloadEncoder};
pub use query::{MAX_QUERY_BYTES, MAX_QUERY_PAIRS, Query, Version};
pub use session::{Config, Poll, Probe, Received, Refusal, Session, State, Timeout};
pub use violation::Violation;
