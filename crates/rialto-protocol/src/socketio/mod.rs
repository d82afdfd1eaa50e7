//! Socket.IO: packets, binary attachments and the mapping of serde values to arguments.
//!
//! Everything here speaks revision 5 of the protocol and knows nothing of Engine.IO: it consumes
//! and makes the content of text and binary messages. Revision 4, of Socket.IO 1 and 2, differs in
//! what CONNECT and its refusal carry: see [`Packet::query`] and [`encode_error`].

mod args;
mod attachments;
mod binary;
mod encode;
mod error;
mod event;
mod json;
mod limits;
mod packet;
mod placeholder;
mod value;

pub use args::{decode, decode_borrowed, decode_event, read};
pub use attachments::Attachments;
pub use binary::{Assembled, Assembler};
pub use encode::{
    Connected, encode_ack, encode_connect, encode_connect_error, encode_disconnect, encode_enum,
    encode_error, encode_event, encode_payload,
};
pub use error::{Error, Violation};
pub use event::{event_name, is_reserved};
pub use json::MAX_DEPTH;
pub use limits::Limits;
pub use packet::{Packet, PacketType};
pub use value::{Args, Object, Value, ValueIndex};
