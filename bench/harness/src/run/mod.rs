//! One run of the benchmark: every server under every load, in rounds.

mod certificate;
mod options;
mod process;
mod scenarios;
mod servers;
mod suite;

pub use options::Cores;
pub use options::{Asked, Options, parse};
pub use process::raise_open_files;
pub use scenarios::{SOCKETIO, Scenario, WEBSOCKET, Work};
pub use servers::{Group, Server};
pub use suite::Suite;

use crate::load::{self, Outcome, Span, Target};
use anyhow::{Result, bail};
use certificate::Certificate;
use process::Running;
use std::io::Write;
use std::time::Duration;

/// What one server gave under one load in one round.
#[derive(Debug)]
pub struct Row {
    /// The round, from 0.
    pub round: usize,
    /// The scenario's name.
    pub scenario: &'static str,
    /// The server's name.
    pub server: String,
    /// What it cost, or why it failed.
    pub outcome: Result<Outcome>,
}

/// Runs everything that the options choose. `A B C`, then `C B A`: whoever runs after a hungry
/// neighbour does not always do so. `done` sees each row as soon as it is there.
///
/// # Errors
/// When `done` fails; a server that fails is a row.
pub fn all(options: &Options, mut done: impl FnMut(&Row) -> Result<()>) -> Result<Vec<Row>> {
    let encrypts = options.scenarios.iter().any(Scenario::encrypts);
    let certificate = encrypts.then(Certificate::new).transpose()?;
    let mut rows = Vec::new();
    for round in 0..options.rounds {
        // Memory depends on nobody else: one round of it says all.
        let again = |it: &&Scenario| round == 0 || !it.rests();
        for scenario in options.scenarios.iter().filter(again) {
            let mut servers: Vec<&Server> =
                options.servers.iter().filter(|server| server.fits(scenario)).collect();
            if round % 2 == 1 {
                servers.reverse();
            }
            for server in servers {
                let outcome = one(server, scenario, options, certificate.as_ref());
                let row =
                    Row { round, scenario: scenario.name, server: server.name.clone(), outcome };
                say(&row);
                done(&row)?;
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn one(
    server: &Server,
    scenario: &Scenario,
    options: &Options,
    certificate: Option<&Certificate>,
) -> Result<Outcome> {
    let scenario = scenario.capped(options.most_connections);
    let words = certificate.filter(|_| scenario.encrypts()).map(Certificate::words);
    let command = server.command(scenario.deflates(), words.as_deref());
    // A huge page that an allocator has got is counted whole, however little of it is in use.
    let small_pages = if scenario.rests() { "env MIMALLOC_ALLOW_THP=0 " } else { "" };
    let running = Running::start(&format!("{small_pages}{command}"), options.cores.as_ref())?;
    let raw = server.group == Group::Floor;
    let target = Target { port: running.port(), process: running.id(), raw };
    let span = Span {
        warmup: Duration::from_secs_f64(options.warmup),
        measured: Duration::from_secs_f64(options.seconds),
        resting: Duration::from_secs_f64(options.resting),
    };
    let outcome = match scenario.work {
        Work::WebSocket(load) => load::run(&load, target, span),
        Work::SocketIo(load) => {
            load::socketio::run(&load, target, span, certificate.map(Certificate::trust))
        }
    }?;
    match outcome {
        // A peer's losses are a fact about it and stand in the table; ours are a defect.
        Outcome::Cost(cost)
            if cost.lost > 0 && matches!(server.group, Group::Ours | Group::Floor) =>
        {
            bail!("{} messages never came back", cost.lost)
        }
        outcome => Ok(outcome),
    }
}

/// Progress, on standard error; the tables alone go to standard output.
fn say(row: &Row) {
    let what = match &row.outcome {
        Ok(Outcome::Cost(cost)) => format!(
            "{:.0} ns each, server {:.0} %, clients {:.0} %, {} lost",
            cost.nanos,
            cost.server_busy * 100.0,
            cost.clients_busy * 100.0,
            cost.lost
        ),
        Ok(Outcome::Idle(idle)) => {
            format!("{:.0}, {:.0}, {:.0} B each", idle.open, idle.small, idle.large)
        }
        Err(error) => format!("failed: {error:#}"),
    };
    let (round, scenario, server) = (row.round + 1, row.scenario, &row.server);
    let _ = writeln!(std::io::stderr(), "round {round} {scenario} {server}: {what}");
}
