//! The project's own commands, as a library so that tests can call them.
//!
//! - [`tidy`]: what no compiler checks: module arrows, sizes, docs, leftovers, links.
//! - [`ci`]: everything a fresh machine needs to say whether the project is sound.
//! - [`client`]: the bundles of the browser client.
//! - [`autobahn`]: the test suite of that name, against our WebSocket server and client.
//! - [`mod@bench`]: servers side by side.
//! - [`fuzz`] and [`miri`]: made-up input, and undefined behaviour; both want a nightly toolchain.
//!
//! Nothing here is published; nothing in the product depends on it.
// These are commands for people: what they have to say goes to standard output.
#![allow(clippy::print_stdout)]

pub mod autobahn;
pub mod bench;
pub mod ci;
pub mod client;
pub mod fuzz;
pub mod lex;
pub mod miri;
pub mod nightly;
pub mod source;
pub mod tidy;
pub mod tree;
