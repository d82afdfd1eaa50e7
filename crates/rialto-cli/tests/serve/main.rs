//! The built command, as a person or a script uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod command;
mod gallery;
mod support;
