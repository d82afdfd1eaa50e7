//! The bars: how much Rialto may need, as a ratio to another server in the same run.

use super::medians::Medians;
use super::table::Table;
use crate::load::{Kind, Load};
use crate::run::{Group, Options, Scenario};

/// Bytes of an idle connection, whatever happened on it.
const IDLE: f64 = 1024.0;

/// Every bar that this run can judge, and by how much it holds.
pub(super) fn table(medians: &Medians, options: &Options) -> String {
    let Some(ours) = options.servers.iter().find(|it| it.group == Group::Ours) else {
        return String::new();
    };
    let mut table = Table::new("scenario", ["against", "bar", "measured", "held"]);
    let mut judged = 0;
    let mut judge = |scenario: &str, against: &str, bar: String, measured: String, held: bool| {
        judged += 1;
        let held = if held { "yes" } else { "**no**" };
        table.row(scenario, [against.to_owned(), bar, measured, held.to_owned()]);
    };
    for scenario in &options.scenarios {
        for (against, most) in bars(scenario, options) {
            let Some(ratio) = medians.ratio(&ours.name, against, scenario.name) else { continue };
            let (bar, measured) = (format!("≤ {most:.2}×"), format!("{ratio:.2}×"));
            judge(scenario.name, against, bar, measured, ratio <= most);
        }
        let idle = medians.of(&ours.name, scenario.name).and_then(|it| it.idle);
        if let Some(idle) = idle {
            let most = idle.into_iter().fold(0.0, f64::max);
            let (bar, measured) = (format!("≤ {IDLE} B"), format!("{most:.0} B"));
            judge(scenario.name, "nobody", bar, measured, most <= IDLE);
        }
    }
    if judged == 0 { String::new() } else { format!("## Bars\n\n{table}\n") }
}

/// Against whom Rialto is held under that load, and how many times as much it may need.
fn bars<'a>(scenario: &Scenario, options: &'a Options) -> Vec<(&'a str, f64)> {
    let mut bars = Vec::new();
    for server in &options.servers {
        let most = match server.group {
            Group::Floor => over_floor(&server.name, &scenario.load),
            // Ahead of every Rust library everywhere, also of the form that its user tuned.
            Group::Rust | Group::ByHand => Some(1.0),
            Group::Other if server.name == "uws" => Some(1.0),
            Group::Ours | Group::Other => None,
        };
        bars.extend(most.map(|most| (server.name.as_str(), most)));
    }
    bars
}

fn over_floor(floor: &str, load: &Load) -> Option<f64> {
    let small = load.kind == Kind::Echo && load.size <= 16 << 10;
    match (floor, load.kind) {
        ("floor-tokio", Kind::Handshake) => Some(1.15),
        ("floor-tokio", Kind::Echo) if small && load.depth == 1 && !load.deflate => Some(1.1),
        ("floor-epoll", Kind::Echo) if small && load.depth > 1 => Some(1.1),
        _ => None,
    }
}
