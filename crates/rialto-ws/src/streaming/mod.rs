//! Messages too large to be held in memory: received piece by piece, sent in fragments.

mod reader;
mod writer;

pub use reader::MessageReader;
pub use writer::MessageWriter;

use crate::error::Error;
use std::io;

/// For `AsyncRead` and `AsyncWrite`, which know only one kind of error. The cause stays inside.
fn into_io(error: Error) -> io::Error {
    let kind = if error.is_violation() {
        io::ErrorKind::InvalidData
    } else if error.is_invalid() {
        io::ErrorKind::InvalidInput
    } else {
        io::ErrorKind::ConnectionAborted
    };
    io::Error::new(kind, error)
}
