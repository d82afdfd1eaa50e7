//! The side-by-side benchmark of WebSocket and Socket.IO servers: the load, the rounds, the report.
//!
//! - [`load`]: one thread of clients against one server, every reply checked, and what it cost
//!   the server.
//! - [`run`]: servers, scenarios, rounds.
//! - [`report`]: medians, ratios, bars.
//! - [`floor`]: what the floors share: servers that only move bytes.

pub mod floor;
pub mod load;
pub mod report;
pub mod run;
