//! The bars: how much Rialto may need, as a ratio to another server in the same run.

use super::medians::Medians;
use super::table::Table;
use crate::load::{Content, Kind, Load};
use crate::run::{Group, Options, Scenario, Server, Suite};

/// Bytes of an idle connection, whatever happened on it: a WebSocket, and a Socket.IO session.
const IDLE: f64 = 1024.0;
const IDLE_SESSION: f64 = 2048.0;

/// What a message may cost, in µs, beside what socketioxide and the floor needed on the machine
/// that the first was set for: only the ratios count.
const SOCKETIO: &[(&str, f64, f64, Option<f64>)] = &[
    ("ack", 0.8, 1.70, Some(0.42)),
    ("ack-1k", 1.2, 3.27, Some(0.58)),
    ("ack-c1000", 4.2, 7.7, Some(3.44)),
    ("ack-d400", 0.5, 1.12, Some(0.06)),
    ("event", 0.8, 1.73, Some(0.41)),
    ("broadcast-100", 2.6, 3.04, Some(2.39)),
    ("broadcast-1000", 2.6, 3.96, Some(2.46)),
    ("broadcast-5000", 3.3, 7.7, Some(2.95)),
    // No floor that merges stood beside it.
    ("broadcast-1000-d8", 0.45, 0.84, None),
    ("binary-4k", 2.8, 5.54, Some(2.07)),
    ("polling", 3.0, 4.57, None),
    ("connect", 32.0, 47.0, Some(23.0)),
    ("connect-upgrade", 65.0, 101.0, None),
];

/// Every bar that this run can judge, and whether it holds.
pub(super) fn table(medians: &Medians, options: &Options) -> String {
    let Some(ours) = options.servers.iter().find(|it| it.group == Group::Ours) else {
        return String::new();
    };
    let bars = Bars { medians, options, ours };
    let mut table = Table::new("scenario", ["against", "at most", "measured", "holds"]);
    let mut judged = 0;
    for scenario in &options.scenarios {
        for bar in bars.of(scenario) {
            judged += 1;
            let holds = if bar.measured <= bar.most { "yes" } else { "**no**" };
            let (most, measured) = (bar.shown(bar.most), bar.shown(bar.measured));
            table.row(scenario.name, [bar.against, most, measured, holds.to_owned()]);
        }
    }
    if judged == 0 { String::new() } else { format!("## Bars\n\n{table}\n") }
}

struct Bar {
    against: String,
    most: f64,
    measured: f64,
    bytes: bool,
}

impl Bar {
    fn shown(&self, value: f64) -> String {
        if self.bytes { format!("{value:.0} B") } else { format!("{value:.2}×") }
    }
}

struct Bars<'a> {
    medians: &'a Medians,
    options: &'a Options,
    ours: &'a Server,
}

impl Bars<'_> {
    fn of(&self, scenario: &Scenario) -> Vec<Bar> {
        let ratio = |server: &Server, most: f64| {
            let measured = self.medians.ratio(&self.ours.name, &server.name, scenario.name)?;
            Some(Bar { against: server.name.clone(), most, measured, bytes: false })
        };
        let servers = self.options.servers.iter();
        let single = servers.clone().filter_map(|it| ratio(it, limit(it, scenario)?));
        let mut bars: Vec<Bar> = single.collect();
        if self.options.suite == Suite::SocketIo {
            bars.extend(self.idle(scenario));
            return bars;
        }
        // Of the Rust libraries the best stands for all, the forms that their users tuned included.
        let rust = servers.filter(|it| matches!(it.group, Group::Rust | Group::ByHand));
        let best = rust.filter_map(|it| ratio(it, 1.0));
        if let Some(mut bar) = best.max_by(|a, b| a.measured.total_cmp(&b.measured)) {
            bar.against = format!("{}, the best in Rust", bar.against);
            bars.push(bar);
        }
        bars.extend(self.replies(scenario));
        bars.extend(self.idle(scenario));
        bars
    }

    /// Compression costs little if it compresses little, so the size of the replies counts too.
    fn replies(&self, scenario: &Scenario) -> Option<Bar> {
        let uws = self.options.servers.iter().find(|it| it.name == "uws")?;
        let compressed = scenario.websocket().is_some_and(|it| it.deflate && it.kind == Kind::Echo);
        let bytes = |server: &Server| self.medians.of(&server.name, scenario.name)?.bytes;
        let measured = bytes(self.ours).filter(|_| compressed)? / bytes(uws)?;
        Some(Bar { against: "uws, size of a reply".into(), most: 1.0, measured, bytes: false })
    }

    fn idle(&self, scenario: &Scenario) -> Option<Bar> {
        let idle = self.medians.of(&self.ours.name, scenario.name)?.idle?;
        let measured = idle.into_iter().fold(0.0, f64::max);
        let most = if self.options.suite == Suite::SocketIo { IDLE_SESSION } else { IDLE };
        Some(Bar { against: "–".into(), most, measured, bytes: true })
    }
}

/// How many times as much as that server Rialto may need, if they are to be compared.
fn limit(server: &Server, scenario: &Scenario) -> Option<f64> {
    if let Some(load) = scenario.websocket() {
        return over(server, load);
    }
    let (_, most, socketioxide, floor) = SOCKETIO.iter().find(|it| it.0 == scenario.name)?;
    match server.name.as_str() {
        "socketioxide" => Some(most / socketioxide),
        "floor" => floor.map(|floor| most / floor),
        _ => None,
    }
}

/// How many times as much as that WebSocket server Rialto may need, if they are to be compared.
fn over(server: &Server, load: &Load) -> Option<f64> {
    let plain_echo = load.kind == Kind::Echo && !load.deflate;
    let large_or_text = load.size > 16 << 10 || load.content == Content::NonAscii;
    match server.name.as_str() {
        "floor-tokio" if load.kind == Kind::Handshake => Some(1.15),
        "floor-tokio" if plain_echo && load.depth == 1 && !large_or_text => Some(1.1),
        "floor-epoll" if plain_echo && load.depth > 1 && !large_or_text => Some(1.1),
        "uws" if load.kind == Kind::Fanout || load.deflate && load.kind == Kind::Echo => Some(1.0),
        "uws" if plain_echo && large_or_text => Some(1.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::WEBSOCKET;

    #[test]
    fn each_server_is_a_bar_where_it_was_meant_to_be() {
        let against = |name: &str| {
            let (group, template) = (Group::Other, String::new());
            let server = Server { name: name.into(), group, template, fanout: true };
            let judged = WEBSOCKET.iter().filter(|it| limit(&server, it).is_some());
            judged.map(|it| it.name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            against("floor-tokio"),
            "echo-16-d1 echo-512-d1 echo-512-c2000 echo-16k-d1 handshake"
        );
        assert_eq!(against("floor-epoll"), "echo-16-d16 echo-512-d16 echo-16k-d16");
        assert_eq!(
            against("uws"),
            "echo-1m text-16k fanout-100 fanout-1000 fanout-5000 fanout-1000-d8 \
             deflate-1k deflate-16k"
        );
        assert_eq!(against("bun"), "");
    }

    #[test]
    fn every_bar_of_socketio_belongs_to_a_scenario() {
        for (name, ..) in SOCKETIO {
            assert!(Suite::SocketIo.scenarios().iter().any(|it| it.name == *name), "{name}");
        }
    }
}
