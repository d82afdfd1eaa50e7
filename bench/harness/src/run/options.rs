//! The command line.

use super::servers::{Group, Server, known};
use super::{Scenario, Suite};
use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// What is measured, and how.
#[derive(Debug)]
pub struct Options {
    /// What is compared.
    pub suite: Suite,
    /// The servers, the subject of the ratios first.
    pub servers: Vec<Server>,
    /// Why some servers are not among them.
    pub missing: Vec<String>,
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// How often everything runs.
    pub rounds: usize,
    /// Seconds of each run that are measured.
    pub seconds: f64,
    /// Seconds before.
    pub warmup: f64,
    /// Seconds for which Socket.IO sessions rest.
    pub resting: f64,
    /// Most connections of a scenario.
    pub most_connections: usize,
    /// The cores of server and clients; `None`: wherever the system puts them.
    pub cores: Option<Cores>,
    /// Where every single run is written.
    pub rows: Option<PathBuf>,
    /// The folder for the report as Markdown and as a plot.
    pub out: Option<PathBuf>,
    /// Whether all that counts is that everything works.
    pub smoke: bool,
}

/// Where server and clients run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// The server's cores.
    pub server: RangeInclusive<usize>,
    /// The clients' core.
    pub clients: usize,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// To measure.
    Run(Box<Options>),
    /// To print a text.
    Text(String),
}

const HELP: &str = "\
bench [SUITE] [OPTION ...]: the CPU time that servers need for each message

  websocket              raw WebSocket servers; without a suite, these
  socketio               Socket.IO servers
  --only NAME,...        only these; the subject of the ratios is `rialto`, or else the first
  --skip NAME,...        all but these
  --server NAME=COMMAND  one more server, or one in another's place: `{port}` in its command becomes
                         the port, `{deflate}` the word `deflate` or nothing,
                         `{tls}` nothing or `tls` with the files of a chain and a key
  --scenarios NAME,...   only these; the beginning of a name stands for all that begin so
  --rounds N             how often everything runs (3)
  --seconds S            measured in each run (1)
  --warmup S             before that (0.3)
  --resting S            for which idle Socket.IO sessions are watched (25: one heartbeat)
  --connections N        at most so many, in any scenario
  --cores A,B            server on core A, clients on core B (0,1); `any`: not bound; A may be
                         several, as in 0-2,3
  --rows FILE            writes every single run as soon as it is over, with tabs between
  --out DIR              writes the report there as SUITE.md, and as a plot, SUITE.svg
  --smoke                whether all of it works: ours and the floors, one short round, no numbers
  --list                 names of servers and scenarios
  --help                 this text
  --programs DIR, --scripts DIR   where the servers are";

/// Reads the command line.
///
/// # Errors
/// When it cannot be understood; the error says what is wrong.
pub fn parse(arguments: lexopt::Parser) -> Result<Asked> {
    let mut words = Words::read(arguments)?;
    if let Some(text) = words.text.take() {
        return Ok(Asked::Text(text));
    }
    let (mut servers, mut missing) = known(words.options.suite, &words.programs, &words.scripts);
    for server in std::mem::take(&mut words.added) {
        servers.retain(|it| it.name != server.name);
        missing.retain(|it| !it.starts_with(&format!("{}:", server.name)));
        servers.push(server);
    }
    if words.list {
        return Ok(Asked::Text(list(words.options.suite, &servers, &missing)));
    }
    choose(&mut servers, &words, &missing)?;
    // Floors and peers stand after ours, in the order of the table in `servers.rs`.
    servers.sort_by_key(|server| server.group != Group::Ours);
    let scenarios = words.scenarios()?;
    Ok(Asked::Run(Box::new(Options { servers, missing, scenarios, ..words.options })))
}

fn choose(servers: &mut Vec<Server>, words: &Words, missing: &[String]) -> Result<()> {
    for name in words.only.iter().chain(&words.skip) {
        let absent = missing.iter().find(|it| it.starts_with(&format!("{name}:")));
        if let Some(reason) = absent.filter(|_| words.only.contains(name)) {
            bail!("{reason}");
        }
        if absent.is_none() && !servers.iter().any(|server| server.name == *name) {
            bail!("no server is called `{name}`; --list names them");
        }
    }
    if !words.only.is_empty() {
        servers.retain(|server| words.only.contains(&server.name));
        servers.sort_by_key(|server| words.only.iter().position(|it| *it == server.name));
    }
    servers.retain(|server| !words.skip.contains(&server.name));
    if servers.is_empty() {
        bail!("no server is left");
    }
    Ok(())
}

fn list(suite: Suite, servers: &[Server], missing: &[String]) -> String {
    let servers: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
    let scenarios: Vec<&str> = suite.scenarios().iter().map(|scenario| scenario.name).collect();
    let mut lines = vec![format!("servers: {}", servers.join(", "))];
    lines.extend(missing.iter().map(|reason| format!("not here: {reason}")));
    lines.push(format!("scenarios: {}", scenarios.join(", ")));
    lines.join("\n")
}

/// The command line, word by word.
struct Words {
    options: Options,
    only: Vec<String>,
    skip: Vec<String>,
    chosen: Vec<String>,
    added: Vec<Server>,
    programs: PathBuf,
    scripts: PathBuf,
    list: bool,
    text: Option<String>,
}

impl Words {
    fn read(mut parser: lexopt::Parser) -> Result<Self> {
        let mut words = Self::default_ones()?;
        while let Some(argument) = parser.next()? {
            let name = match argument {
                Long(name) => name.to_owned(),
                Value(word) => {
                    let suite = word.to_str().and_then(Suite::named);
                    words.options.suite = suite.with_context(|| {
                        let word = word.display();
                        format!("`{word}` is no suite; there are `websocket` and `socketio`")
                    })?;
                    continue;
                }
                Short(_) => return Err(argument.unexpected().into()),
            };
            words.take(&name, &mut parser).with_context(|| format!("--{name}"))?;
        }
        if words.options.smoke {
            words.only = names(words.options.suite.smoke());
        }
        Ok(words)
    }

    fn default_ones() -> Result<Self> {
        let here = std::env::current_exe().context("where is this program?")?;
        let alone = std::thread::available_parallelism().is_ok_and(|cores| cores.get() < 2);
        let options = Options {
            suite: Suite::WebSocket,
            servers: Vec::new(),
            missing: Vec::new(),
            scenarios: Vec::new(),
            rounds: 3,
            seconds: 1.0,
            warmup: 0.3,
            resting: 25.0,
            most_connections: usize::MAX,
            cores: (!alone).then_some(Cores { server: 0..=0, clients: 1 }),
            rows: None,
            out: None,
            smoke: false,
        };
        Ok(Self {
            options,
            only: Vec::new(),
            skip: Vec::new(),
            chosen: Vec::new(),
            added: Vec::new(),
            programs: here.parent().map(PathBuf::from).unwrap_or_default(),
            scripts: PathBuf::from("js"),
            list: false,
            text: None,
        })
    }

    fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<()> {
        let options = &mut self.options;
        match name {
            "only" => self.only = names(&parser.value()?.string()?),
            "skip" => self.skip = names(&parser.value()?.string()?),
            "scenarios" => self.chosen = names(&parser.value()?.string()?),
            "server" => self.added.push(added(&parser.value()?.string()?)?),
            "rounds" => options.rounds = parser.value()?.parse::<usize>()?.max(1),
            "seconds" => options.seconds = seconds(parser)?,
            "warmup" => options.warmup = seconds(parser)?,
            "resting" => options.resting = seconds(parser)?,
            "connections" => options.most_connections = parser.value()?.parse::<usize>()?.max(1),
            "cores" => options.cores = cores(&parser.value()?.string()?)?,
            "rows" => options.rows = Some(parser.value()?.into()),
            "out" => options.out = Some(parser.value()?.into()),
            "programs" => self.programs = parser.value()?.into(),
            "scripts" => self.scripts = parser.value()?.into(),
            "smoke" => self.smoke(),
            "list" => self.list = true,
            "help" => self.text = Some(HELP.to_owned()),
            _ => bail!("unknown; --help lists the options"),
        }
        Ok(())
    }

    /// Short enough for every change, and wherever a core is.
    fn smoke(&mut self) {
        let options = &mut self.options;
        (options.rounds, options.seconds, options.warmup) = (1, 0.05, 0.0);
        (options.most_connections, options.cores, options.smoke) = (100, None, true);
        options.resting = 0.0;
    }

    fn scenarios(&self) -> Result<Vec<Scenario>> {
        let all = self.options.suite.scenarios();
        let fits = |name: &str, scenario: &Scenario| scenario.name.starts_with(name);
        if let Some(name) = self.chosen.iter().find(|it| !all.iter().any(|s| fits(it, s))) {
            bail!("no scenario begins with `{name}`; --list names them");
        }
        // A whole name stands for itself alone, though others begin with it.
        let chosen = |scenario: &&Scenario| {
            self.chosen.is_empty() && !scenario.named_only
                || self.chosen.iter().any(|name| match all.iter().any(|s| s.name == name) {
                    true => scenario.name == name,
                    false => fits(name, scenario) && !scenario.named_only,
                })
        };
        Ok(all.iter().filter(chosen).copied().collect())
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn added(word: &str) -> Result<Server> {
    let (name, template) = word.split_once('=').context("NAME=COMMAND is needed")?;
    if name.is_empty() || !template.contains("{port}") {
        bail!("the command needs a name and a place for its `{{port}}`");
    }
    let group = if name == "rialto" { Group::Ours } else { Group::Other };
    Ok(Server { name: name.into(), group, template: template.into(), fanout: true })
}

fn seconds(parser: &mut lexopt::Parser) -> Result<f64> {
    let seconds: f64 = parser.value()?.parse()?;
    if !(0.0..=600.0).contains(&seconds) {
        bail!("{seconds} is not between 0 and 600 seconds");
    }
    Ok(seconds)
}

fn cores(word: &str) -> Result<Option<Cores>> {
    if word == "any" {
        return Ok(None);
    }
    let (server, clients) = word.split_once(',').context("two numbers are needed, or `any`")?;
    let (first, last) = server.split_once('-').unwrap_or((server, server));
    let server = first.parse()?..=last.parse()?;
    if server.is_empty() {
        bail!("{first} comes after {last}");
    }
    Ok(Some(Cores { server, clients: clients.parse()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Asked> {
        let words = [&["--programs", "nowhere", "--scripts", "nowhere"], words].concat();
        parse(lexopt::Parser::from_args(words))
    }

    fn options(words: &[&str]) -> Options {
        match asked(words).unwrap() {
            Asked::Run(options) => *options,
            Asked::Text(text) => panic!("{text}"),
        }
    }

    #[test]
    fn servers_and_scenarios_are_chosen_by_name() {
        let options = options(&[
            "--server=a=x {port}",
            "--server=rialto=y {port} {deflate}",
            "--scenarios=fanout-1000,deflate",
        ]);
        let servers: Vec<&str> = options.servers.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(servers, ["rialto", "a"]);
        let scenarios: Vec<&str> = options.scenarios.iter().map(|it| it.name).collect();
        assert_eq!(scenarios, ["fanout-1000", "deflate-1k", "deflate-16k"]);
        assert!(options.missing.iter().any(|it| it.starts_with("yawc:")));
        assert!(!options.missing.iter().any(|it| it.starts_with("rialto:")));
    }

    #[test]
    fn a_suite_has_scenarios_of_its_own() {
        let socketio = options(&["socketio", "--server=a=x {port}"]);
        let names: Vec<&str> = socketio.scenarios.iter().map(|it| it.name).collect();
        assert_eq!(socketio.suite, Suite::SocketIo);
        assert!(names.contains(&"ack-tls") && names.contains(&"idle"));
        assert!(!names.contains(&"idle-100k"), "only where it is named");
        let large = options(&["socketio", "--server=a=x {port}", "--scenarios=idle-100k"]);
        assert_eq!(large.scenarios.len(), 1);
        assert!(socketio.missing.iter().any(|it| it.starts_with("socketioxide:")));
    }

    #[test]
    fn a_server_may_have_several_cores() {
        let at = |word: &str| options(&["--server=a=x {port}", "--cores", word]).cores;
        assert_eq!(at("any"), None);
        assert_eq!(at("2,5"), Some(Cores { server: 2..=2, clients: 5 }));
        assert_eq!(at("0-2,3"), Some(Cores { server: 0..=2, clients: 3 }));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let one = "--server=a=x {port}";
        for (words, reason) in [
            (vec![one, "--only=b"], "no server is called `b`"),
            (vec![one, "--only=yawc"], "not built"),
            (vec![one, "--scenarios=x"], "no scenario begins"),
            (vec![one, "--seconds=-1"], "not between"),
            (vec!["--server=a=x"], "{port}"),
            (vec![one, "--what"], "unknown"),
            (vec![one, "--cores=2-1,0"], "comes after"),
            (vec![one, "what"], "no suite"),
            (vec![], "no server is left"),
        ] {
            let error = format!("{:#}", asked(&words).unwrap_err());
            assert!(error.contains(reason), "{words:?}: {error}");
        }
    }
}
