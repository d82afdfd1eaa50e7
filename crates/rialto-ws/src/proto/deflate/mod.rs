//! permessage-deflate (RFC 7692): what is wished, what is agreed on, and the work itself.
//!
//! [`Deflate`] holds a side's wishes. A server turns an offer into [`Agreed`] by
//! [`Deflate::accept`], a client makes an [`Offer`] and checks the answer against it.
//! [`Agreed::codec`] gives the two directions, [`Compressor`] and [`Decompressor`], for whole
//! messages and, with a [`Deflation`] or an [`Inflation`] for each, for messages in pieces.

mod codec;
mod context;
mod negotiate;
mod options;
mod pieces;

pub use codec::{Compressor, Decompressor};
pub use negotiate::{Agreed, Offer};
pub use options::Deflate;
pub use pieces::{Deflation, Inflated, Inflation};
