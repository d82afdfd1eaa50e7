//! The servers, and which load makes sense for which.

use super::{Scenario, Suite, Work};
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
    /// nothing, `{tls}` the word `tls` with two files or nothing. Without a place for the word it
    /// does not compress, or encrypt.
    pub template: String,
    /// Whether it broadcasts.
    pub fanout: bool,
}

impl Server {
    /// Whether that load says something about this server.
    #[must_use]
    pub fn fits(&self, scenario: &Scenario) -> bool {
        if scenario.deflates() && !self.template.contains("{deflate}")
            || scenario.encrypts() && !self.template.contains("{tls}")
        {
            return false;
        }
        let load = match &scenario.work {
            Work::WebSocket(load) => load,
            // A floor knows WebSocket alone.
            Work::SocketIo(load) => return self.group != Group::Floor || !load.kind.polls(),
        };
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
    pub fn command(&self, deflate: bool, tls: Option<&str>) -> String {
        let command = self.template.replace("{deflate}", if deflate { "deflate" } else { "" });
        command.replace("{tls}", tls.unwrap_or_default())
    }
}

/// The suite's servers that this repository has, built into `programs` and installed into
/// `scripts`; and the reasons why others cannot be measured.
#[must_use]
pub fn known(suite: Suite, programs: &Path, scripts: &Path) -> (Vec<Server>, Vec<String>) {
    let (mut servers, mut missing) = (Vec::new(), Vec::new());
    let (table, words) = match suite {
        Suite::WebSocket => (WEBSOCKET, "{port} {deflate}"),
        Suite::SocketIo => (SOCKETIO, "{port} {deflate} {tls}"),
    };
    for (name, group, program, words) in table {
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
    let bun_program = quoted(&bun);
    let scripted = match suite {
        Suite::WebSocket => [
            ("ws", packages.join("ws"), "node", "ws.mjs", words),
            ("bun", bun, bun_program.as_str(), "bun.mjs", words),
        ],
        Suite::SocketIo => [
            ("node", packages.join("socket.io"), "node", "socketio.mjs", words),
            // Its engine does not compress.
            ("bun", bun, bun_program.as_str(), "socketio-bun.mjs", "{port} {tls}"),
        ],
    };
    for (name, needs, program, script, words) in scripted {
        let template = format!("{program} {} {words}", quoted(&scripts.join(script)));
        if needs.exists() {
            let group = Group::Other;
            servers.push(Server { name: name.into(), group, template, fanout: true });
        } else {
            missing.push(format!("{name}: not installed in {}", scripts.display()));
        }
    }
    (servers, missing)
}

/// A name, what it is, its program and the words after it.
type Program = (&'static str, Group, &'static str, &'static str);

const SOCKETIO: &[Program] = &[
    ("rialto", Group::Ours, "bench-sio", "{port} {deflate} {tls}"),
    ("rialto-values", Group::Other, "bench-sio", "{port} values {deflate} {tls}"),
    ("floor", Group::Floor, "floor-socketio", "{port}"),
    ("socketioxide", Group::Rust, "peer-socketioxide", "{port} {tls}"),
];

const WEBSOCKET: &[Program] = &[
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
    use crate::run::WEBSOCKET as WEBSOCKET_SCENARIOS;

    fn fitting(suite: Suite, group: Group, template: &str) -> Vec<&'static str> {
        let server = Server { name: "x".into(), group, template: template.into(), fanout: true };
        suite.scenarios().iter().filter(|it| server.fits(it)).map(|it| it.name).collect()
    }

    #[test]
    fn servers_run_where_they_have_something_to_say() {
        let all = WEBSOCKET_SCENARIOS.len();
        let fitting = |group, template| fitting(Suite::WebSocket, group, template);
        assert_eq!(fitting(Group::Other, "x {deflate}").len(), all);
        assert_eq!(fitting(Group::Other, "x").len(), all - 3);
        let several = ["echo-16-d16", "echo-512-d16", "echo-16k-d16"];
        assert_eq!(fitting(Group::ByHand, "x"), several);
        assert!(!fitting(Group::Floor, "x").contains(&"idle"));
    }

    #[test]
    fn a_floor_speaks_neither_http_nor_tls() {
        let all = Suite::SocketIo.scenarios().len();
        assert_eq!(fitting(Suite::SocketIo, Group::Other, "x {deflate} {tls}").len(), all);
        let floor = fitting(Suite::SocketIo, Group::Floor, "x");
        for never in ["polling", "connect-upgrade", "ack-tls", "broadcast-1000-deflate"] {
            assert!(!floor.contains(&never), "{never}");
        }
        assert_eq!(floor.len(), all - 4);
    }

    #[test]
    fn a_command_gets_the_words_that_it_has_places_for() {
        let template = "x {port} {deflate} {tls}".to_owned();
        let server = Server { name: "x".into(), group: Group::Other, template, fanout: true };
        assert_eq!(server.command(true, None), "x {port} deflate ");
        assert_eq!(server.command(false, Some("tls a b")), "x {port}  tls a b");
    }
}
