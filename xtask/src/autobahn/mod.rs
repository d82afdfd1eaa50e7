//! `cargo xtask autobahn`: the test suite that WebSocket libraries are measured by, against
//! `rialto-ws` as a server and as a client at the same time.
//!
//! The suite is a program for CPython 2.7, installed with everything it needs into the target
//! folder; where that Python is not found, nothing can be run. Our side are the two programs of
//! `interop/ws-peers`.

mod child;
mod python;
mod report;

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::tree;
use child::{Child, run_to_end};
pub use report::Report;

/// The name under which reports speak of us.
const AGENT: &str = "rialto-ws";

/// Which cases to run.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Names of cases; with a star, all that begin so.
    patterns: &'static [&'static str],
    /// How many cases that is.
    count: usize,
    /// The time after which a role is given up.
    limit: Duration,
}

/// Every case.
pub const ALL: Scope = Scope { patterns: &["*"], count: 517, limit: Duration::from_secs(40 * 60) };

/// Everything but compression (groups 1 to 10), and of compression (12 and 13) one case for each
/// kind of data, of fragmentation and of negotiated parameters.
pub const QUICK: Scope = Scope {
    patterns: &[
        "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.1.4", "12.2.4",
        "12.3.4", "12.4.4", "12.5.4", "12.1.6", "12.2.11", "12.3.1", "13.1.4", "13.2.4", "13.3.4",
        "13.4.4", "13.5.4", "13.6.4", "13.7.4", "13.1.11", "13.7.6",
    ],
    count: 318,
    limit: Duration::from_secs(5 * 60),
};

/// The suite, installed.
#[derive(Debug)]
pub struct Suite {
    python: PathBuf,
    /// Holds its packages, its settings and its reports.
    folder: PathBuf,
}

impl Suite {
    /// Finds CPython 2.7 and installs the suite for it, unless that has been done.
    ///
    /// # Errors
    /// When it cannot be had here, and why.
    pub fn find() -> Result<Self> {
        let python = python::find()
            .context("there is no CPython 2.7 with pip (as pyenv installs it, or by PYTHON27)")?;
        let folder = target()?.join("autobahn");
        fs::create_dir_all(&folder).with_context(|| format!("{}", folder.display()))?;
        python::install(&python, &tree::root()?.join("interop/autobahn"), &folder)
            .context("the suite cannot be installed")?;
        Ok(Self { python, folder })
    }

    /// Runs the cases of `scope` against both roles at once; `programs` holds ours.
    ///
    /// # Errors
    /// When a program cannot be run or does not end in time. Cases that fail are in the reports.
    pub fn run(&self, programs: &Path, scope: Scope) -> Result<[Report; 2]> {
        let (server, client) = thread::scope(|threads| {
            let server = threads.spawn(|| self.against_server(programs, scope));
            let client = self.against_client(programs, scope);
            (server.join(), client)
        });
        let Ok(server) = server else { bail!("the run against the server ended in a panic") };
        Ok([server.context("as a server")?, client.context("as a client")?])
    }

    /// Its fuzzing client against our server.
    fn against_server(&self, programs: &Path, scope: Scope) -> Result<Report> {
        let started = Instant::now();
        let mut command = Command::new(programs.join("ws-echo"));
        command.args(["--port", "0"]);
        let (_server, url) = Child::start_and_read(command, "listening on ")?;
        let servers = json!([{ "agent": AGENT, "url": url }]);
        let reports = self.reports("server")?;
        let spec = self.spec("server", &json!({ "servers": servers, "outdir": reports }), scope)?;
        let fuzzer = self.wstest("fuzzingclient", &spec);
        run_to_end(fuzzer, &self.folder.join("server.log"), scope.limit)?;
        Report::read("server", &reports, AGENT, scope.count, started.elapsed())
    }

    /// Our client against its fuzzing server.
    fn against_client(&self, programs: &Path, scope: Scope) -> Result<Report> {
        let started = Instant::now();
        let reports = self.reports("client")?;
        let (_server, url) = self.fuzzing_server(&reports, scope)?;
        let mut client = Command::new(programs.join("ws-cases"));
        client.args([&url, "--agent", AGENT]);
        run_to_end(client, &self.folder.join("client.log"), scope.limit)?;
        Report::read("client", &reports, AGENT, scope.count, started.elapsed())
    }

    /// Starts the fuzzing server. It cannot choose a port by itself, so a free one is looked for,
    /// and another one if somebody was quicker.
    fn fuzzing_server(&self, reports: &Path, scope: Scope) -> Result<(Child, String)> {
        for _ in 0..5 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let url = format!("ws://127.0.0.1:{port}");
            let spec = self.spec("client", &json!({ "url": url, "outdir": reports }), scope)?;
            let mut command = self.wstest("fuzzingserver", &spec);
            // Its pages, which would be on a port of their own, are not needed.
            command.args(["--webport", "0"]);
            let mut child = Child::start(command, &self.folder.join("fuzzingserver.log"))?;
            let deadline = Instant::now() + Duration::from_secs(60);
            while child.is_running()? && Instant::now() < deadline {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() && child.is_running()? {
                    return Ok((child, url));
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        bail!("the fuzzing server does not start: see {}/fuzzingserver.log", self.folder.display())
    }

    /// An empty folder for the reports about a role.
    fn reports(&self, role: &str) -> Result<PathBuf> {
        let folder = self.folder.join("reports").join(role);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Writes the settings of a run.
    fn spec(&self, name: &str, settings: &serde_json::Value, scope: Scope) -> Result<PathBuf> {
        let mut settings = settings.clone();
        settings["cases"] = json!(scope.patterns);
        settings["exclude-cases"] = json!([]);
        settings["exclude-agent-cases"] = json!({});
        let path = self.folder.join(format!("{name}.json"));
        fs::write(&path, settings.to_string())?;
        Ok(path)
    }

    fn wstest(&self, mode: &str, spec: &Path) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-c", python::LAUNCH]).arg(self.folder.join(python::PACKAGES));
        command.args(["--mode", mode, "--spec"]).arg(spec).current_dir(&self.folder);
        command
    }
}

/// Builds our programs with optimisation and runs every case.
///
/// # Errors
/// When nothing could be run, and when a case did not go as it should.
pub fn run() -> Result<()> {
    let suite = Suite::find().context("nothing was run")?;
    let words = ["build", "--release", "--locked", "--quiet", "--package", "ws-peers", "--bins"];
    let built = Command::new("cargo").args(words).current_dir(tree::root()?).status()?;
    if !built.success() {
        bail!("nothing was run: our programs cannot be built");
    }
    println!("autobahn: {} cases for each role, about ten minutes", ALL.count);
    let reports = suite.run(&target()?.join("release"), ALL)?;
    conclude(&reports)
}

/// Prints the reports and judges them.
///
/// # Errors
/// When a case did not go as it should, or is missing.
pub fn conclude(reports: &[Report]) -> Result<()> {
    for report in reports {
        print!("{report}");
    }
    let broken: usize = reports.iter().map(Report::broken).sum();
    if broken > 0 {
        bail!("{broken} cases of Autobahn did not go as they should");
    }
    Ok(())
}

/// The target folder: this program lies in it.
fn target() -> Result<PathBuf> {
    let here = env::current_exe()?;
    let folder = here.parent().and_then(Path::parent).context("xtask lies in no target folder")?;
    Ok(folder.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_scope_counts_its_cases() {
        // Cases in each group, as the suite lists them.
        let groups =
            [("1.", 16), ("2.", 11), ("3.", 7), ("4.", 10), ("5.", 20), ("6.", 145), ("7.", 37)];
        let groups = groups.into_iter().chain([("9.", 54), ("10.", 1), ("12.", 90), ("13.", 126)]);
        let groups: Vec<(&str, usize)> = groups.collect();
        assert_eq!(groups.iter().map(|(_, count)| count).sum::<usize>(), ALL.count);
        let mut count = 0;
        for pattern in QUICK.patterns {
            let group = pattern.strip_suffix('*');
            let found = groups.iter().find(|(name, _)| Some(*name) == group);
            count += found.map_or(1, |(_, count)| *count);
        }
        assert_eq!(count, QUICK.count);
    }
}
