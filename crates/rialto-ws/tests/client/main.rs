//! The client against servers, proxies and sockets of the real kind, on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail")]

mod support;

mod dialing;
mod proxies;
mod reconnecting;
mod redirects;
mod refusals;
mod relays;
mod time_limits;
#[cfg(feature = "tls")]
mod tls;
