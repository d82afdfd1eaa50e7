//! The nightly toolchain, for the tools that exist nowhere else: sanitizers and Miri.

use std::process::{Command, Stdio};

/// `cargo +nightly`, which only rustup understands.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").stdin(Stdio::null());
    command
}

/// What `cargo +nightly` answers to these words, or nothing where it cannot.
#[must_use]
pub fn answer(words: &[&str]) -> Option<String> {
    let output = cargo().args(words).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
