//! Programs in the background, which end with us.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A running program; dropping it kills it.
#[derive(Debug)]
pub(super) struct Child(process::Child);

impl Child {
    /// Starts a program whose words go to a log file.
    pub(super) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("{}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("{name} cannot be run"))?;
        Ok(Self(child))
    }

    /// Starts a program and reads its first line, which is `before` and the answer.
    pub(super) fn start_and_read(mut command: Command, before: &str) -> Result<(Self, String)> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().with_context(|| format!("{name} cannot be run"))?;
        let mut child = Self(child);
        let mut line = String::new();
        if let Some(output) = child.0.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        match line.trim_end().strip_prefix(before) {
            Some(answer) => Ok((child, answer.to_owned())),
            None => bail!("{name} says {line:?} instead of \"{before}..\""),
        }
    }

    pub(super) fn is_running(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Killing a program that has ended already is no harm.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program to its end, which is to be a success within `limit`.
pub(super) fn run_to_end(command: Command, log: &Path, limit: Duration) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let started = Instant::now();
    let mut child = Child::start(command, log)?;
    while child.is_running()? {
        if started.elapsed() > limit {
            bail!("{name} took longer than {} s; see {}", limit.as_secs(), log.display());
        }
        thread::sleep(Duration::from_millis(50));
    }
    let status = child.0.wait()?;
    if !status.success() {
        bail!("{name} ended with {status}; see {}", log.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("xtask-autobahn-{name}-{}", process::id()))
    }

    #[test]
    fn success_failure_and_a_limit_are_told_apart() {
        let log = log("end");
        let limit = Duration::from_secs(60);
        assert!(run_to_end(shell("exit 0"), &log, limit).is_ok());
        let failed = run_to_end(shell("echo why; exit 3"), &log, limit).unwrap_err().to_string();
        assert!(failed.contains("exit status: 3"), "{failed}");
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "why\n");
        let late = run_to_end(shell("exec sleep 60"), &log, Duration::ZERO).unwrap_err();
        assert!(late.to_string().contains("longer"), "{late}");
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn the_first_line_carries_the_answer() {
        let script = "echo at here; exec sleep 60";
        let (mut child, answer) = Child::start_and_read(shell(script), "at ").unwrap();
        assert_eq!(answer, "here");
        assert!(child.is_running().unwrap());
        assert!(Child::start_and_read(shell("echo other"), "at ").is_err());
    }
}
