//! The mapping between serde values and a packet's arguments.

mod borrow;
mod deserialize;
mod read;
mod resolve;
mod serialize;
mod serialize_event;
mod writer;

pub(super) use borrow::{RAW_ARGS, claim, is_text_wanted, lend, offer_text};
pub use deserialize::{decode, decode_borrowed, decode_event};
pub use read::read;
pub(super) use serialize::{Output, serialize_args};
pub(super) use serialize_event::serialize_event;
pub(super) use writer::write_string;
