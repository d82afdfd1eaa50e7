//! What revision 3 of the protocol writes otherwise: the Engine.IO of Socket.IO 1 and 2.
//!
//! The packets are those of [`Packet`](super::Packet). Three things differ on the wire: binary
//! carries its type ([`decode_binary`], [`encode_binary`]), base64 as well ([`decode_text`],
//! [`encode_base64`]), and a polling body gives the length of each packet ([`PayloadDecoder`],
//! [`PayloadEncoder`]).
//! Who pings is [`Session`](super::Session)'s business.

mod decoder;
mod encoder;
mod packet;

pub use decoder::PayloadDecoder;
pub use encoder::{Form, PayloadEncoder};
pub use packet::{decode_binary, decode_text, encode_base64, encode_binary};
