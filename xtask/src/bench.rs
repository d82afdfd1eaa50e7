//! `cargo xtask bench`: builds the servers of `bench/`, ours and the peers, and compares them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};

use crate::tree;

/// For this very processor, unless told otherwise: every server gets the same.
const FLAGS: &str = "-Ctarget-cpu=native";

/// Builds everything and runs the benchmark with these words; `--help` lists them.
///
/// # Errors
/// When something cannot be built, or a server has failed.
pub fn run(words: &[&str]) -> Result<()> {
    let folder = tree::root()?.join("bench");
    // Never shared with other builds: these flags would throw away what they have compiled.
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(shared) => PathBuf::from(shared).join("bench"),
        None => folder.join("target"),
    };
    let asks = words.iter().any(|word| ["--help", "-h"].contains(word));
    build(&folder, &target, if asks { "--package=bench-harness" } else { "--workspace" })?;
    let scripts = folder.join("js");
    if !asks && let Err(error) = packages(&scripts) {
        println!("not measured: the peers from npm: {error:#}");
    }
    let programs = target.join("release");
    let mut bench = Command::new(programs.join("bench"));
    bench.arg("--scripts").arg(&scripts).args(words);
    succeed(bench.status().context("the benchmark cannot be run")?, "the benchmark")
}

fn build(folder: &Path, target: &Path, what: &str) -> Result<()> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", what, "--locked", "--target-dir"]).arg(target);
    if env::var_os("RUSTFLAGS").is_none() && env::var_os("CARGO_ENCODED_RUSTFLAGS").is_none() {
        cargo.env("RUSTFLAGS", FLAGS);
    }
    let status = cargo.current_dir(folder).status().context("cargo cannot be run")?;
    succeed(status, "the build")
}

/// Installs npm's peers as the lock file says, unless they are there.
fn packages(scripts: &Path) -> Result<()> {
    let time = |name: &str| scripts.join(name).metadata().ok()?.modified().ok();
    let installed = time("node_modules/.package-lock.json");
    if installed.is_some() && installed >= time("package-lock.json") {
        return Ok(());
    }
    let npm = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(scripts)
        .status();
    succeed(npm.context("npm cannot be run")?, "npm")
}

fn succeed(status: ExitStatus, what: &str) -> Result<()> {
    if !status.success() {
        bail!("{what} ended with {status}");
    }
    Ok(())
}
