//! The state machine of a session and its vocabulary.

mod config;
mod machine;
mod outcome;

pub use config::Config;
pub use machine::Session;
pub use outcome::{Poll, Probe, Received, Refusal, State, Timeout};
