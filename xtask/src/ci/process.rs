//! Running a program with a time limit, its output both shown and read.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::counts::{self, Counts};

/// A program to run: what, where, for how long, and who reads its output.
#[derive(Debug)]
pub struct Program {
    command: Command,
    shown: String,
    limit: Duration,
    reader: counts::Reader,
}

impl Program {
    /// `words` are the program and its arguments; it may run for `minutes`.
    #[must_use]
    pub fn new(folder: &Path, words: &[&str], minutes: u64) -> Self {
        let (name, arguments) = words.split_first().unwrap_or((&"true", &[]));
        let mut command = Command::new(name);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        let limit = Duration::from_secs(60 * minutes);
        Self { command, shown: words.join(" "), limit, reader: counts::none }
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// With more arguments, which the heading leaves out.
    #[must_use]
    pub fn args(mut self, arguments: &[PathBuf]) -> Self {
        self.command.args(arguments);
        self
    }

    /// With a reader for the runner's own counts.
    #[must_use]
    pub fn counted_by(mut self, reader: counts::Reader) -> Self {
        self.reader = reader;
        self
    }

    /// Runs it, shows its output as it comes, and gives back what its runner counted.
    ///
    /// The counts come apart from the outcome, since a failing run has them too.
    pub fn run(mut self) -> (Counts, Result<()>) {
        println!("$ {}", self.shown);
        let mut child = match self.start() {
            Ok(child) => child,
            Err(error) => return (Counts::default(), Err(error)),
        };
        let counts = child.stdout.take().map(|output| tee(output, self.reader));
        let outcome = wait(&mut child, self.limit);
        let counts = counts.map(|counts| sum(&counts)).unwrap_or_default();
        (counts, outcome.and_then(|status| self.judge(status)))
    }

    /// Runs it without counting.
    ///
    /// # Errors
    /// When it cannot be started, takes too long, or fails.
    pub fn check(self) -> Result<()> {
        self.run().1
    }

    /// Runs it silently and gives back its standard output.
    ///
    /// # Errors
    /// When it cannot be started, fails, or writes something other than UTF-8. The time limit is
    /// not enforced: this is for questions that are answered at once.
    pub fn output(mut self) -> Result<String> {
        let output = self.command.output().with_context(|| self.cannot_run())?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed ({}): {}", self.shown, output.status, complaint.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn start(&mut self) -> Result<Child> {
        self.command.stdout(Stdio::piped()).spawn().with_context(|| self.cannot_run())
    }

    fn cannot_run(&self) -> String {
        format!("cannot run `{}`", self.shown)
    }

    fn judge(&self, status: ExitStatus) -> Result<()> {
        if !status.success() {
            bail!("`{}` ended with {status}", self.shown);
        }
        Ok(())
    }
}

/// Copies the output to ours, line by line, and sends on what each line counts.
fn tee(output: impl Read + Send + 'static, reader: counts::Reader) -> Receiver<Counts> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!(output.read_until(b'\n', &mut line), Ok(length) if length > 0) {
            let text = String::from_utf8_lossy(&line);
            // Not written to `stdout()`: this form is captured when a test of ours runs it, whose
            // made-up counts must not be taken for those of the real run.
            print!("{text}");
            if sender.send(reader(text.trim_end())).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// Adds up what came; waits 5 s at most for a pipe that some left-over child still holds open.
fn sum(receiver: &Receiver<Counts>) -> Counts {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut counts = Counts::default();
    while let Ok(more) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        counts += more;
    }
    counts
}

fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > limit {
            end_all(child.id());
            let _ = child.kill();
            child.wait()?;
            bail!("it took longer than its limit of {} s", limit.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Ends a process and everything it started. Where there is no `/proc`, the process alone is ended
/// by the caller.
fn end_all(process: u32) {
    let mut doomed = vec![process.to_string()];
    let parents = parents();
    let mut next = 0;
    while next < doomed.len() {
        let parent = doomed[next].clone();
        let children = parents.iter().filter(|(_, of)| **of == parent);
        doomed.extend(children.map(|(child, _)| child.clone()));
        next += 1;
    }
    let _ = Command::new("sh")
        .args(["-c", "kill -9 \"$@\"", "kill"])
        .args(&doomed)
        .stderr(Stdio::null())
        .status();
}

/// Each process and its parent, as Linux shows them.
fn parents() -> BTreeMap<String, String> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeMap::new() };
    let found = entries.flatten().filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // "pid (name) state parent ..."; the name may hold blanks and brackets.
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
        Some((entry.file_name().to_string_lossy().into_owned(), parent.to_owned()))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Program {
        let mut program = Program::new(Path::new("."), &["sh", "-c", script], 1);
        program.limit = limit;
        program
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_exit_code_decides_and_counts_survive_failure() {
        assert!(shell("exit 0", MINUTE).check().is_ok());
        let script = "echo 'test result: FAILED. 2 passed; 1 failed; 0 ignored'; exit 1";
        let (counts, outcome) = shell(script, MINUTE).counted_by(counts::cargo).run();
        assert_eq!(counts, Counts { passed: 2, failed: 1, skipped: 0 });
        assert!(outcome.unwrap_err().to_string().contains("exit status: 1"));
        assert!(Program::new(Path::new("."), &["no such program"], 1).check().is_err());
    }

    #[test]
    fn a_program_over_its_limit_is_ended_with_its_children() {
        let started = Instant::now();
        let script = "sleep 50 & echo $!; wait";
        let outcome = shell(script, Duration::from_millis(300)).run().1;
        assert!(outcome.unwrap_err().to_string().contains("limit"));
        // Were the child alive, it would hold the pipe open and `sum` would wait for 5 s.
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }

    #[test]
    fn standard_input_is_empty() {
        assert_eq!(shell("cat; echo end", MINUTE).output().unwrap(), "end\n");
    }
}
