//! The report of Socket.IO servers: a row for each load, a column for each server.

use super::bars;
use super::medians::{Median, Medians};
use super::table::Table;
use crate::run::{Options, Scenario};

/// All of it but the failures.
pub(super) fn tables(medians: &Medians, options: &Options) -> String {
    costs(medians, options)
        + &ratios(medians, options)
        + &idle(medians, options)
        + &bars::table(medians, options)
}

fn costs(medians: &Medians, options: &Options) -> String {
    let mut table = Table::new("load", options.servers.iter().map(|it| it.name.as_str()));
    for scenario in &options.scenarios {
        let cells = options.servers.iter().map(|server| {
            medians.of(&server.name, scenario.name).map_or("–".into(), Median::large_cell)
        });
        table.row(scenario.name, cells);
    }
    format!(
        "## CPU time of the server per message, µs\n\n\
         Broadcasts per delivery, `connect` per session; `idle` is resident memory per session \
         after traffic, in KiB. Medians of {} rounds of {} s; `~`: the rounds differ by more than \
         a fifth.\n\n{table}\n",
        options.rounds, options.seconds
    )
}

fn ratios(medians: &Medians, options: &Options) -> String {
    let Some((subject, others)) = options.servers.split_first().filter(|it| !it.1.is_empty())
    else {
        return String::new();
    };
    let mut table = Table::new("load", others.iter().map(|it| it.name.as_str()));
    for scenario in &options.scenarios {
        let cells = others.iter().map(|server| {
            let ratio = medians.ratio(&subject.name, &server.name, scenario.name);
            ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"))
        });
        table.row(scenario.name, cells);
    }
    let name = &subject.name;
    format!("## {name} as a multiple of each; below 1 it needs less\n\n{table}\n")
}

fn idle(medians: &Medians, options: &Options) -> String {
    let loads: Vec<&Scenario> = options.scenarios.iter().filter(|it| it.rests()).collect();
    if loads.is_empty() {
        return String::new();
    }
    let heads = loads.iter().flat_map(|scenario| {
        let name = scenario.name;
        ["KiB open", "after 16 B", "after 16 KiB", "% of a core at rest"]
            .map(|when| format!("{name}: {when}"))
    });
    let mut table = Table::new("server", heads);
    for server in options.servers.iter().filter(|it| loads.iter().any(|load| it.fits(load))) {
        let cells = loads.iter().flat_map(|scenario| {
            let median = medians.of(&server.name, scenario.name);
            let [open, small, large] = median
                .and_then(|it| it.idle)
                .map_or(["–", "–", "–"].map(str::to_owned), |idle| {
                    idle.map(|bytes| format!("{:.2}", bytes / 1024.0))
                });
            let busy = median.and_then(|it| it.busy);
            let busy = busy.map_or("–".into(), |busy| format!("{:.2}", busy * 100.0));
            [open, small, large, busy]
        });
        table.row(&server.name, cells);
    }
    format!("## What a session costs that rests\n\n{table}\n")
}
