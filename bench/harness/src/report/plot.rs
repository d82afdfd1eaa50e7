//! The plot: a group of bars for each load, a bar for each server, as long as what it needs is a
//! multiple of what the subject needs. SVG without a script, for light and dark pages.

use super::medians::Medians;
use crate::run::{Group, Options, Scenario, Suite};
use std::fmt::Write;

/// Bars end here, with their number beside them: one slow server would flatten all others.
const MOST: f64 = 8.0;
const WIDTH: f64 = 860.0;
/// Where bars begin.
const LEFT: f64 = 190.0;
/// Length of what the subject needs.
const UNIT: f64 = 60.0;
const ROW: f64 = 17.0;
const HEAD: f64 = 26.0;
const TOP: f64 = 46.0;

const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328;paint-order:stroke;stroke:#fff;stroke-width:4px}\
.page{fill:#fff}\
.name{text-anchor:end}.load{font-weight:600}.title{font-size:15px;font-weight:600}\
.ours{fill:#0969da}.peer{fill:#9a6700}.floor{fill:#8c959f}\
line{stroke:#59636e;stroke-dasharray:2 3}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3;stroke:#0d1117}\
.page{fill:#0d1117}\
.ours{fill:#4493f8}.peer{fill:#d29922}.floor{fill:#6e7681}line{stroke:#9198a1}}";

/// The plot of all that ran.
pub(super) fn svg(medians: &Medians, options: &Options) -> String {
    let (mut body, mut y) = (String::new(), TOP);
    for scenario in &options.scenarios {
        let bars = bars(medians, options, scenario);
        if bars.len() < 2 {
            continue;
        }
        let _ = writeln!(body, "<text class=\"load\" x=\"8\" y=\"{y}\">{}</text>", scenario.name);
        y += 8.0;
        for bar in &bars {
            bar.draw(&mut body, y);
            y += ROW;
        }
        y += HEAD;
    }
    let subject = options.servers.first().map_or("", |it| it.name.as_str());
    let title =
        escaped(&format!("CPU time per message (idle: memory), as a multiple of {subject}"));
    let (one, bottom) = (LEFT + UNIT, y - HEAD);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{y}\" \
         viewBox=\"0 0 {WIDTH} {y}\" role=\"img\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
         <line x1=\"{one}\" x2=\"{one}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\n\
         <text class=\"title\" x=\"8\" y=\"20\">{title}</text>\n{body}</svg>\n"
    )
}

struct Bar {
    server: String,
    class: &'static str,
    ratio: f64,
    value: String,
}

/// The bars of one load; none without the subject.
fn bars(medians: &Medians, options: &Options, scenario: &Scenario) -> Vec<Bar> {
    let Some(subject) = options.servers.first() else { return Vec::new() };
    let bar = |(index, server): (usize, &crate::run::Server)| {
        let median = medians.of(&server.name, scenario.name)?;
        let ratio = medians.ratio(&server.name, &subject.name, scenario.name)?;
        let class = match (index, server.group) {
            (0, _) => "ours",
            (_, Group::Floor) => "floor",
            _ => "peer",
        };
        let unit = match (scenario.rests(), options.suite) {
            (false, Suite::SocketIo) => format!("{} µs", median.large()),
            (false, Suite::WebSocket) => format!("{} ns", median.cell()),
            (true, _) => format!("{} KiB", median.large()),
        };
        let lost = if median.lost > 0 { format!(", {} lost", median.lost) } else { String::new() };
        Some(Bar { server: server.name.clone(), class, ratio, value: unit + &lost })
    };
    options.servers.iter().enumerate().filter_map(bar).collect()
}

impl Bar {
    fn draw(&self, body: &mut String, y: f64) {
        let length = self.ratio.clamp(0.0, MOST) * UNIT;
        let (base, high, class) = (y + 12.0, ROW - 3.0, self.class);
        // A bar that was cut ends in a gap and a rest.
        let rest = if self.ratio > MOST { LEFT + length + 3.0 } else { LEFT };
        let cut = if self.ratio > MOST { 6.0 } else { 0.0 };
        let at = LEFT + length + if self.ratio > MOST { 15.0 } else { 6.0 };
        let (name, value) = (escaped(&self.server), escaped(&self.value));
        let ratio = self.ratio;
        let _ = writeln!(
            body,
            "<text class=\"name\" x=\"{}\" y=\"{base}\">{name}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" \
             height=\"{high}\"/>\
             <rect class=\"{class}\" x=\"{rest:.1}\" y=\"{y}\" width=\"{cut}\" height=\"{high}\"/>\
             <text x=\"{at:.1}\" y=\"{base}\">{ratio:.2}× ({value})</text>",
            LEFT - 8.0
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Cost, Outcome};
    use crate::run::{Asked, Row, parse};

    fn options() -> Options {
        let words = ["socketio", "--server=rialto=a {port}", "--server=x<y=b {port}"];
        let words = [&words[..], &["--server=slow=c {port}", "--scenarios=ack,event"]].concat();
        match parse(lexopt::Parser::from_args(words)).unwrap() {
            Asked::Run(options) => *options,
            Asked::Text(text) => panic!("{text}"),
        }
    }

    fn row(server: &str, nanos: f64) -> Row {
        let cost = Cost {
            messages: 1,
            lost: 0,
            seconds: 1.0,
            nanos,
            kernel: 0.5,
            bytes: 4.0,
            server_busy: 1.0,
            clients_busy: 1.0,
        };
        Row { round: 0, scenario: "ack", server: server.into(), outcome: Ok(Outcome::Cost(cost)) }
    }

    /// Values of one attribute of all rectangles that are drawn.
    fn rectangles(svg: &str, attribute: &str) -> Vec<f64> {
        let all = svg.split("<rect ").skip(1);
        let values = all.filter_map(|it| it.split(&format!("{attribute}=\"")).nth(1));
        values.filter_map(|it| it.split('"').next()?.parse().ok()).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_ratio_up_to_a_limit() {
        let rows = [row("rialto", 1000.0), row("x<y", 2500.0), row("slow", 90_000.0)];
        let svg = svg(&Medians::new(&rows), &options());
        assert_eq!(rectangles(&svg, "width"), [UNIT, 0.0, 2.5 * UNIT, 0.0, MOST * UNIT, 6.0]);
        assert!(svg.contains(">90.00× (90.0 µs)<"));
        assert!(svg.contains(">x&lt;y<") && !svg.contains("x<y"));
        // A load that nobody ran has no group.
        assert!(!svg.contains(">event<"));
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let rows = [row("rialto", 1000.0), row("slow", 90_000.0)];
        let svg = svg(&Medians::new(&rows), &options());
        let ends = rectangles(&svg, "x").into_iter().zip(rectangles(&svg, "width"));
        assert!(ends.into_iter().all(|(x, width)| x + width < WIDTH - 100.0));
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
        assert!(!svg.contains("<script"));
    }
}
