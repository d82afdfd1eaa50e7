//! The scenarios, in the order of the table.

use crate::load::{Content, Kind, Load};

/// A load with a name.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called on the command line and in the table.
    pub name: &'static str,
    /// What the clients do.
    pub load: Load,
}

const fn echo(name: &'static str, size: usize, depth: usize, connections: usize) -> Scenario {
    let (kind, content) = (Kind::Echo, Content::Binary);
    Scenario { name, load: Load { kind, size, content, depth, connections, deflate: false } }
}

const fn fanout(name: &'static str, connections: usize, depth: usize) -> Scenario {
    let (kind, content) = (Kind::Fanout, Content::Text);
    Scenario { name, load: Load { kind, size: 128, content, depth, connections, deflate: false } }
}

const fn text(scenario: Scenario, content: Content) -> Scenario {
    Scenario { load: Load { content, ..scenario.load }, ..scenario }
}

const fn deflate(scenario: Scenario) -> Scenario {
    Scenario { load: Load { deflate: true, ..scenario.load }, ..scenario }
}

const fn kind(scenario: Scenario, kind: Kind) -> Scenario {
    Scenario { load: Load { kind, ..scenario.load }, ..scenario }
}

/// Every scenario.
pub const SCENARIOS: &[Scenario] = &[
    echo("echo-16-d1", 16, 1, 64),
    echo("echo-512-d1", 512, 1, 64),
    echo("echo-512-c2000", 512, 1, 2000),
    echo("echo-16-d16", 16, 16, 64),
    echo("echo-512-d16", 512, 16, 64),
    echo("echo-16k-d1", 16 << 10, 1, 32),
    echo("echo-16k-d16", 16 << 10, 16, 16),
    echo("echo-1m", 1 << 20, 1, 4),
    text(echo("text-16k", 16 << 10, 1, 32), Content::NonAscii),
    fanout("fanout-100", 100, 1),
    fanout("fanout-1000", 1000, 1),
    fanout("fanout-5000", 5000, 1),
    fanout("fanout-1000-d8", 1000, 8),
    kind(echo("handshake", 0, 1, 32), Kind::Handshake),
    deflate(text(echo("deflate-1k", 1 << 10, 1, 32), Content::Text)),
    deflate(text(echo("deflate-16k", 16 << 10, 1, 32), Content::Text)),
    kind(text(echo("idle", 0, 1, 10_000), Content::Text), Kind::Idle),
    deflate(kind(text(echo("idle-deflate", 0, 1, 10_000), Content::Text), Kind::Idle)),
];
