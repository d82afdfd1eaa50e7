//! The report: medians of every server under every load, ratios to the subject, bars.

mod bars;
mod medians;
mod plot;
mod socketio;
mod table;

use crate::load::{Kind, Load, Outcome};
use crate::run::{Options, Row, Suite};
use anyhow::Result;
use medians::{Median, Medians};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use table::Table;

/// Everything as Markdown.
#[must_use]
pub fn tables(rows: &[Row], options: &Options) -> String {
    let medians = Medians::new(rows);
    if options.suite == Suite::SocketIo {
        return socketio::tables(&medians, options) + &failures(rows);
    }
    let mut text = costs(&medians, options);
    if let Some(subject) = options.servers.first().filter(|_| options.servers.len() > 1) {
        text += &ratios(&medians, options, &subject.name);
    }
    text += &idle(&medians, options);
    text += &replies(&medians, options);
    text += &bars::table(&medians, options);
    text + &failures(rows)
}

/// Writes the report into that folder: `SUITE.md`, and the plot as `SUITE.svg`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, rows: &[Row], options: &Options) -> Result<()> {
    let (name, medians) = (options.suite.name(), Medians::new(rows));
    fs::create_dir_all(folder)?;
    let command = command(std::env::args().skip(1));
    let (machine, tables) = (machine(), tables(rows, options));
    let page = format!("`{command}`, on {machine}.\n\n![Ratios]({name}.svg)\n\n{tables}");
    fs::write(folder.join(format!("{name}.md")), page)?;
    fs::write(folder.join(format!("{name}.svg")), plot::svg(&medians, options))?;
    Ok(())
}

/// The command that these words belong to, without folders of one machine.
fn command(words: impl Iterator<Item = String>) -> String {
    let mut command = "cargo xtask bench".to_owned();
    let mut is_path = false;
    for word in words {
        let name = word.split('=').next().unwrap_or_default();
        let path = ["--programs", "--scripts", "--rows", "--out"].contains(&name);
        if !path && !is_path {
            let quote = if word.contains(' ') { "'" } else { "" };
            let _ = write!(command, " {quote}{word}{quote}");
        }
        is_path = path && name == word;
    }
    command
}

/// The processor and the kernel.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    // What this thread may use is less: it is bound to a core.
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

/// One run with tabs between: round, scenario, server, what follows, and that.
#[must_use]
pub fn line(row: &Row) -> String {
    let (what, values) = match &row.outcome {
        Ok(Outcome::Cost(cost)) => (
            "messages, seconds, CPU ns, kernel's share, bytes each, server busy, clients busy, \
             lost",
            format!(
                "{}\t{:.4}\t{:.1}\t{:.3}\t{:.1}\t{:.3}\t{:.3}\t{}",
                cost.messages,
                cost.seconds,
                cost.nanos,
                cost.kernel,
                cost.bytes,
                cost.server_busy,
                cost.clients_busy,
                cost.lost
            ),
        ),
        Ok(Outcome::Idle(idle)) => {
            ("bytes each: open, after 16 B, after 16 KiB; busy while they rest", {
                let busy = idle.busy.map_or("–".to_owned(), |busy| format!("{busy:.5}"));
                format!("{:.0}\t{:.0}\t{:.0}\t{busy}", idle.open, idle.small, idle.large)
            })
        }
        Err(error) => ("failed", format!("{error:#}")),
    };
    format!("{}\t{}\t{}\t{what}\t{values}", row.round + 1, row.scenario, row.server)
}

fn costs(medians: &Medians, options: &Options) -> String {
    let mut table = Table::new("server", options.scenarios.iter().map(|it| it.name));
    for server in &options.servers {
        let cells = options.scenarios.iter().map(|scenario| {
            medians.of(&server.name, scenario.name).map_or("–".into(), Median::cell)
        });
        table.row(&server.name, cells);
    }
    format!(
        "## CPU time of the server per message, ns\n\n\
         Fan-out per delivery, handshake per upgrade, idle in bytes per connection after traffic. \
         Medians of {} rounds of {} s; `~`: the rounds differ by more than a fifth.\n\n{table}\n",
        options.rounds, options.seconds
    )
}

fn ratios(medians: &Medians, options: &Options, subject: &str) -> String {
    let mut table = Table::new("server", options.scenarios.iter().map(|it| it.name));
    for server in options.servers.iter().filter(|it| it.name != subject) {
        let cells = options.scenarios.iter().map(|scenario| {
            let ratio = medians.ratio(subject, &server.name, scenario.name);
            ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"))
        });
        table.row(&server.name, cells);
    }
    format!("## {subject} as a multiple of each; below 1 it needs less\n\n{table}\n")
}

fn idle(medians: &Medians, options: &Options) -> String {
    let loads = options.scenarios.iter().filter(|it| it.rests());
    let loads: Vec<_> = loads.collect();
    if loads.is_empty() {
        return String::new();
    }
    let heads = loads.iter().flat_map(|scenario| {
        ["open", "after 16 B", "after 16 KiB"].map(|when| format!("{}: {when}", scenario.name))
    });
    let mut table = Table::new("server", heads);
    for server in options.servers.iter().filter(|it| loads.iter().any(|load| it.fits(load))) {
        let cells = loads.iter().flat_map(|scenario| {
            let idle = medians.of(&server.name, scenario.name).and_then(|it| it.idle);
            idle.map_or(["–", "–", "–"].map(str::to_owned), |idle| {
                idle.map(|bytes| format!("{bytes:.0}"))
            })
        });
        table.row(&server.name, cells);
    }
    format!("## Resident memory of the server, bytes per connection\n\n{table}\n")
}

/// Compression is cheap for whoever compresses little: the sizes belong beside the times.
fn replies(medians: &Medians, options: &Options) -> String {
    let deflates = |load: &Load| load.kind == Kind::Echo && load.deflate;
    let loads = options.scenarios.iter().filter(|it| it.websocket().is_some_and(deflates));
    let loads: Vec<_> = loads.collect();
    if loads.is_empty() {
        return String::new();
    }
    let mut table = Table::new("server", loads.iter().map(|it| it.name));
    for server in options.servers.iter().filter(|it| loads.iter().any(|load| it.fits(load))) {
        let cells = loads.iter().map(|scenario| {
            let bytes = medians.of(&server.name, scenario.name).and_then(|it| it.bytes);
            bytes.map_or("–".into(), |bytes| format!("{bytes:.0}"))
        });
        table.row(&server.name, cells);
    }
    format!("## Bytes of a compressed reply\n\n{table}\n")
}

fn failures(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        if let Err(error) = &row.outcome {
            let (round, scenario, server) = (row.round + 1, row.scenario, &row.server);
            let _ = writeln!(text, "- {scenario}, {server}, round {round}: {error:#}");
        }
    }
    if text.is_empty() { text } else { format!("## Failed\n\n{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_no_folder_of_one_machine() {
        let words =
            ["--scripts", "a/b", "socketio", "--out=c", "--rounds", "5", "--server", "x=y z"];
        let command = command(words.into_iter().map(str::to_owned));
        assert_eq!(command, "cargo xtask bench socketio --rounds 5 --server 'x=y z'");
    }
}
