//! Engine.IO: packets, long-polling payloads, the handshake and one session's state machine.
//!
//! Everything here speaks revision 4 of the protocol; what revision 3 writes otherwise, the one of
//! Socket.IO 1 and 2, stands in [`revision3`]. [`Session`] knows both.

mod handshake;
pub mod jsonp;
mod open;
mod packet;
mod payload;
mod query;
pub mod revision3;
mod session;
mod violation;

pub use handshake::HandshakeError;
pub use open::{Open, OpenError};
pub use packet::{Packet, PacketType, Transport};
pub use payload::{DEFAULT_MAX_PACKETS, PayloadDecoder, PayloadEncoder};
pub use query::{MAX_QUERY_BYTES, MAX_QUERY_PAIRS, Query, Version, query_pairs};
pub use session::{Config, Poll, Probe, Received, Refusal, Session, State, Timeout};
pub use violation::Violation;
