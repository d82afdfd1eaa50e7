//! `cargo xtask ci`: everything that says whether the project is sound, on a fresh machine.
//!
//! It needs Rust and Node and installs the rest of what the tests use. Each step has a heading, a
//! time limit and its time. A failure does not end the run, unless later steps rest on it: one run
//! shows all that is broken. The last line sums what the test runners themselves counted.

pub mod counts;
pub mod licences;
pub mod machine;
pub mod process;
pub mod python;
pub mod steps;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::tree;
use counts::Counts;

/// What the steps share.
#[derive(Debug)]
pub struct Run {
    /// The project's folder.
    pub root: PathBuf,
    /// The sum of what the test runners counted so far.
    pub counts: Counts,
    /// What could not be checked on this machine, said again at the end.
    pub notes: Vec<String>,
}

/// Runs all steps, or those named; the exit code says whether everything passed.
#[must_use]
pub fn run(names: &[&str]) -> ExitCode {
    let unknown = names.iter().find(|name| !steps::ALL.iter().any(|step| step.name == **name));
    if let Some(name) = unknown {
        println!("no step `{name}`; the steps are:");
        for step in steps::ALL {
            println!("  {:9} {}", step.name, step.title);
        }
        return ExitCode::from(2);
    }
    let started = Instant::now();
    let outcome = tree::root().map(|root| {
        let mut run = Run { root, counts: Counts::default(), notes: Vec::new() };
        let failed = run.steps(names);
        (run, failed)
    });
    match outcome {
        Ok((run, failed)) => run.close(&failed, started.elapsed()),
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Run {
    /// Runs the chosen steps; the names of those that failed.
    fn steps(&mut self, names: &[&str]) -> Vec<&'static str> {
        let chosen = |step: &&steps::Step| names.is_empty() || names.contains(&step.name);
        let chosen: Vec<&steps::Step> = steps::ALL.iter().filter(chosen).collect();
        let all = chosen.len();
        let mut failed = Vec::new();
        for (index, step) in chosen.into_iter().enumerate() {
            println!("\n== {}/{all} {}: {}", index + 1, step.name, step.title);
            if self.step(step) {
                continue;
            }
            failed.push(step.name);
            if step.needed {
                println!("-- the other steps need {}", step.name);
                break;
            }
        }
        failed
    }

    /// Runs one step; says whether it passed.
    fn step(&mut self, step: &steps::Step) -> bool {
        let started = Instant::now();
        let failures = self.counts.failed;
        let outcome = (step.run)(self);
        let took = seconds(started.elapsed());
        let Err(error) = outcome else {
            println!("-- {}: passed in {took}", step.name);
            return true;
        };
        println!("-- {}: FAILED after {took}: {error:#}", step.name);
        // A step without tests of its own, such as a lint, counts as one failure, so that the
        // closing line never says "0 failed" about a run that failed.
        if self.counts.failed == failures {
            self.counts.failed += 1;
        }
        false
    }

    fn close(self, failed: &[&str], took: Duration) -> ExitCode {
        let passed = failed.is_empty();
        let verdict =
            if passed { "all passed".to_owned() } else { format!("FAILED: {}", failed.join(", ")) };
        println!("\n== {verdict} in {}", seconds(took));
        for note in &self.notes {
            println!("not checked here: {note}");
        }
        println!("{}", self.counts);
        // The closing line must leave before the exit code does, whatever reads it.
        let flushed = std::io::stdout().flush().is_ok();
        if passed && flushed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Remembers, and says, what could not be checked.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        println!("not checked here: {note}");
        self.notes.push(note);
    }

    /// Adds what one runner counted.
    ///
    /// # Errors
    /// When it ran no test at all: a suite that vanished must not look like one that passed.
    pub fn add(&mut self, counts: Counts) -> Result<()> {
        self.counts += counts;
        if counts.passed + counts.failed == 0 {
            anyhow::bail!("the runner reported no test");
        }
        Ok(())
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
