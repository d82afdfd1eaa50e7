//! The other programs: what the test suites of other projects ask of a server.

pub(crate) mod client;
pub(crate) mod engine_client;
pub(crate) mod protocol;
