//! An example as a process, ended with the value that stands for it.

use crate::{LIMIT, within};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};

/// Attempts to find a port that stays free until the example has bound it.
const ATTEMPTS: usize = 3;

/// A running example.
pub(crate) struct Program {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Program {
    /// Starts an example that serves, and waits until it does.
    pub(crate) async fn serve(name: &str) -> Self {
        for _ in 0..ATTEMPTS {
            let mut program = Self::run(name, free_port().await);
            if within(name, program.serves()).await {
                return program;
            }
        }
        panic!("{name} ended instead of serving");
    }

    /// Starts an example that calls the server on this port.
    pub(crate) fn run(name: &str, port: u16) -> Self {
        Self::run_with(name, port, &[])
    }

    /// Starts an example with arguments.
    pub(crate) fn run_with(name: &str, port: u16, arguments: &[&str]) -> Self {
        let path = executable(name);
        let mut child = Command::new(&path)
            .args(arguments)
            .env("PORT", port.to_string())
            // As `cargo run` from the root of the workspace.
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; `cargo test` without `--test` builds it", path.display())
            });
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, output, port }
    }

    /// True once the port answers, false if the example has ended.
    async fn serves(&mut self) -> bool {
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> String {
        let line = within("a printed line", self.output.next_line()).await.unwrap();
        line.expect("the example has closed its output")
    }

    /// Reads on to a line of a kind.
    pub(crate) async fn line_that(&mut self, fits: impl Fn(&str) -> bool) {
        while !fits(&self.line().await) {}
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within("the end", self.child.wait()).await.unwrap()
    }
}

impl Drop for Program {
    /// Kills it and waits until it is gone, so that nothing outlives a test that failed.
    fn drop(&mut self) {
        if self.child.start_kill().is_err() {
            return;
        }
        let start = std::time::Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Where cargo puts an example: `examples/` beside the `deps/` that holds this test.
fn executable(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    target.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
