//! The servers, and which load makes sense for which.

use super::Scenario;
use crate::load::Kind;
use std::path::Path;

/// What a server is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Ours.
    Ours,
    /// A Rust library in its ordinary style.
    Rust,
    /// A Rust library in its best form, batched by its user.
    ByHand,
    /// Anything else.
    Other,
    /// Moves bytes and no frames.
    Floor,
}

/// A server and how it is started.
#[derive(Clone, Debug)]
pub struct Server {
    /// What it is called on the command line and in the table.
    pub name: String,
    /// What it is in the comparison.
    pub group: Group,
    /// Its command for a shell: `{port}` becomes the port, `{deflate}` the word `deflate` or
    /// nothing. Without a place for that word it does not compress.
    pub template: String,
    /// Whether it broadcasts.
    pub fanout: bool,
}

impl Server {
    /// Whether that load says something about this server.
    #[must_use]
    pub fn fits(&self, scenario: &Scenario) -> bool {
        let load = &scenario.load;
        if load.deflate && !self.template.contains("{deflate}") {
            return false;
        }
        match (self.group, load.kind) {
            // Feeding what is ready before a flush differs when more than one message is.
            (Group::ByHand, kind) => kind == Kind::Echo && load.depth > 1,
            (_, Kind::Fanout) => self.fanout,
            // What comes back from a floor is not checked, and its buffers are no library's.
            (Group::Floor, Kind::Idle) => false,
            _ => true,
        }
    }

    /// Its command, but for the port.
    #[must_use]
    pub fn command(&self, deflate: bool) -> String {
        self.template.replace("{deflate}", if deflate { "deflate" } else { "" })
    }
}

/// The servers that this repository has, built into `programs` and installed into `scripts`; and
/// the reasons why others cannot be measured.
#[must_use]
pub fn known(programs: &Path, scripts: &Path) -> (Vec<Server>, Vec<String>) {
    let (mut servers, mut missing) = (Vec::new(), Vec::new());
    for (name, group, program, words) in PROGRAMS {
        let path = programs.join(program);
        let template = format!("{} {words}", quoted(&path));
        let fanout = *program != "floor-tokio";
        if path.is_file() {
            servers.push(Server { name: (*name).into(), group: *group, template, fanout });
        } else {
            missing.push(format!("{name}: not built"));
        }
    }
    let packages = scripts.join("node_modules");
    let bun = packages.join(".bin/bun");
    for (name, needs, program) in
        [("ws", packages.join("ws"), "node".to_owned()), ("bun", bun.clone(), quoted(&bun))]
    {
        let script = scripts.join(format!("{name}.mjs"));
        let template = format!("{program} {} {{port}} {{deflate}}", quoted(&script));
        if needs.exists() {
            let group = Group::Other;
            servers.push(Server { name: name.into(), group, template, fanout: true });
        } else {
            missing.push(format!("{name}: not installed in {}", scripts.display()));
        }
    }
    (servers, missing)
}

const PROGRAMS: &[(&str, Group, &str, &str)] = &[
    ("rialto", Group::Ours, "bench-ws", "{port} {deflate}"),
    ("floor-epoll", Group::Floor, "floor-epoll", "{port}"),
    ("floor-tokio", Group::Floor, "floor-tokio", "{port}"),
    ("tungstenite", Group::Rust, "peer-tungstenite", "{port}"),
    ("tungstenite-by-hand", Group::ByHand, "peer-tungstenite", "{port} by-hand"),
    ("tokio-websockets", Group::Rust, "peer-tokio-websockets", "{port}"),
    ("tokio-websockets-by-hand", Group::ByHand, "peer-tokio-websockets", "{port} by-hand"),
    ("fastwebsockets", Group::Rust, "peer-fastwebsockets", "{port}"),
    ("sockudo-ws", Group::Rust, "peer-sockudo-ws", "{port} {deflate}"),
    ("sockudo-ws-by-hand", Group::ByHand, "peer-sockudo-ws", "{port} by-hand"),
    ("yawc", Group::Rust, "peer-yawc", "{port} {deflate}"),
    ("yawc-by-hand", Group::ByHand, "peer-yawc", "{port} by-hand"),
];

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::SCENARIOS;

    fn fitting(group: Group, template: &str) -> Vec<&'static str> {
        let server = Server { name: "x".into(), group, template: template.into(), fanout: true };
        SCENARIOS.iter().filter(|it| server.fits(it)).map(|it| it.name).collect()
    }

    #[test]
    fn servers_run_where_they_have_something_to_say() {
        assert_eq!(fitting(Group::Other, "x {deflate}").len(), SCENARIOS.len());
        assert_eq!(fitting(Group::Other, "x").len(), SCENARIOS.len() - 3);
        let several = ["echo-16-d16", "echo-512-d16", "echo-16k-d16"];
        assert_eq!(fitting(Group::ByHand, "x"), several);
        assert!(!fitting(Group::Floor, "x").contains(&"idle"));
    }
}
