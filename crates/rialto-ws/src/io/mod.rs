//! The tokio side: buffers, turns, the two halves of a connection.

mod closing;
pub(crate) mod fleet;
pub(crate) mod pool;
pub(crate) mod pulse;
pub(crate) mod queue;
pub(crate) mod random;
pub(crate) mod reader;
pub(crate) mod stream;
pub mod turn;
pub(crate) mod writer;
