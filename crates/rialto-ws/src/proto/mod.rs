//! The protocol without I/O: frames, masking, UTF-8, compression, messages, close, handshake.
//!
//! Nothing here imports a runtime, reads a clock or draws a random number.
//! Bytes go in as slices, masking keys and nonces as arguments;
//! what happened comes out as values.
//! A violation of the RFC is a [`Violation`], which knows the close code that answers it.

pub mod deflate;
pub mod handshake;

mod close;
mod decoder;
mod frame;
mod limits;
mod mask;
mod message;
mod text;
mod utf8;
mod violation;

pub use close::{CloseCode, CloseFrame};
pub use decoder::{Body, Decoded, DecodedPiece, Decoder, Item, Piece};
pub use deflate::Deflate;
pub use frame::{Header, OpCode, RSV1, Role};
pub use limits::Limits;
pub use mask::apply_mask;
pub use message::{Kind, Message, MessageRef};
pub use text::Text;
pub(crate) use text::checked_str;
pub use utf8::Utf8Check;
pub use violation::Violation;
