//! Pages for those who run it: memory, flow control, compression, deployment, migration.

#[doc = include_str!("../docs/memory.md")]
pub mod memory {}

#[doc = include_str!("../docs/flow_control.md")]
pub mod flow_control {}

#[doc = include_str!("../docs/compression.md")]
pub mod compression {}

#[doc = include_str!("../docs/deployment.md")]
pub mod deployment {}

#[doc = include_str!("../docs/migrate.md")]
pub mod migrate {}
